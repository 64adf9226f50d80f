import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { json } from 'node:stream/consumers';

export interface OpenBaoAccess {
  readonly endpoint: string;
  readonly token: string;
  /** PEM; only for https. */
  readonly ca?: string | undefined;
  /** Everything happens in there. */
  readonly namespace?: string | undefined;
}

export interface OpenBaoWriter {
  /**
   * One call of the HTTP API (`https://openbao.org/api-docs/`), `path` without `/v1/`, `body` as an object or as JSON text.
   * @returns the answer's JSON; `undefined` when it has none.
   * @throws Error naming call and status when it is refused.
   */
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object | string): Promise<unknown>;
  /** Enables a KV engine of that version at `mount`. */
  enableKv(mount: string, version: 1 | 2): Promise<void>;
  /** A token that may do only what these lines of policy (HCL) say. */
  createToken(policy: string): Promise<string>;
}

const timeoutMs = 10_000;

/** Fills a real server through its HTTP API, without any of the code under test. */
export function openBaoWriter(access: OpenBaoAccess): OpenBaoWriter {
  const call: OpenBaoWriter['call'] = (method, path, body) => send(access, method, path, body);
  let policies = 0;
  return {
    call,
    enableKv: async (mount, version) => {
      await call('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: String(version) } });
      // KV v2 refuses writes while it is being set up.
      if (version === 2) await call('POST', `${mount}/config`, {});
    },
    createToken: async (policy) => {
      policies += 1;
      const name = `test-${policies}`;
      await call('PUT', `sys/policies/acl/${name}`, { policy });
      const answer = await call('POST', 'auth/token/create', { policies: [name], no_default_policy: true });
      return (answer as { auth: { client_token: string } }).auth.client_token;
    },
  };
}

async function send(access: OpenBaoAccess, method: string, path: string, body?: object | string): Promise<unknown> {
  const { endpoint, token, ca, namespace } = access;
  const url = new URL(`${endpoint}/v1/${path}`);
  const headers = { 'x-vault-token': token, ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }) };
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, ca, agent: false, timeout: timeoutMs }, (incoming) => {
      const { statusCode = 0 } = incoming;
      if (statusCode === 204) resolve(undefined);
      else if (statusCode === 200) resolve(json(incoming));
      else reject(new Error(`OpenBao answered ${method} ${path} with status ${statusCode}`));
      incoming.resume();
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`OpenBao did not answer ${method} ${path}`)));
    outgoing.on('error', reject);
    outgoing.end(typeof body === 'object' ? JSON.stringify(body) : body);
  });
}
