import { LatchkeyError } from '../../src/core/errors.ts';
import type { ClientContext, Provider, SecretsClient } from '../../src/ports/provider.ts';
import { checkAuthorities, readAuthorities } from '../shared/authorities.ts';
import { nameThenPath } from '../shared/json-document.ts';
import { createKvClient } from './client.ts';
import { parseVaultConfig, VAULT_PATH } from './schema.ts';
import type { VaultConfig } from './schema.ts';

/** What an HTTP header can carry, without spaces. */
const TOKEN = /^[\x21-\x7e]+$/;

/** The KV engine of HashiCorp Vault and OpenBao. node-vault is loaded with the first client. */
export function createProvider(): Provider {
  return { validateStore: (context) => void checkStore(context), newClient, documents: nameThenPath };
}

function checkStore({ store, config }: Pick<ClientContext, 'store' | 'config'>): VaultConfig {
  const parsed = parseVaultConfig(config);
  checkAuthorities(parsed.authorities, VAULT_PATH, store);
  return parsed;
}

async function newClient(context: ClientContext, signal: AbortSignal): Promise<SecretsClient> {
  const config = checkStore(context);
  const [token, ca] = await Promise.all([
    readToken(config, context, signal),
    readAuthorities(config.authorities, VAULT_PATH, context, signal),
  ]);
  return createKvClient(config, token, ca, context);
}

/** @returns `undefined` when the store names none: no token of Latchkey's own takes its place. */
async function readToken(
  { tokenSecretRef }: VaultConfig,
  context: ClientContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (tokenSecretRef === undefined) return undefined;
  const field = `${VAULT_PATH}.auth.tokenSecretRef`;
  const value = await context.credentials.readSecretKey(tokenSecretRef, field, signal);
  // Files made with `echo` end in a line feed.
  const token = value.reveal().toString('utf8').trim();
  if (!TOKEN.test(token)) throw new LatchkeyError('CredentialsNotFound', `${field} names a Secret key without a token`);
  return token;
}
