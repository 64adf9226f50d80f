import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CallState, type ThreadFailure } from './call-state.ts';

export interface ThreadData {
  readonly module: WebAssembly.Module;
  readonly shared: SharedArrayBuffer;
}

export interface CallMessage {
  /** From 1 on. */
  readonly call: number;
  readonly operation: number;
  readonly request: Uint8Array;
}

export interface ResponseMessage {
  readonly call: number;
  readonly response: Uint8Array;
}

export interface ThreadEnd {
  /** The call that ended the thread; `undefined` when none did. It may have been answered in its last moment. */
  readonly culprit: number | undefined;
  readonly failure: ThreadFailure;
  /** Which item of that call it was at. */
  readonly progress: number;
  /** Whether the thread was of any use. One that was not would not be the second time either. */
  readonly hasAnswered: boolean;
}

/** On a busy machine a call may take so many times its limit until it has had the processor for that long. */
const MOST_PATIENCE = 4;

interface ThreadOptions {
  readonly module: WebAssembly.Module;
  readonly timeLimitMs: number;
  readonly onResponse: (message: ResponseMessage) => void;
  readonly onEnd: (end: ThreadEnd) => void;
}

/**
 * A thread that runs calls in order, and is killed when one of them takes the processor for too long: neither loading nor
 * waiting behind others counts, nor what a busy machine does in between. Keeps the process alive only while it owes an answer.
 */
export class ModuleThread {
  readonly #worker: Worker;
  readonly #options: ThreadOptions;
  readonly #state = new CallState();
  #owed = 0;
  #hasAnswered = false;
  #overdue: number | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
    const { shared } = this.#state;
    const url = new URL(`./module-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
    this.#worker = new Worker(url, {
      workerData: { module: options.module, shared } satisfies ThreadData,
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
    });
    this.#worker.unref();
    this.#worker.on('message', (message: ResponseMessage) => this.#receive(message));
    // The text may quote values, and 'exit' follows.
    this.#worker.on('error', () => {});
    this.#worker.once('exit', () => this.#end());
  }

  send(message: CallMessage): void {
    this.#owed += 1;
    this.#worker.ref();
    this.#worker.postMessage(message);
    this.#watch ??= setTimeout(() => void this.#check(), this.#options.timeLimitMs);
  }

  /** Calls that are not answered yet never will be. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: ResponseMessage): void {
    this.#hasAnswered = true;
    this.#owed -= 1;
    if (this.#owed === 0) this.#rest();
    this.#options.onResponse(message);
  }

  #rest(): void {
    clearTimeout(this.#watch);
    this.#watch = undefined;
    this.#worker.unref();
  }

  /** Asks the thread's own record: this timer may be late, and the answer may be waiting behind it. */
  async #check(): Promise<void> {
    const watch = this.#watch;
    const { running } = this.#state;
    const spentMs = running === 0 ? 0 : await this.#spentMs();
    if (this.#watch !== watch) return;
    const leftMs = this.#options.timeLimitMs - (this.#state.running === running ? spentMs : 0);
    if (leftMs > 0) {
      this.#watch = setTimeout(() => void this.#check(), Math.ceil(leftMs));
      return;
    }
    this.#overdue = running;
    this.#state.fail('time');
    void this.#worker.terminate();
  }

  /** Of its limit. */
  async #spentMs(): Promise<number> {
    const elapsedMs = this.#state.elapsedMs();
    if (elapsedMs < this.#options.timeLimitMs) return elapsedMs;
    try {
      return Math.max(this.#state.processorMs(await this.#worker.cpuUsage()), elapsedMs / MOST_PATIENCE);
    } catch {
      // It has just ended, and 'exit' follows.
      return 0;
    }
  }

  #end(): void {
    this.#rest();
    const culprit = this.#overdue ?? (this.#state.running || undefined);
    const { failure, progress } = this.#state;
    this.#options.onEnd({ culprit, failure, progress, hasAnswered: this.#hasAnswered });
  }
}
