import { setImmediate as turn } from 'node:timers/promises';
import type { Timer } from '../../../../src/ports/timer.ts';
import { handClock, type HandClock } from '../stores/support/clock.ts';

export interface HandTime {
  readonly clock: HandClock;
  readonly timer: Timer;
  /** Lets time pass: stops at each alarm on the way and lets what it starts come to rest. */
  pass(ms: number): Promise<void>;
}

/** Time that stands still between steps. @param settle resolves when nothing is under way any more. */
export function handTime(settle: () => Promise<void> = settled): HandTime {
  const clock = handClock();
  const alarms = new Map<object, { readonly atMs: number; readonly run: () => void }>();
  const nextBefore = (endMs: number): [object, { atMs: number; run: () => void }] | undefined =>
    [...alarms].filter(([, { atMs }]) => atMs <= endMs).toSorted(([, a], [, b]) => a.atMs - b.atMs)[0];
  return {
    clock,
    timer: {
      after(delayMs, run) {
        const id = {};
        alarms.set(id, { atMs: clock.now() + delayMs, run });
        return () => void alarms.delete(id);
      },
    },
    async pass(ms) {
      const endMs = clock.now() + ms;
      await settle();
      for (let next = nextBefore(endMs); next !== undefined; next = nextBefore(endMs)) {
        const [id, { atMs, run }] = next;
        alarms.delete(id);
        clock.advance(Math.max(0, atMs - clock.now()));
        run();
        await settle();
      }
      clock.advance(endMs - clock.now());
      await settle();
    },
  };
}

async function settled(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await turn();
}
