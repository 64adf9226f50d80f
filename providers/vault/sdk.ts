import type { BackendAnswer, BackendConnection } from '../shared/backend-connection.ts';
import { lazy } from '../shared/lazy.ts';

const loadSdk = lazy(() => import('node-vault'));

export interface VaultRequest {
  /** Below `/v1/`, percent-encoded, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What is asked of Vault, with node-vault over a connection of ours. All throw as {@link BackendConnection.send}. */
export interface VaultSdk {
  read(request: VaultRequest): Promise<BackendAnswer>;
  list(request: VaultRequest): Promise<BackendAnswer>;
  write(request: VaultRequest, body: object): Promise<BackendAnswer>;
}

/** What node-vault hands to the HTTP client that it is given as `request-promise`. */
interface SdkRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json?: object;
  readonly signal: AbortSignal;
}

/**
 * node-vault's own HTTP client, axios, is not used: it follows redirects, takes proxies from the environment, loses digits
 * of large numbers and keeps no signal. What else of node-vault 0.12.0 has to be worked around:
 * - it takes what is not configured from `VAULT_TOKEN`, `VAULT_NAMESPACE`, `VAULT_PREFIX` … of this process, so every such
 *   member is set again, empty ones too;
 * - whoever logs in with it replaces the token of all its requests, and `kubernetesLogin` asks a path without its mount: so
 *   log-ins are plain writes, the client has no token, and each request brings its own;
 * - its errors hold the response, so answers of every status come back as they are;
 * - it writes into the `headers` object it is given, so each request gets its own;
 * - with `DEBUG` set it prints what it sends.
 */
export async function createVaultSdk(server: URL, connection: BackendConnection): Promise<VaultSdk> {
  const { default: nodeVault } = await loadSdk();
  const send = ({ method, uri, headers, json, signal }: SdkRequest): Promise<BackendAnswer> => {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const type = json === undefined ? {} : { 'content-type': 'application/json' };
    return connection.send({ method, url: uri, headers: { ...headers, ...type }, body, signal });
  };
  const client = nodeVault({
    endpoint: server.href,
    debug: () => undefined,
    'request-promise': { defaults: () => send },
  });
  Object.assign(client, {
    endpoint: server.href.replace(/\/+$/, ''),
    token: '',
    namespace: '',
    pathPrefix: '',
    // Listings as GET, like Vault's own client: not every proxy lets the verb LIST pass.
    noCustomHTTPVerbs: true,
    handleVaultResponse: async (answer: BackendAnswer) => answer,
  });
  const options = ({ headers, signal }: VaultRequest): object => ({ headers: { ...headers }, signal });
  return {
    read: async (request): Promise<BackendAnswer> => client.read(request.path, options(request)),
    list: async (request): Promise<BackendAnswer> => client.list(request.path, options(request)),
    write: async (request, body): Promise<BackendAnswer> => client.write(request.path, body, options(request)),
  };
}
