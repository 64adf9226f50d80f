import type { Clock } from '../ports/clock.ts';
import { DueHeap } from './due-heap.ts';

/** What goes first among what is due: somebody waits for it, something has changed, time has passed. */
export const PRIORITIES = ['waited-for', 'changed', 'timed'] as const;
export type Priority = (typeof PRIORITIES)[number];

interface Entry {
  readonly key: string;
  readonly atMs: number;
  readonly priority: Priority;
}

/** More keys than any cluster has objects of these kinds; who lists them again finds what was refused. */
const MOST_KEYS = 200_000;
/** Replaced entries that may lie in the heap until their time comes. */
const MOST_LEFTOVERS = 1_000;

/**
 * Keys and when they are due. Each is there once: added again, it comes at the earlier of the two times and with the higher
 * priority. A key that is being worked on is handed out to nobody else, and comes again if it was added meanwhile.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #mostKeys: number;
  readonly #entries = new Map<string, Entry>();
  readonly #later = new DueHeap<Entry>();
  /** Due, in the order in which they became so. */
  readonly #due: Readonly<Record<Priority, Map<string, Entry>>> = {
    'waited-for': new Map(),
    changed: new Map(),
    timed: new Map(),
  };
  readonly #working = new Set<string>();

  constructor(clock: Clock, mostKeys = MOST_KEYS) {
    this.#clock = clock;
    this.#mostKeys = mostKeys;
  }

  /** Keys that wait for their time or their turn. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is remembered of keys that wait for their time, those included that were replaced. */
  get heapSize(): number {
    return this.#later.size;
  }

  /** Keys whose time has come. */
  get dueCount(): number {
    this.#ripen();
    return PRIORITIES.reduce((sum, priority) => sum + this.#due[priority].size, 0);
  }

  /** @returns false when there are too many keys, and this one was left out. */
  add(key: string, exactlyAtMs: number, priority: Priority): boolean {
    if (exactlyAtMs === Infinity) return true;
    // Clocks count whole milliseconds.
    const atMs = Math.ceil(exactlyAtMs);
    const before = this.#entries.get(key);
    if (before === undefined && this.#entries.size >= this.#mostKeys) return false;
    if (before === undefined) {
      this.#put({ key, atMs, priority });
      return true;
    }
    const isHigher = PRIORITIES.indexOf(priority) < PRIORITIES.indexOf(before.priority);
    if (atMs >= before.atMs && !isHigher) return true;
    this.#due[before.priority].delete(key);
    this.#put({ key, atMs: Math.min(atMs, before.atMs), priority: isHigher ? priority : before.priority });
    return true;
  }

  /**
   * Hands out the next key that is due, may be worked on, and that nobody works on. Whoever takes it says {@link done}
   * afterwards.
   */
  take(mayBegin: (key: string) => boolean = () => true): string | undefined {
    this.#ripen();
    for (const priority of PRIORITIES) {
      for (const key of this.#due[priority].keys()) {
        if (this.#working.has(key) || !mayBegin(key)) continue;
        this.remove(key);
        this.#working.add(key);
        return key;
      }
    }
    return undefined;
  }

  done(key: string): void {
    this.#working.delete(key);
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#due[entry.priority].delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#later.clear();
    for (const priority of PRIORITIES) this.#due[priority].clear();
  }

  /** When the next key that waits for its time becomes due; `undefined` = none does. */
  nextAtMs(): number | undefined {
    this.#ripen();
    return this.#later.first()?.atMs;
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#later.push(entry);
    if (this.#later.size <= 2 * this.#entries.size + MOST_LEFTOVERS) return;
    this.#later.clear();
    for (const each of this.#entries.values()) if (!this.#due[each.priority].has(each.key)) this.#later.push(each);
  }

  /** Moves what has become due to where it is taken from. What has been replaced or removed stays in the heap until then. */
  #ripen(): void {
    const nowMs = this.#clock.now();
    for (let entry = this.#later.first(); entry !== undefined; entry = this.#later.first()) {
      const isCurrent = this.#entries.get(entry.key) === entry;
      if (isCurrent && entry.atMs > nowMs) return;
      this.#later.pop();
      if (isCurrent) this.#due[entry.priority].set(entry.key, entry);
    }
  }
}
