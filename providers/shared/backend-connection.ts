import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { LatchkeyError } from '../../src/core/errors.ts';
import type { EgressAgents } from './egress.ts';
import { transportError, withheld } from './transport-error.ts';

/** Longer answers are cut and refused. */
const ANSWER_LIMIT_BYTES = 4 * 1024 * 1024;

export interface BackendRequest {
  readonly method: string;
  /** Of the origin that the connection is for. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Only with methods that carry one. */
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

/** Whatever came back, any status. Redirects are not followed: they lead past the guard, with credentials. */
export interface BackendAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface BackendConnection {
  /**
   * Sends one request. When the signal fires the request is broken off.
   * @throws LatchkeyError `BackendTimeout`, `BackendUnavailable` or `BackendResponseInvalid` when no answer came, or only
   * part of one; `InvalidProviderConfig` when the guard refuses the address.
   */
  send(request: BackendRequest): Promise<BackendAnswer>;
  close(): void;
}

/**
 * Connections to one backend, kept open between requests.
 * @param backend nothing is sent to another origin.
 * @param name the backend in words, first in messages: `Vault at vault.example:8200`.
 * @param agents closed with the connection.
 */
export function openConnection(backend: URL, name: string, agents: EgressAgents): BackendConnection {
  const isTls = backend.protocol === 'https:';
  const agent = isTls ? agents.httpsAgent : agents.httpAgent;
  const start = ({ method, headers, signal, ...request }: BackendRequest): ClientRequest => {
    const target = new URL(request.url);
    if (target.origin !== backend.origin) throw new LatchkeyError('Internal', `a request would not go to ${name}`);
    return (isTls ? httpsRequest : httpRequest)(target, { method, headers: { ...headers }, agent, signal });
  };
  return {
    send: async (request) => {
      try {
        return await exchange(() => start(request), request.body, name);
      } catch (error) {
        if (error instanceof LatchkeyError) throw error;
        const failed = `Latchkey could not ask ${name}; its log has the error's type`;
        throw (
          transportError(error, name, request.signal) ??
          new LatchkeyError('Internal', failed, { cause: withheld(error) })
        );
      }
    },
    close: () => {
      agents.httpAgent.destroy();
      agents.httpsAgent.destroy();
    },
  };
}

async function exchange(start: () => ClientRequest, body: string | undefined, name: string): Promise<BackendAnswer> {
  const request = start();
  try {
    const incoming = await answerTo(request, body);
    return incoming === 'stale' ? await exchange(start, body, name) : await readAnswer(incoming, name);
  } finally {
    // Ends what is left of an answer that is too long; a connection whose answer was read stays open.
    request.destroy();
  }
}

/**
 * A connection kept open may be closed by the other side at the very moment it is used: that is no answer, so ask anew.
 * Unless something may have been done already: what has a body is sent once.
 */
function answerTo(request: ClientRequest, body: string | undefined): Promise<IncomingMessage | 'stale'> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve);
    // Stays: a request that is broken off later tells it here too.
    request.on('error', (error) => {
      if (body === undefined && request.reusedSocket && hasCode(error, 'ECONNRESET')) resolve('stale');
      else reject(error);
    });
    request.end(body);
  });
}

async function readAnswer(incoming: IncomingMessage, name: string): Promise<BackendAnswer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > ANSWER_LIMIT_BYTES) {
      throw new LatchkeyError('BackendResponseInvalid', `${name} gave an answer of more than 4 MiB`);
    }
    chunks.push(chunk);
  }
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) };
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
