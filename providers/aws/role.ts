import { printable } from '../../src/core/names.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import type { CredentialSource } from './credentials.ts';
import { loadSts, openLogIn, sessionName } from './log-in.ts';
import type { LogIn } from './log-in.ts';
import { AWS_PATH } from './schema.ts';

export interface RoleRequest {
  readonly role: string;
  /** Where the store names it, for messages: `additionalRoles[0]`. */
  readonly field: string;
  readonly externalId?: string | undefined;
  readonly tags?: ReadonlyMap<string, string>;
  readonly transitiveTagKeys?: readonly string[] | undefined;
}

/** @param base what the role is assumed with. */
export async function assumeRole(
  { role, field, externalId, tags = new Map(), transitiveTagKeys = [] }: RoleRequest,
  region: string,
  base: CredentialSource,
  context: ClientContext,
): Promise<LogIn> {
  const { AssumeRoleCommand } = await loadSts();
  const subject = `role "${printable(role)}"`;
  const input = {
    RoleArn: role,
    RoleSessionName: sessionName(context),
    ...(externalId ? { ExternalId: externalId } : {}),
    ...(tags.size > 0 && { Tags: [...tags].map(([Key, Value]) => ({ Key, Value })) }),
    ...(transitiveTagKeys.length > 0 && { TransitiveTagKeys: [...transitiveTagKeys] }),
  };
  const words = `${AWS_PATH}.${field} or what goes with it is not something that AWS STS accepts`;
  return openLogIn(
    region,
    base,
    context,
    (client, abortSignal) => client.send(new AssumeRoleCommand(input), { abortSignal }),
    {
      backend: `AWS STS in ${region}`,
      purpose: `assume ${subject}`,
      subject,
      invalid: { code: 'InvalidProviderConfig', words },
    },
  );
}
