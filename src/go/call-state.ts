const RUNNING = 0;
const FAILURE = 1;
const STARTED_AT = 1;
const PROGRESS = 4;
const PROCESSOR_AT_START = 3;

/** How a call can end the thread that it runs in. */
const FAILURES = ['crash', 'time', 'memory'] as const;
export type ThreadFailure = (typeof FAILURES)[number];

/**
 * What a thread is at, readable from the other while it is stuck: which call it runs since when, how far it is, and what
 * ended it. A thread that is killed can send no message any more.
 */
export class CallState {
  readonly shared: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #times: BigInt64Array;

  constructor(shared = new SharedArrayBuffer(32)) {
    this.shared = shared;
    this.#numbers = new Int32Array(shared);
    this.#times = new BigInt64Array(shared);
  }

  /** Number of the call that runs; 0 = none. */
  get running(): number {
    return Atomics.load(this.#numbers, RUNNING);
  }

  get failure(): ThreadFailure {
    return FAILURES[Atomics.load(this.#numbers, FAILURE)] ?? 'crash';
  }

  /** Which of the items of the call that runs, or was the last one to, is being worked on. */
  get progress(): number {
    return Atomics.load(this.#numbers, PROGRESS);
  }

  /** For how long the call has been running. Both threads read the same clock. */
  elapsedMs(): number {
    return Number(process.hrtime.bigint() - Atomics.load(this.#times, STARTED_AT)) / 1e6;
  }

  /** How much of `usage`, which the thread has had since its own start, belongs to the call. */
  processorMs({ user, system }: NodeJS.CpuUsage): number {
    return (user + system - Number(Atomics.load(this.#times, PROCESSOR_AT_START))) / 1_000;
  }

  begin(call: number): void {
    const { user, system } = process.threadCpuUsage();
    Atomics.store(this.#times, PROCESSOR_AT_START, BigInt(user + system));
    this.proceed(0);
    Atomics.store(this.#times, STARTED_AT, process.hrtime.bigint());
    Atomics.store(this.#numbers, RUNNING, call);
  }

  end(): void {
    Atomics.store(this.#numbers, RUNNING, 0);
  }

  proceed(item: number): void {
    Atomics.store(this.#numbers, PROGRESS, item);
  }

  fail(failure: ThreadFailure): void {
    Atomics.store(this.#numbers, FAILURE, FAILURES.indexOf(failure));
  }
}
