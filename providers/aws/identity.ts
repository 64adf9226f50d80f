import type { ClientContext } from '../../src/ports/provider.ts';
import { assertAmbientIdentityAllowed, readStaticCredentials } from './credentials.ts';
import type { CredentialSource } from './credentials.ts';
import type { LogIn } from './log-in.ts';
import { assumeRole } from './role.ts';
import type { RoleRequest } from './role.ts';
import type { AwsConfig } from './schema.ts';
import { sessionTagsOf } from './session-tags.ts';
import { assumeRoleWithToken } from './web-identity.ts';

/** Whom a store asks as. */
export interface AwsIdentity {
  readonly credentials: CredentialSource;
  close(): void;
}

/**
 * Who the store's `auth` says, then each of `additionalRoles`, then `role`; each is assumed by the one before.
 * @throws LatchkeyError `CredentialsNotFound`, or `InvalidProviderConfig`. Nothing is asked of AWS yet.
 */
export async function openIdentity(
  config: AwsConfig,
  context: ClientContext,
  signal: AbortSignal,
): Promise<AwsIdentity> {
  const logIns: LogIn[] = [];
  let credentials = await firstIdentity(config, context, signal, logIns);
  for (const request of rolesOf(config, context)) {
    const logIn = await assumeRole(request, config.region, credentials, context);
    logIns.push(logIn);
    credentials = logIn.current;
  }
  return { credentials, close: () => logIns.forEach((logIn) => logIn.close()) };
}

async function firstIdentity(
  { auth, region }: AwsConfig,
  context: ClientContext,
  signal: AbortSignal,
  logIns: LogIn[],
): Promise<CredentialSource> {
  if (auth?.jwt !== undefined) {
    const logIn = await assumeRoleWithToken(auth.jwt.serviceAccountRef, region, context, signal);
    logIns.push(logIn);
    return logIn.current;
  }
  if (auth?.secretRef !== undefined) return readStaticCredentials(auth.secretRef, context, signal);
  assertAmbientIdentityAllowed(context);
  return 'ambient';
}

/** External ID and tags are for the last role only, as upstream has it. */
function rolesOf(config: AwsConfig, context: ClientContext): readonly RoleRequest[] {
  const { role, additionalRoles = [], externalID: externalId, transitiveTagKeys } = config;
  const chain = additionalRoles.map((name, index) => ({ role: name, field: `additionalRoles[${index}]` }));
  if (!role) return chain;
  return [...chain, { role, field: 'role', externalId, tags: sessionTagsOf(config, context), transitiveTagKeys }];
}
