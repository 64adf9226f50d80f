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
  const ring = (): void => {
    for (const [id, { atMs, run }] of alarms) if (atMs <= clock.now() && alarms.delete(id)) run();
  };
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
      for (;;) {
        const nextMs = Math.min(...[...alarms.values()].map(({ atMs }) => atMs));
        if (nextMs > endMs) break;
        clock.advance(Math.max(0, nextMs - clock.now()));
        // All of this moment: work that one alarm starts may wait for what another brings.
        ring();
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
