import type { ClientContext, Provider, SecretsClient } from '../../src/ports/provider.ts';
import { checkAuthorities, readAuthorities } from '../shared/authorities.ts';
import { guardUrl } from '../shared/egress-guard.ts';
import { nameThenPath } from '../shared/json-document.ts';
import { assertWithinReach } from '../shared/selectors.ts';
import { createKvClient } from './client.ts';
import { parseVaultConfig, selectorsOf } from './config.ts';
import type { VaultConfig } from './config.ts';
import { readClientCertificate, readToken } from './credentials.ts';
import { VAULT_PATH } from './schema.ts';
import { connectVault } from './server.ts';
import type { VaultServer } from './server.ts';
import { fixedSession, LogInSession } from './session.ts';
import type { Session } from './session.ts';

/** The KV engine of HashiCorp Vault and OpenBao. node-vault is loaded with the first client. */
export function createProvider(): Provider {
  return { validateStore: (store) => void checkStore(store), newClient, documents: nameThenPath };
}

function checkStore({ store, config, allowedBackendHosts }: Parameters<Provider['validateStore']>[0]): VaultConfig {
  const parsed = parseVaultConfig(config);
  guardUrl(parsed.server, `${VAULT_PATH}.server`, allowedBackendHosts);
  checkAuthorities(parsed.authorities, VAULT_PATH, store);
  for (const { selector, field } of selectorsOf(parsed)) assertWithinReach(selector, field, store);
  return parsed;
}

async function newClient(context: ClientContext, signal: AbortSignal): Promise<SecretsClient> {
  const config = checkStore(context);
  const { authorities, clientCertificate } = config;
  const [ca, identity] = await Promise.all([
    readAuthorities(authorities, VAULT_PATH, context, signal),
    clientCertificate && readClientCertificate(clientCertificate, context.credentials, signal),
  ]);
  const server = await connectVault(config, { ca, identity }, context);
  try {
    return createKvClient(config, server, await openSession(config, server, context, signal));
  } catch (error) {
    server.close();
    throw error;
  }
}

async function openSession(
  { auth, namespace }: VaultConfig,
  server: VaultServer,
  { credentials }: ClientContext,
  signal: AbortSignal,
): Promise<Session> {
  const { token, logIn } = auth;
  // Without either no token is sent: none of Latchkey's own takes its place.
  if (logIn === undefined) return fixedSession(token && (await readToken(token, credentials, signal)));
  const session = new LogInSession(server, logIn, auth.namespace ?? namespace, credentials);
  await session.open(signal);
  return session;
}
