/** An alarm that a loop sleeps on: it goes off after a time, when called, or when the signal aborts. */
export interface WakeUp {
  /** Wakes the sleeper; called while nobody sleeps, the next sleep ends at once. */
  wake(): void;
  /** Resolves after `durationMs` at the latest; keeps no process alive and never rejects. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}

export function createWakeUp(): WakeUp {
  let isCalled = false;
  let ring: (() => void) | undefined;

  function wake(): void {
    isCalled = true;
    ring?.();
  }

  async function sleep(durationMs: number, signal: AbortSignal): Promise<void> {
    if (!isCalled && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const end = (): void => resolve();
      const timer = setTimeout(end, durationMs).unref();
      signal.addEventListener('abort', end, { once: true });
      ring = end;
      await promise;
      ring = undefined;
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
    isCalled = false;
  }

  return { wake, sleep };
}
