import type { SecretKeySelector } from '../../src/api/external-secrets.ts';
import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { AWS_PATH } from './schema.ts';
import type { AwsConfig } from './schema.ts';

/** What requests are signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Absent = they do not expire as far as is known. */
  readonly expiration?: Date;
}

/** Fixed, asked for before each request, or whatever the SDK's default chain finds for Latchkey itself. */
export type CredentialSource = AwsCredentials | (() => Promise<AwsCredentials>) | 'ambient';

type SecretRefs = NonNullable<NonNullable<AwsConfig['auth']>['secretRef']>;

/** @throws LatchkeyError `CredentialsNotFound`. */
export async function readStaticCredentials(
  secretRef: SecretRefs,
  { credentials }: ClientContext,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const read = async (name: keyof SecretRefs, selector: SecretKeySelector): Promise<string> => {
    const field = `${AWS_PATH}.auth.secretRef.${name}`;
    const value = await credentials.readSecretKey(selector, field, signal);
    // No AWS credential has whitespace, but files made with `echo` end in a line feed.
    const text = value.reveal().toString('utf8').trim();
    if (text === '') throw new LatchkeyError('CredentialsNotFound', `${field} names a Secret key that is empty`);
    return text;
  };
  const [accessKeyId, secretAccessKey, sessionToken] = await Promise.all([
    read('accessKeyIDSecretRef', secretRef.accessKeyIDSecretRef),
    read('secretAccessKeySecretRef', secretRef.secretAccessKeySecretRef),
    secretRef.sessionTokenSecretRef && read('sessionTokenSecretRef', secretRef.sessionTokenSecretRef),
  ]);
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** @throws LatchkeyError `InvalidProviderConfig` when the store may not use the identity that Latchkey runs under. */
export function assertAmbientIdentityAllowed({ store, isAmbientIdentityAllowed }: ClientContext): void {
  if (isAmbientIdentityAllowed) return;
  const { kind, name } = store;
  throw new LatchkeyError(
    'InvalidProviderConfig',
    `${kind} "${printable(name)}" names no AWS credentials and may not use Latchkey's own: add ${AWS_PATH}.auth.jwt or ` +
      `.secretRef, or start Latchkey with --ambient-credentials ${kind === 'ClusterSecretStore' ? 'cluster-stores' : 'all'}`,
  );
}
