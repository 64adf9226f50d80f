/** Waiting, injected so that tests let time pass by hand. */
export interface Timer {
  /** Runs once after so many ms, unless the function that is returned is called before. */
  after(delayMs: number, run: () => void): () => void;
}

/** Node turns a longer delay into none at all. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Never keeps the process alive. A delay that is too long ends early: whoever waits looks at the clock again. */
export const systemTimer: Timer = {
  after(delayMs, run) {
    const timeout = setTimeout(run, Math.min(delayMs, LONGEST_DELAY_MS)).unref();
    return () => clearTimeout(timeout);
  },
};
