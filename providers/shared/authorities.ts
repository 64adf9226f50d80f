/** `caBundle` and `caProvider`: the authorities that a store trusts instead of the system's. */
import { X509Certificate } from 'node:crypto';
import * as z from 'zod/mini';
import { LatchkeyError } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { assertWithinReach, text } from './selectors.ts';

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Two members of a section's schema: `{ server: …, ...authorities }`. */
export const authorities = {
  /** Base64, as Kubernetes writes bytes, of PEM or of PEM in base64. */
  caBundle: z.optional(z.string()),
  caProvider: z.optional(
    z.strictObject({
      type: z.enum(['Secret', 'ConfigMap']),
      name: text,
      namespace: z.exactOptional(z.string()),
      key: z.exactOptional(z.string()),
    }),
  ),
};

type Authorities = z.infer<z.ZodMiniObject<typeof authorities>>;

/**
 * Judges them without reading anything.
 * @param path where the section stands, for messages: `spec.provider.vault`.
 * @throws LatchkeyError `InvalidProviderConfig`.
 */
export function checkAuthorities(
  { caBundle, caProvider }: Authorities,
  path: string,
  store: ClientContext['store'],
): void {
  if (caBundle) readBundle(caBundle, path);
  if (caProvider === undefined) return;
  const field = `${path}.caProvider`;
  assertWithinReach(caProvider, field, store);
  if (store.kind === 'ClusterSecretStore' && caProvider.namespace === undefined) {
    throw new LatchkeyError('InvalidProviderConfig', `${field}.namespace is required in a ClusterSecretStore`);
  }
}

/**
 * @returns PEM; `undefined` when the store names none. Of both, the bundle counts, as upstream has it.
 * @throws LatchkeyError `InvalidProviderConfig`, or `CredentialsNotFound` for what `caProvider` names.
 */
export async function readAuthorities(
  { caBundle, caProvider }: Authorities,
  path: string,
  { credentials }: Pick<ClientContext, 'credentials'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (caBundle) return readBundle(caBundle, path);
  if (caProvider === undefined) return undefined;
  const { type, ...selector } = caProvider;
  const field = `${path}.caProvider`;
  const found =
    type === 'Secret'
      ? (await credentials.readSecretKey(selector, field, signal)).reveal().toString('latin1')
      : await credentials.readConfigMapKey(selector, field, signal);
  return certificatesIn(found, `${field} names a ${type} key that`, 'CredentialsNotFound');
}

function readBundle(base64: string, path: string): string {
  const decoded = Buffer.from(base64, 'base64').toString('latin1');
  return certificatesIn(decoded, `${path}.caBundle`, 'InvalidProviderConfig');
}

function certificatesIn(pemOrBase64: string, subject: string, code: ErrorCode): string {
  const isPem = pemOrBase64.includes('-----BEGIN');
  const pem = isPem ? pemOrBase64 : Buffer.from(pemOrBase64, 'base64').toString('latin1');
  const certificates = pem.match(PEM_CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new LatchkeyError(code, `${subject} holds no certificate in PEM`);
  if (!certificates.every(isCertificate)) {
    throw new LatchkeyError(code, `${subject} holds a certificate that cannot be read`);
  }
  return certificates.join('\n');
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== '';
  } catch {
    // OpenSSL's message adds nothing for whoever wrote the store.
    return false;
  }
}
