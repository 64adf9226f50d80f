import { systemClock, type Clock } from './clock.ts';

/** Time that passes, and chance, injected so that tests decide both. */
export interface Timing extends Clock {
  /** Resolves after so long, or as soon as the signal aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1, 1 excluded. */
  chance(): number;
}

export const systemTiming: Timing = {
  ...systemClock,
  chance: () => Math.random(),
  pause: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end, { once: true });
    }),
};
