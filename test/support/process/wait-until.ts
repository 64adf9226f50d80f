import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Completes the sentence "waited 5 s for …" of the error. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Pause between two checks. */
  readonly intervalMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls `check` until it returns true. A check that throws counts as "not yet"; the last such error becomes the cause
 * of the error thrown at the deadline. An aborted signal ends the wait at once with its reason.
 */
export async function waitUntil(
  check: (signal: AbortSignal) => boolean | Promise<boolean>,
  options: WaitOptions,
): Promise<void> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  let lastError: unknown;
  while (!signal.aborted) {
    try {
      if (await check(signal)) return;
      lastError = undefined;
    } catch (error) {
      if (!signal.aborted) lastError = error;
    }
    await pause(options.intervalMs ?? 50, signal);
  }
  options.signal?.throwIfAborted();
  const reason = lastError instanceof Error ? `: ${lastError.message}` : '';
  throw new Error(`waited ${options.timeoutMs / 1000} s for ${options.what}${reason}`, { cause: lastError });
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(durationMs, undefined, { signal });
  } catch (error) {
    // The caller looks at the signal itself and decides whose abort it was.
    if (!signal.aborted) throw error;
  }
}
