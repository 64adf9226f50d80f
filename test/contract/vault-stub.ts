import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { startStub } from './stub-server.ts';
import type { Stub, StubReply } from './stub-server.ts';

/** One call as Vault would see it. */
export interface VaultRequest {
  readonly method: string;
  /** Below `/v1/`, as it was sent, with its query. */
  readonly path: string;
  readonly token: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Of a write. */
  readonly body: unknown;
}

/** Speaks Vault's API as far as Latchkey does (https://developer.hashicorp.com/vault/api-docs), and checks what it is sent. */
export function startVaultStub(
  reply: (request: VaultRequest, count: number) => StubReply,
): Promise<Stub<VaultRequest>> {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return startStub({ backend: 'Vault', read: readRequest, reply, headers });
}

async function readRequest(incoming: IncomingMessage): Promise<VaultRequest> {
  const { method = '', url = '', headers } = incoming;
  if (!['GET', 'POST'].includes(method) || !url.startsWith('/v1/')) throw new Error(`${method} ${url}`);
  if (headers['x-vault-request'] !== 'true') throw new Error('X-Vault-Request is missing, agents may ask for it');
  const token = headers['x-vault-token'];
  if (Array.isArray(token)) throw new Error('two tokens were sent');
  const sent = (await incoming.toArray()).join('');
  if ((method === 'POST') !== (headers['content-type'] === 'application/json'))
    throw new Error('the content type is wrong');
  const body: unknown = sent === '' ? undefined : JSON.parse(sent);
  return { method, path: url.slice('/v1/'.length), token, headers, body };
}

/** An error as Vault answers it. */
export function vaultErrorReply(status: number, errors: readonly string[], headers = {}): StubReply {
  return { status, headers, body: `${JSON.stringify({ errors })}\n` };
}

/** A logical answer as Vault gives it; `data` as its JSON spells it. */
export function vaultReply(data: string, { status = 200, warnings = [] as readonly string[] } = {}): StubReply {
  const body =
    `{"request_id":"00000000-0000-4000-8000-000000000000","lease_id":"","renewable":false,"lease_duration":0,` +
    `"data":${data},"wrap_info":null,"warnings":${warnings.length > 0 ? JSON.stringify(warnings) : 'null'},"auth":null}\n`;
  return { status, body };
}
