/**
 * Lets through so many a second, evenly: in no second more, also after a rest. Turns are given out in advance, first come
 * first served.
 */
export class TokenBucket {
  readonly #spacingMs: number;
  #nextMs = -Infinity;

  constructor(perSecond: number) {
    this.#spacingMs = 1_000 / perSecond;
  }

  /** The moment of the caller's turn, now or later; ms since the epoch. */
  turnAtMs(nowMs: number): number {
    const turnMs = Math.max(this.#nextMs, nowMs);
    this.#nextMs = turnMs + this.#spacingMs;
    return turnMs;
  }
}
