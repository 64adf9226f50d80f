import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Json } from '../../src/api/kubernetes.ts';
import { printable } from '../../src/core/names.ts';
import { parseProviderConfig } from '../shared/config.ts';
import { readAuth } from './auth.ts';
import type { ClientCertificateRef, Proof, VaultAuth } from './auth.ts';
import { isRelative } from './path.ts';
import { invalid, refTo, VAULT_PATH, vaultSection } from './schema.ts';
import type { Ref, VaultSection } from './schema.ts';

/** What belongs to the connection, or is made from the store's other fields. */
const OWN_HEADERS = [
  'host',
  'connection',
  'content-length',
  'content-type',
  'transfer-encoding',
  'upgrade',
  'x-vault-token',
];

/** `spec.provider.vault`, as far as this version acts on it. */
export interface VaultConfig {
  readonly server: string;
  /** Of the KV engine's mount; `undefined` = the first segment of each key. */
  readonly path: string | undefined;
  readonly version: 'v1' | 'v2';
  readonly namespace: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** A standby that has not seen our log-in yet waits for it, or forwards what it is asked. */
  readonly consistency: 'none' | 'own-writes' | 'forward';
  readonly authorities: Pick<VaultSection, 'caBundle' | 'caProvider'>;
  readonly clientCertificate: ClientCertificateRef | undefined;
  readonly auth: VaultAuth;
}

/** @throws LatchkeyError `InvalidProviderConfig`, or `Unsupported` with the path of the field that is not acted on. */
export function parseVaultConfig(config: Json): VaultConfig {
  const section = parseProviderConfig(vaultSection, config, VAULT_PATH);
  const path = section.path || undefined;
  if (path?.split('/').some(isRelative) === true) throw invalid('path must not have the segments . or ..');
  const version = section.version ?? 'v2';
  if (version === 'v1' && section.checkAndSet?.required === true) throw invalid('checkAndSet needs version v2');
  const auth = readAuth(section.auth);
  return {
    server: section.server,
    path,
    version,
    namespace: section.namespace || undefined,
    headers: readHeaders(section.headers ?? {}),
    consistency: section.forwardInconsistent ? 'forward' : section.readYourWrites ? 'own-writes' : 'none',
    authorities: { caBundle: section.caBundle, caProvider: section.caProvider },
    // What a log-in by certificate shows counts, as upstream has it: Vault binds the token to it.
    clientCertificate: auth.clientCertificate ?? clientCertificate(section.tls),
    auth,
  };
}

/** Every selector that a client of this store reads. */
export function selectorsOf({ auth, clientCertificate }: VaultConfig): readonly (Ref | Proof)[] {
  const proofs = Object.values(auth.logIn?.proofs ?? {});
  const { certificate, key } = clientCertificate ?? {};
  return [auth.token, ...proofs, certificate, key].filter((ref) => ref !== undefined);
}

function clientCertificate(tls: VaultSection['tls']): VaultConfig['clientCertificate'] {
  const { certSecretRef, keySecretRef } = tls ?? {};
  if (certSecretRef === undefined && keySecretRef === undefined) return undefined;
  if (certSecretRef === undefined || keySecretRef === undefined) {
    throw invalid('tls needs both certSecretRef and keySecretRef');
  }
  return {
    certificate: refTo(certSecretRef, 'tls.certSecretRef', 'tls.crt'),
    key: refTo(keySecretRef, 'tls.keySecretRef', 'tls.key'),
  };
}

function readHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    if (!isHeader(name, value)) throw invalid(`headers."${printable(name, 64)}" is no HTTP header`);
    if (OWN_HEADERS.includes(name.toLowerCase())) throw invalid(`headers."${name}" is not for a store to set`);
  }
  return headers;
}

function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    // Its message quotes the name; that it cannot be sent is all there is to know.
    return false;
  }
}
