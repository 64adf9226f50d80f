import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import {
  externalSecret,
  fakeStore,
  namespace,
  toYamlDocuments,
  type Manifest,
} from '../../../support/latchkey/manifests.ts';
import { runCommand, type CommandResult } from '../../../support/process/run-command.ts';
import { createTemporaryDirectory } from '../../../support/process/temporary-directory.ts';
import { SentinelCollector } from '../../../support/sentinel/sentinel.ts';

export const MAIN = join(import.meta.dirname, '../../../../src/main.ts');

/** The real command line in a process of its own, with nothing of this one's environment but the search path. */
export function latchkey(
  args: readonly string[],
  { input, env = {} }: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CommandResult> {
  return runCommand(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
    input,
    timeoutMs: 30_000,
  });
}

/** Objects of a multi-document YAML text. */
export function documentsOf(text: string): readonly Record<string, unknown>[] {
  const documents = parseAllDocuments(text);
  assert.ok(Array.isArray(documents));
  return documents.map((document) => document.toJS() as Record<string, unknown>);
}

export interface Shop extends AsyncDisposable {
  readonly path: string;
  readonly sentinels: SentinelCollector;
  /** Writes a file of manifests below the shop's folder and gives its path. */
  write(file: string, ...manifests: readonly Manifest[]): Promise<string>;
  /** Runs a command and keeps all that it prints, for the search for values. */
  run: typeof latchkey;
}

/**
 * A folder `base` with an opted-in namespace, a store with one secret and an ExternalSecret `db` that makes the Secret
 * `db-credentials` with the keys `username` and `password` out of it.
 */
export async function createShop(): Promise<Shop> {
  const temporary = await createTemporaryDirectory('cli');
  const sentinels = new SentinelCollector();
  const write = async (file: string, ...manifests: readonly Manifest[]): Promise<string> => {
    const path = join(temporary.path, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, toYamlDocuments(...manifests));
    return path;
  };
  const document = JSON.stringify({ username: sentinels.mint(), password: sentinels.mint() });
  const property = (name: string): { key: string; property: string } => ({ key: 'prod/db', property: name });
  await write(
    'base/shop.yaml',
    namespace('shop'),
    fakeStore('store', 'shop', { 'prod/db': document }),
    externalSecret({
      name: 'db',
      namespace: 'shop',
      data: { username: property('username'), password: property('password') },
      spec: { target: { name: 'db-credentials' } },
    }),
  );
  return {
    path: temporary.path,
    sentinels,
    write,
    async run(args, options) {
      const result = await latchkey(args, options);
      sentinels.collect(`stdout of ${args.join(' ')}`, result.stdout);
      sentinels.collect(`stderr of ${args.join(' ')}`, result.stderr);
      return result;
    },
    [Symbol.asyncDispose]: temporary.remove,
  };
}
