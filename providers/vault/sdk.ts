import type { BackendAnswer, BackendConnection } from '../shared/backend-connection.ts';
import { lazy } from '../shared/lazy.ts';
import type { VaultConfig } from './schema.ts';

const loadSdk = lazy(() => import('node-vault'));

/** Reads with node-vault over a connection of ours. */
export interface VaultReader {
  /**
   * @param path below `/v1/`, percent-encoded, with its query.
   * @throws LatchkeyError as {@link BackendConnection.send}.
   */
  read(path: string, signal: AbortSignal): Promise<BackendAnswer>;
}

/** What node-vault hands to the HTTP client that it is given as `request-promise`, as far as a read goes. */
interface SdkRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * node-vault's own HTTP client, axios, is not used: it follows redirects, takes proxies from the environment, loses digits
 * of large numbers and keeps no signal. What else of node-vault 0.12.0 has to be worked around:
 * - it takes what is not configured from `VAULT_TOKEN`, `VAULT_NAMESPACE`, `VAULT_PREFIX` … of this process, so every such
 *   member is set again, empty ones too;
 * - its errors hold the response, so answers of every status come back as they are;
 * - it writes the token into the `headers` object it is given, so each request gets its own;
 * - with `DEBUG` set it prints what it sends.
 */
export async function createVaultReader(
  server: URL,
  token: string | undefined,
  config: VaultConfig,
  connection: BackendConnection,
): Promise<VaultReader> {
  const { default: nodeVault } = await loadSdk();
  const send = ({ method, uri, headers, signal }: SdkRequest): Promise<BackendAnswer> =>
    connection.send({ method, url: uri, headers: lowerCased(headers), signal });
  const client = nodeVault({
    endpoint: server.href,
    debug: () => undefined,
    'request-promise': { defaults: () => send },
  });
  Object.assign(client, {
    endpoint: server.href.replace(/\/+$/, ''),
    token: token ?? '',
    namespace: config.namespace ?? '',
    pathPrefix: '',
    handleVaultResponse: async (answer: BackendAnswer) => answer,
  });
  return {
    read: async (path, signal) => {
      const headers = { ...config.headers, 'X-Vault-Request': 'true' };
      const answer: BackendAnswer = await client.read(path, { headers, signal });
      return answer;
    },
  };
}

/** One of each: names that differ in case would be sent twice. The later one counts, the client's own. */
function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
