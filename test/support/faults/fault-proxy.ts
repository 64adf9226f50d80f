import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What becomes of one request on its way to a backend and back. */
export type ProxyFault =
  | 'none'
  /** The answer comes later. */
  | 'latency'
  | 'reset before the answer'
  | 'reset within the answer'
  /** The connection is closed in good order, in the middle of the answer. */
  | 'truncated answer'
  | 'server error'
  | 'throttled'
  | 'bytes of no protocol'
  /** Taken, and never answered. */
  | 'half-open';

export interface FaultProxyOptions {
  /** `http://host:port` of the real backend. */
  readonly target: string;
  /** Asked for each request. */
  readonly choose: () => ProxyFault;
  /** Serve TLS with this. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  /** Requests that did not go well. */
  readonly failures: number;
  /** Connections that are open now. */
  openConnections(): Promise<number>;
}

export const PROXY_LATENCY_MS = 40;
export const PROXY_RETRY_AFTER_S = 7;
const ONWARD_TIMEOUT_MS = 10_000;

/** Stands before a real backend and does to its traffic what networks and overloaded servers do. */
export async function startFaultProxy({ target, choose, tls }: FaultProxyOptions): Promise<FaultProxy> {
  let failures = 0;
  const handle = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const fault = choose();
    if (fault !== 'none' && fault !== 'latency') failures += 1;
    void serve(fault, target, incoming, outgoing);
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http${tls === undefined ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get failures() {
      return failures;
    },
    openConnections: () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function serve(
  fault: ProxyFault,
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { socket } = incoming;
  switch (fault) {
    case 'half-open':
      return;
    case 'reset before the answer':
      socket.resetAndDestroy();
      return;
    case 'bytes of no protocol':
      socket.end('\u0000\u0001 this is no HTTP\r\n\r\n');
      return;
    case 'server error':
    case 'throttled':
      incoming.resume();
      outgoing
        .writeHead(fault === 'throttled' ? 429 : 500, {
          'content-type': 'application/json',
          ...(fault === 'throttled' && { 'retry-after': String(PROXY_RETRY_AFTER_S) }),
        })
        .end('{}');
      return;
    case 'none':
    case 'latency':
    case 'reset within the answer':
    case 'truncated answer':
      break;
  }
  const answer = await askOnward(target, incoming);
  if (fault === 'latency') await new Promise((resolve) => setTimeout(resolve, PROXY_LATENCY_MS));
  outgoing.writeHead(answer.status, { ...answer.headers, 'content-length': String(answer.body.length) });
  if (fault === 'none' || fault === 'latency') {
    outgoing.end(answer.body);
    return;
  }
  outgoing.write(answer.body.subarray(0, answer.body.length / 2), () => {
    if (fault === 'truncated answer') socket.end();
    else socket.resetAndDestroy();
  });
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

async function askOnward(target: string, incoming: IncomingMessage): Promise<Answer> {
  const { method, url = '/', headers } = incoming;
  const body = Buffer.concat((await incoming.toArray()) as Buffer[]);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    // A connection of its own: what is left open here must not be counted as the client's.
    const onward = request(
      `${target}${url}`,
      { method, headers, agent: false, signal: AbortSignal.timeout(ONWARD_TIMEOUT_MS) },
      resolve,
    );
    onward.on('error', reject);
    onward.end(body);
  });
  const { 'content-type': contentType = '' } = answer.headers;
  return {
    status: answer.statusCode ?? 502,
    headers: { 'content-type': contentType },
    body: Buffer.concat((await answer.toArray()) as Buffer[]),
  };
}
