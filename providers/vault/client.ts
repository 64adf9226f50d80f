import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { ClientContext, DocumentRef, SecretsClient } from '../../src/ports/provider.ts';
import { openConnection } from '../shared/backend-connection.ts';
import { openEgress } from '../shared/egress.ts';
import { guardUrl } from '../shared/egress-guard.ts';
import { observed } from '../shared/observed.ts';
import { transportError } from '../shared/transport-error.ts';
import { readDocument } from './answer.ts';
import { vaultError } from './errors.ts';
import type { VaultCall } from './errors.ts';
import { secretPath } from './path.ts';
import { VAULT_PATH } from './schema.ts';
import type { VaultConfig } from './schema.ts';
import { createVaultReader } from './sdk.ts';
import type { VaultReader } from './sdk.ts';

/**
 * @param token `undefined` = none is sent.
 * @param ca PEM of the authorities that the store trusts; `undefined` = the system's.
 * @throws LatchkeyError `InvalidProviderConfig` when the server is not one that a store may use.
 */
export async function createKvClient(
  config: VaultConfig,
  token: string | undefined,
  ca: string | undefined,
  context: ClientContext,
): Promise<SecretsClient> {
  const server = guardUrl(config.server, `${VAULT_PATH}.server`, context.allowedBackendHosts);
  const backend = `Vault at ${server.url.host}`;
  const agents = openEgress(context.environment, { lookup: server.lookup, ca });
  const connection = openConnection(server.url, backend, agents);
  const reader = await createVaultReader(server.url, token, config, connection);
  return {
    getSecret: (ref, signal) => getSecret(ref, signal, { reader, config, backend, context }),
    close: async () => connection.close(),
  };
}

interface Reading {
  readonly reader: VaultReader;
  readonly config: VaultConfig;
  readonly backend: string;
  readonly context: ClientContext;
}

async function getSecret(ref: DocumentRef, signal: AbortSignal, reading: Reading): Promise<SecretValue> {
  const { reader, config, backend, context } = reading;
  const path = secretPath(ref, config);
  const late = transportError(undefined, backend, signal);
  if (late !== undefined) throw late;
  const call = describe(ref, reading);
  return observed(context, 'ReadSecretData', async () => {
    const answer = await reader.read(path, signal);
    if (answer.status !== 200) throw vaultError(answer, call);
    const document = readDocument(answer.body, config.version);
    if (document) return new SecretValue(document);
    // KV v2 without data: upstream takes a version without any for deleted.
    if (document === null) throw new LatchkeyError('SecretNotFound', `${backend} has no ${call.subject}`);
    throw new LatchkeyError('BackendResponseInvalid', `${backend} gave an answer without a value for ${call.subject}`);
  });
}

function describe({ key, version }: DocumentRef, { backend, config }: Reading): VaultCall {
  const secret = `secret "${printable(key)}"`;
  const subject = version ? `${secret} in version "${printable(version)}"` : secret;
  return { backend, subject, version: config.version };
}
