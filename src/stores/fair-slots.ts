import { LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';

export interface FairSlotsOptions {
  /** Pieces of work at once, over all namespaces. */
  readonly slots: number;
  /** Pieces of work at once in one namespace, so that those that hang leave room for others. */
  readonly slotsPerNamespace: number;
  /** How many may wait in one namespace. */
  readonly longestQueue: number;
}

interface Lane {
  running: number;
  readonly waiting: (() => void)[];
}

/**
 * Lets so many pieces of work run at once, and shares them among namespaces: a free slot goes to each namespace in turn,
 * however long the queue of another is. What one tenant asks for in a loop, or lets hang, costs the others nothing.
 */
export class FairSlots {
  readonly #options: FairSlotsOptions;
  /** Only namespaces with work. In the order of their turns: whose work has ended goes to the end. */
  readonly #lanes = new Map<string, Lane>();
  #running = 0;

  constructor(options: FairSlotsOptions) {
    this.#options = options;
  }

  /**
   * Runs a piece of work when its turn comes.
   * @throws LatchkeyError `Overloaded` at once when too many wait in this namespace, or when the signal aborts first.
   */
  async run<T>(namespace: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(namespace, signal);
    try {
      return await work();
    } finally {
      this.#release(namespace);
    }
  }

  async #turn(namespace: string, signal: AbortSignal): Promise<void> {
    const lane = this.#lanes.get(namespace) ?? { running: 0, waiting: [] };
    this.#lanes.set(namespace, lane);
    if (this.#isFree(lane)) {
      this.#take(lane);
      return;
    }
    if (lane.waiting.length >= this.#options.longestQueue) {
      throw overloaded(namespace, `${lane.waiting.length} wait, and no more may`);
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        lane.waiting.splice(lane.waiting.indexOf(enter), 1);
        if (lane.running === 0 && lane.waiting.length === 0) this.#lanes.delete(namespace);
        reject(overloaded(namespace, 'the turn of this one did not come in time'));
      };
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      lane.waiting.push(enter);
    });
  }

  #release(namespace: string): void {
    const lane = this.#lanes.get(namespace);
    if (lane === undefined) return;
    lane.running -= 1;
    this.#running -= 1;
    this.#lanes.delete(namespace);
    if (lane.running > 0 || lane.waiting.length > 0) this.#lanes.set(namespace, lane);
    for (const next of this.#lanes.values()) {
      const enter = this.#isFree(next) ? next.waiting.shift() : undefined;
      if (enter === undefined) continue;
      this.#take(next);
      enter();
      return;
    }
  }

  #isFree(lane: Lane): boolean {
    return this.#running < this.#options.slots && lane.running < this.#options.slotsPerNamespace;
  }

  #take(lane: Lane): void {
    lane.running += 1;
    this.#running += 1;
  }
}

function overloaded(namespace: string, problem: string): LatchkeyError {
  return new LatchkeyError(
    'Overloaded',
    `namespace "${printable(namespace)}" has more Secrets to be fetched than may be at once: ${problem}`,
  );
}
