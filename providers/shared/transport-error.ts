import { LatchkeyError } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';

const LINK_LIMIT = 8;

const TRANSPORT: readonly (readonly [pattern: RegExp, code: ErrorCode, words: string])[] = [
  [/^ECONNREFUSED$/, 'BackendUnavailable', 'refuses connections'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED|UND_ERR_SOCKET)$/, 'BackendUnavailable', 'broke the connection off'],
  [/^(ENOTFOUND|EAI_[A-Z]+)$/, 'BackendUnavailable', 'cannot be found: its host name does not resolve'],
  [/^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/, 'BackendUnavailable', 'cannot be reached'],
  [/^(ETIMEDOUT|ESOCKETTIMEDOUT|UND_ERR_[A-Z_]*TIMEOUT)$/, 'BackendTimeout', 'did not answer in time'],
  [/^(AbortError|TimeoutError)$/, 'BackendTimeout', 'did not answer in time'],
  [/^ERR_PROXY_/, 'BackendUnavailable', 'cannot be reached: the proxy does not lead there'],
  [/^(ERR_TLS_|ERR_SSL_|EPROTO$)/, 'BackendUnavailable', 'cannot be reached: the TLS handshake failed'],
  [
    /CERT|^(UNABLE_TO_|HOSTNAME_MISMATCH)/,
    'BackendUnavailable',
    'cannot be reached: its TLS certificate is not trusted',
  ],
  [/^HPE_/, 'BackendResponseInvalid', 'does not speak HTTP'],
];

/**
 * What became of a call that got no answer, in our own words; `undefined` when the error is something else. Once the
 * caller's signal is aborted, whatever was thrown is a `BackendTimeout`.
 * @param backend the backend in words, first in the message: `AWS Secrets Manager in eu-central-1`.
 */
export function transportError(error: unknown, backend: string, signal?: AbortSignal): LatchkeyError | undefined {
  if (signal?.aborted === true) {
    return new LatchkeyError('BackendTimeout', `${backend} did not answer within the time left`);
  }
  for (const mark of marks(error)) {
    const row = TRANSPORT.find(([pattern]) => pattern.test(mark));
    if (row !== undefined) return new LatchkeyError(row[1], `${backend} ${row[2]}`, { cause: withheld(error) });
  }
  return undefined;
}

/**
 * A stand-in for a foreign error, fit to be a cause: its name, code and HTTP status, not its text, and none of the
 * properties in which SDKs keep the response.
 */
export function withheld(error: unknown): Error {
  const cause = new Error('text withheld: it may quote a secret');
  const { name, code } = marksOf(error);
  if (name !== undefined) cause.name = printable(name, 64);
  return code === undefined ? cause : Object.assign(cause, { code: printable(code, 64) });
}

/** Codes and names of the error and of what caused it, outermost first; Node tells several addresses' errors in `errors`. */
function marks(error: unknown): string[] {
  const found: string[] = [];
  const queue: unknown[] = [error];
  for (const link of queue) {
    if (queue.length > LINK_LIMIT) break;
    const { name, code } = marksOf(link);
    found.push(...[code, name].filter((mark) => mark !== undefined));
    if (link instanceof AggregateError) queue.push(...link.errors);
    if (link instanceof Error && link.cause !== undefined) queue.push(link.cause);
  }
  return found;
}

function marksOf(error: unknown): { name: string | undefined; code: string | undefined } {
  if (!(error instanceof Error)) return { name: undefined, code: undefined };
  const code: unknown = 'code' in error ? error.code : undefined;
  return { name: error.name, code: typeof code === 'string' ? code : undefined };
}
