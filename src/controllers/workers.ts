import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Timer } from '../ports/timer.ts';
import { WorkQueue, type Priority } from './work-queue.ts';

export interface WorkersOptions {
  /** What is worked on, for the log. */
  readonly kind: string;
  readonly concurrency: number;
  /** Sees to one key. What it throws is a bug of ours, and the key rests until something adds it again. */
  readonly work: (key: string, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly logger: Logger;
}

/** Of all workers, how many may be at one namespace, so that a tenant whose backend hangs leaves the others theirs. */
const LARGEST_SHARE = 1 / 4;
/** The machine's time may be set, or the machine sleep: the clock is looked at this often. */
const LONGEST_ALARM_MS = 60_000;

/** Works through a queue with so many keys at once, while it may. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #queue: WorkQueue;
  readonly #running = new Set<Promise<void>>();
  /** How many work for each namespace. */
  readonly #perNamespace = new Map<string, number>();
  #signal: AbortSignal | undefined;
  #cancelAlarm: (() => void) | undefined;
  #isWoken = false;

  constructor(options: WorkersOptions) {
    this.#options = options;
    this.#queue = new WorkQueue(options.clock);
  }

  /** Is anything taken in? */
  get isRunning(): boolean {
    return this.#signal !== undefined;
  }

  get queued(): number {
    return this.#queue.size;
  }

  get isIdle(): boolean {
    return this.#running.size === 0 && !this.#isWoken && this.#queue.dueCount === 0;
  }

  /** Begins. When `signal` aborts, nothing new is begun, what is under way is told, and what waits is forgotten. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener(
      'abort',
      () => {
        if (this.#signal !== signal) return;
        this.#signal = undefined;
        this.#cancelAlarm?.();
        this.#queue.clear();
      },
      { once: true },
    );
  }

  /** Before {@link start} and after its end nothing is taken in: whoever starts lists what there is. */
  add(key: string, atMs: number, priority: Priority): void {
    if (this.#signal === undefined) return;
    if (!this.#queue.add(key, atMs, priority)) {
      this.#options.logger.warn('too many objects wait to be seen to, one was left out', { kind: this.#options.kind });
    }
    this.#wake();
  }

  /** Resolves when everything that had been begun has ended. */
  async drained(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Once for all keys that are added together. */
  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#begin();
    });
  }

  #begin(): void {
    const signal = this.#signal;
    if (signal === undefined) return;
    while (this.#running.size < this.#options.concurrency) {
      const key = this.#queue.take((each) => this.#hasRoom(each));
      if (key === undefined) break;
      const run = this.#run(key, signal);
      this.#running.add(run);
      void run.then(() => {
        this.#running.delete(run);
        this.#wake();
      });
    }
    this.#cancelAlarm?.();
    const nextAtMs = this.#queue.nextAtMs();
    if (nextAtMs === undefined) return;
    const { clock, timer } = this.#options;
    this.#cancelAlarm = timer.after(clamp(nextAtMs - clock.now()), () => this.#wake());
  }

  #hasRoom(key: string): boolean {
    const most = Math.ceil(this.#options.concurrency * LARGEST_SHARE);
    return (this.#perNamespace.get(namespaceOf(key)) ?? 0) < most;
  }

  #count(key: string, change: 1 | -1): void {
    const namespace = namespaceOf(key);
    const count = (this.#perNamespace.get(namespace) ?? 0) + change;
    if (count > 0) this.#perNamespace.set(namespace, count);
    else this.#perNamespace.delete(namespace);
  }

  async #run(key: string, signal: AbortSignal): Promise<void> {
    const { work, logger, kind } = this.#options;
    this.#count(key, 1);
    try {
      await work(key, signal);
    } catch (error) {
      logger.error('seeing to an object failed', { kind, key }, error);
    } finally {
      this.#count(key, -1);
      this.#queue.done(key);
    }
  }
}

/** Keys are `namespace/name`. */
function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

function clamp(delayMs: number): number {
  return Math.min(Math.max(0, delayMs), LONGEST_ALARM_MS);
}
