import { validateHeaderName, validateHeaderValue } from 'node:http';
import * as z from 'zod/mini';
import type { Json } from '../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import { authorities } from '../shared/authorities.ts';
import { parseProviderConfig } from '../shared/config.ts';
import { secretKeySelector, text } from '../shared/selectors.ts';

/** Where the section stands in a store, for messages. */
export const VAULT_PATH = 'spec.provider.vault';

/** What belongs to the connection, or is made from the store's other fields. */
const OWN_HEADERS = ['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'x-vault-token'];

const vaultSection = z.strictObject({
  server: text,
  path: z.optional(z.string()),
  version: z.optional(z.enum(['v1', 'v2'])),
  namespace: z.optional(z.string()),
  headers: z.optional(z.record(z.string(), z.string())),
  ...authorities,
  auth: z.optional(z.strictObject({ tokenSecretRef: z.optional(secretKeySelector) })),
});

/** `spec.provider.vault`, as far as this version acts on it. */
export interface VaultConfig {
  readonly server: string;
  /** Of the KV engine's mount; `undefined` = the first segment of each key. */
  readonly path: string | undefined;
  readonly version: 'v1' | 'v2';
  readonly namespace: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly authorities: Pick<z.infer<typeof vaultSection>, 'caBundle' | 'caProvider'>;
  /** `undefined` = the store sends no token, as before an agent that adds one. */
  readonly tokenSecretRef: z.infer<typeof secretKeySelector> | undefined;
}

/** @throws LatchkeyError `InvalidProviderConfig`, or `Unsupported` with the path of the field that is not acted on. */
export function parseVaultConfig(config: Json): VaultConfig {
  const parsed = parseProviderConfig(vaultSection, config, VAULT_PATH);
  if (parsed.auth !== undefined && parsed.auth.tokenSecretRef === undefined) {
    throw invalid('auth names no way to log in: add auth.tokenSecretRef');
  }
  const path = parsed.path || undefined;
  if (path?.split('/').some(isRelative) === true) throw invalid('path must not have the segments . or ..');
  return {
    server: parsed.server,
    path,
    version: parsed.version ?? 'v2',
    namespace: parsed.namespace || undefined,
    headers: readHeaders(parsed.headers ?? {}),
    authorities: { caBundle: parsed.caBundle, caProvider: parsed.caProvider },
    tokenSecretRef: parsed.auth?.tokenSecretRef,
  };
}

/** Segments with which a path would leave the mount it begins with. */
export function isRelative(segment: string): boolean {
  return segment === '.' || segment === '..';
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

function invalid(words: string): LatchkeyError {
  return new LatchkeyError('InvalidProviderConfig', `${VAULT_PATH}.${words}`);
}
