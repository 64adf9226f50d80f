/** Time, injected so that tests move it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Never goes back and never jumps, whatever becomes of the machine's time; for measuring how long ago something was. */
export const steadyClock: Clock = { now: () => performance.timeOrigin + performance.now() };
