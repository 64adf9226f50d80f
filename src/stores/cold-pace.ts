import { LRUCache } from 'lru-cache';
import { LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import type { Clock } from '../ports/clock.ts';

export interface ColdPaceOptions {
  /** Pieces of work in one namespace, in the long run. */
  readonly perSecond: number;
  /** As many may come at once, after a pause. */
  readonly atOnce: number;
}

/** Room for a rollout of everything that a namespace has; beyond that, more than backends and API server take from one tenant. */
export const COLD_PACE: ColdPaceOptions = { perSecond: 100, atOnce: 1_000 };

const NAMESPACES_REMEMBERED = 10_000;

/**
 * Bounds how often admission may begin cold work (a fetch, an ExternalSecret for an inline reference) for one namespace.
 * Slots bound what goes on at a time; whoever asks for what is refused quickly would never be short of one.
 */
export class ColdPace {
  readonly #options: ColdPaceOptions;
  readonly #clock: Clock;
  /** When the namespace will have used up nothing of what it may do at once, ms. */
  readonly #idleAtMs = new LRUCache<string, number>({ max: NAMESPACES_REMEMBERED });

  constructor(options: ColdPaceOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Counts one piece of work. @throws LatchkeyError `Overloaded` when the namespace may begin none now. */
  begin(namespace: string): void {
    const { perSecond, atOnce } = this.#options;
    const costMs = 1_000 / perSecond;
    const nowMs = this.#clock.now();
    const idleAtMs = Math.max(this.#idleAtMs.get(namespace) ?? 0, nowMs) + costMs;
    if (idleAtMs - nowMs > atOnce * costMs) {
      throw new LatchkeyError(
        'Overloaded',
        `namespace "${printable(namespace)}" asks for more than ${perSecond} Secrets a second to be fetched or made`,
      );
    }
    this.#idleAtMs.set(namespace, idleAtMs);
  }
}
