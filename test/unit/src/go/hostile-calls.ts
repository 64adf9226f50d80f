import { SecretValue } from '../../../../src/core/secret-value.ts';
import type { GoLibraries } from '../../../../src/ports/go-libraries.ts';

type HostileCall = (libraries: GoLibraries, signal: AbortSignal, secret?: string) => Promise<unknown>;

/** Seconds of work: a thousand states for each of a million characters. */
export const endless: HostileCall = (libraries, signal, secret = '') =>
  libraries.matches('(?:(?:x?){30}){30}y', [secret + 'x'.repeat(1_000_000)], signal);

/** 10 GB, if it were let. */
export const memoryBomb: HostileCall = (libraries, signal, secret = '') =>
  libraries.replaceAll('x', secret + 'y'.repeat(100_000), ['x'.repeat(100_000)], signal);

/** Recurses until the thread's stack is used up. */
export const bottomless: HostileCall = (libraries, signal, secret = '') =>
  libraries.jsonPaths(
    [{ document: SecretValue.fromText(`{"a":"${secret}","b":${'['.repeat(3_000_000)}`), paths: ['@valid'] }],
    signal,
  );

/** More than any Secret holds, but not more than there is memory for. */
export const overlong: HostileCall = (libraries, signal, secret = '') =>
  libraries.replaceAll('x', secret + 'y'.repeat(1_000), ['x'.repeat(10_000)], signal);
