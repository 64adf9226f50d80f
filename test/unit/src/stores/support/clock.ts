import type { Clock } from '../../../../../src/ports/clock.ts';

/** A clock that stands still until it is moved. */
export interface HandClock extends Clock {
  advance(ms: number): void;
}

export function handClock(startMs = Date.parse('2026-01-01T00:00:00Z')): HandClock {
  let nowMs = startMs;
  return { now: () => nowMs, advance: (ms) => void (nowMs += ms) };
}
