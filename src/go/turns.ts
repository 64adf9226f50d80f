interface Lane<T> {
  readonly waiting: T[];
  /** How much of the thread's time its calls have had, on a scale where a lane that comes anew is level with the others. */
  usedMs: number;
}

/**
 * Calls that wait for the thread, by namespace. Next is one of the namespace that has had the least of its time: a
 * namespace of endless calls gets one for as many quick ones of the others as take that long.
 */
export class Turns<T> {
  readonly #lanes = new Map<string, Lane<T>>();
  /** Where the namespace stood whose turn was the last. */
  #levelMs = 0;

  waitingIn(namespace: string): number {
    return this.#lanes.get(namespace)?.waiting.length ?? 0;
  }

  add(namespace: string, call: T): void {
    this.#lane(namespace).waiting.push(call);
  }

  /** Before the others of its namespace: its turn has come already. */
  putBack(namespace: string, call: T): void {
    this.#lane(namespace).waiting.unshift(call);
  }

  remove(namespace: string, call: T): void {
    const { waiting = [] } = this.#lanes.get(namespace) ?? {};
    const position = waiting.indexOf(call);
    if (position >= 0) waiting.splice(position, 1);
  }

  take(): T | undefined {
    let first: Lane<T> | undefined;
    for (const lane of this.#lanes.values()) {
      if (lane.waiting.length > 0 && (first === undefined || lane.usedMs < first.usedMs)) first = lane;
    }
    if (first === undefined) return undefined;
    this.#levelMs = Math.max(this.#levelMs, first.usedMs);
    return first.waiting.shift();
  }

  /** Notes for how long a call has had the thread. */
  charge(namespace: string, elapsedMs: number): void {
    this.#lane(namespace).usedMs += elapsedMs;
    // What waits for nothing and is level with the others has nothing to be remembered for.
    for (const [name, { waiting, usedMs }] of this.#lanes) {
      if (waiting.length === 0 && usedMs <= this.#levelMs) this.#lanes.delete(name);
    }
  }

  /** All that wait, which then wait no more. */
  drain(): readonly T[] {
    const all = [...this.#lanes.values()].flatMap(({ waiting }) => waiting);
    this.#lanes.clear();
    return all;
  }

  get isEmpty(): boolean {
    return [...this.#lanes.values()].every(({ waiting }) => waiting.length === 0);
  }

  #lane(namespace: string): Lane<T> {
    const known = this.#lanes.get(namespace);
    if (known !== undefined) {
      known.usedMs = Math.max(known.usedMs, known.waiting.length === 0 ? this.#levelMs : 0);
      return known;
    }
    const lane = { waiting: [], usedMs: this.#levelMs };
    this.#lanes.set(namespace, lane);
    return lane;
  }
}
