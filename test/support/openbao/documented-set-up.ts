import { parse } from 'yaml';
import type { Json } from '../../../src/api/kubernetes.ts';
import type { OpenBaoWriter } from './openbao-writer.ts';

/** A section of docs/providers/vault.md on one way to log in. */
export interface DocumentedLogIn {
  /** `AppRole` */
  readonly title: string;
  /** Its lines for the shell, in order. */
  readonly commands: readonly string[];
  /** What it has under `auth` in a store. */
  readonly auth: Readonly<Record<string, Json>>;
}

/** All ways to log in that the page shows. */
export function documentedLogIns(page: string): readonly DocumentedLogIn[] {
  const chapter = /^## Ways to log in$(.*?)^## /ms.exec(page)?.[1] ?? '';
  return chapter
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const commands = /^```\n(.*?)^```$/ms.exec(section)?.[1] ?? '';
      const { auth } = parse(/^```yaml\n(.*?)^```$/ms.exec(section)?.[1] ?? '') as Pick<DocumentedLogIn, 'auth'>;
      return { title: section.split('\n')[0] ?? '', commands: commands.trim().split('\n'), auth };
    });
}

/** The policy that the page gives, HCL. */
export function documentedPolicy(page: string): string {
  return (page.match(/^path ".*$/gm) ?? []).join('\n');
}

/**
 * Does over the HTTP API what a documented `vault …` command does.
 * @param files for `name=@file`.
 * @returns what it prints with `-field`, or the token that it made.
 */
export async function runVaultCommand(
  writer: OpenBaoWriter,
  command: string,
  files: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const [, verb = '', ...words] = command.split(' ');
  const flags = Object.fromEntries(
    words.filter((word) => word.startsWith('-')).map((word) => word.slice(1).split('=') as [string, string?]),
  );
  const [first = '', ...rest] = words.filter((word) => !word.startsWith('-'));
  const fields = Object.fromEntries(
    rest.map((word) => {
      const [name = '', ...value] = word.split('=');
      const text = value.join('=');
      return [name, text.startsWith('@') ? files[text.slice(1)] : text] as const;
    }),
  );
  switch (`${verb} ${first}`) {
    case 'auth enable':
      await writer.call('POST', `sys/auth/${rest[0]}`, { type: rest[0] });
      return undefined;
    case 'token create': {
      const { policy, period, 'no-default-policy': bare } = flags;
      const body = {
        policies: [policy],
        period,
        no_default_policy: bare === undefined && 'no-default-policy' in flags,
      };
      return ((await writer.call('POST', 'auth/token/create', body)) as { auth: { client_token: string } }).auth
        .client_token;
    }
    default: {
      const answer = await (verb === 'read' ? writer.call('GET', first) : writer.call('POST', first, fields));
      const { data } = (answer ?? { data: {} }) as { data: Record<string, string> };
      return flags['field'] === undefined ? undefined : data[flags['field']];
    }
  }
}
