import type { Timing } from '../../../../../src/ports/timing.ts';

interface Sleeper {
  readonly untilMs: number;
  readonly wake: () => void;
}

/** Time that passes only when the test lets it, and chance that always falls the same way. */
export class Timeline implements Timing {
  #nowMs = 0;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#nowMs;
  }

  chance(): number {
    return 1;
  }

  pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = { untilMs: this.#nowMs + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      const leave = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      };
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** Lets so much time pass, and everything happen that falls into it. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#nowMs = next.untilMs;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      next.wake();
      // Those of one moment wake together, as timers do.
      if (this.#next(this.#nowMs) === undefined) await settled();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): Sleeper | undefined {
    const due = this.#sleepers.filter(({ untilMs }) => untilMs <= endMs);
    return due.toSorted((a, b) => a.untilMs - b.untilMs)[0];
  }
}

/** Everything that was ready to happen has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}
