const RUNNING = 0;
const FAILURE = 1;
const STARTED_AT = 1;

/** How a call can end the thread that it runs in. */
const FAILURES = ['crash', 'time', 'memory'] as const;
export type ThreadFailure = (typeof FAILURES)[number];

/**
 * What a thread is at, readable from the other while it is stuck: which call it runs since when, and what ended it. A
 * thread that is killed can send no message any more.
 */
export class CallState {
  readonly shared: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #times: BigInt64Array;

  constructor(shared = new SharedArrayBuffer(16)) {
    this.shared = shared;
    this.#numbers = new Int32Array(shared, 0, 2);
    this.#times = new BigInt64Array(shared, 0, 2);
  }

  /** Number of the call that runs; 0 = none. */
  get running(): number {
    return Atomics.load(this.#numbers, RUNNING);
  }

  get failure(): ThreadFailure {
    return FAILURES[Atomics.load(this.#numbers, FAILURE)] ?? 'crash';
  }

  /** For how long the call has been running. Both threads read the same clock. */
  elapsedMs(): number {
    return Number(process.hrtime.bigint() - Atomics.load(this.#times, STARTED_AT)) / 1e6;
  }

  begin(call: number): void {
    Atomics.store(this.#times, STARTED_AT, process.hrtime.bigint());
    Atomics.store(this.#numbers, RUNNING, call);
  }

  end(): void {
    Atomics.store(this.#numbers, RUNNING, 0);
  }

  fail(failure: ThreadFailure): void {
    Atomics.store(this.#numbers, FAILURE, FAILURES.indexOf(failure));
  }
}
