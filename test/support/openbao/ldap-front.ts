import { createServer, request as forward } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import type { OpenBao } from './openbao.ts';

export interface LdapFront extends AsyncDisposable {
  readonly endpoint: string;
  /** What a log-in was refused for; a client that speaks the API gives none but wrong passwords. */
  readonly refusals: readonly string[];
  stop(): Promise<void>;
}

interface LdapUser {
  readonly name: string;
  readonly password: string;
  readonly policies: readonly string[];
}

/**
 * OpenBao with the LDAP method, which it has not: answers `POST auth/ldap/login/:username`
 * (https://developer.hashicorp.com/vault/api-docs/auth/ldap) itself, with a token that OpenBao made, and hands everything else on. No
 * directory is behind it, only the one user.
 */
export async function startLdapFront(bao: OpenBao, user: LdapUser): Promise<LdapFront> {
  const refusals: string[] = [];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const { url = '' } = incoming;
    if (!url.startsWith('/v1/auth/ldap/')) return handOn(incoming, body, outgoing, new URL(bao.endpoint));
    const refusal = judge(incoming, body, user);
    if (refusal === undefined) {
      const made = await bao.writer.call('POST', 'auth/token/create', { policies: user.policies, ttl: '1h' });
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(made));
      return;
    }
    refusals.push(refusal);
    const errors = ['ldap operation failed: failed to bind as user'];
    outgoing.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ errors }));
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, refusals, stop, [Symbol.asyncDispose]: stop };
}

/** Why a log-in is refused. */
function judge({ method, url, headers }: IncomingMessage, body: Buffer, user: LdapUser): string | undefined {
  if (method !== 'POST' || headers['content-type'] !== 'application/json') return 'it is no JSON';
  if (headers['x-vault-token'] !== undefined) return 'a log-in brings no token';
  if (url !== `/v1/auth/ldap/login/${encodeURIComponent(user.name)}`) return 'the user is unknown';
  const sent = JSON.parse(String(body)) as Record<string, unknown>;
  const isRight = Object.keys(sent).join() === 'password' && sent['password'] === user.password;
  return isRight ? undefined : 'the password is wrong';
}

function handOn({ method, url, headers }: IncomingMessage, body: Buffer, outgoing: ServerResponse, target: URL): void {
  const { hostname: host, port } = target;
  const onward = forward({ host, port, method, path: url, headers: { ...headers, host: target.host } }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  onward.on('error', () => outgoing.destroy());
  onward.end(body);
}
