import { LatchkeyError } from '../core/errors.ts';
import type { ThreadFailure } from './call-state.ts';
import { loadModule } from './module-file.ts';
import { ModuleThread, type ResponseMessage, type ThreadEnd } from './module-thread.ts';

export interface RunnerOptions {
  /** How long one call may run. */
  readonly timeLimitMs: number;
  /** How many calls may wait. */
  readonly longestQueue: number;
  /** After this time without a call the module's memory is given back. */
  readonly idleMs: number;
}

/** The call ended the thread that it ran in. Whoever made the call knows what to say about it. */
export class CallFailed extends Error {
  readonly failure: ThreadFailure;

  constructor(failure: ThreadFailure) {
    super(`a call into the Go libraries failed: ${failure}`);
    this.name = 'CallFailed';
    this.failure = failure;
  }
}

interface Call {
  readonly operation: number;
  readonly request: Uint8Array;
  readonly signal: AbortSignal;
  resolve(response: Uint8Array): void;
  reject(error: unknown): void;
}

/** So many are sent ahead, so that the thread need not wait for this one between two calls. */
const SENT_AHEAD = 4;

/**
 * Runs calls in a thread that is made on first use and again after a call has ended it. Only the call that did so fails:
 * those sent behind it go to the next thread.
 */
export class ModuleRunner {
  readonly #options: RunnerOptions;
  readonly #sent = new Map<number, Call>();
  #waiting: Call[] = [];
  #module: Promise<WebAssembly.Module> | undefined;
  #thread: ModuleThread | undefined;
  #isStarting = false;
  #isClosed = false;
  #lastCall = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** @throws CallFailed, LatchkeyError `Overloaded` or `Internal`, or the signal's reason. */
  async run(operation: number, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    if (this.#isClosed) throw closed();
    if (this.#waiting.length >= this.#options.longestQueue) {
      throw new LatchkeyError(
        'Overloaded',
        `${this.#waiting.length} calls into the Go libraries wait, and no more may`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const call: Call = { operation, request, signal, resolve, reject };
    const leave = (): void => this.#leave(call);
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.push(call);
    this.#pump();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    this.#failAll(closed());
    await this.#release();
  }

  /** What the thread already has stays among what was sent: it will run all the same. */
  #leave(call: Call): void {
    this.#waiting = this.#waiting.filter((candidate) => candidate !== call);
    call.reject(call.signal.reason);
  }

  #pump(): void {
    clearTimeout(this.#idle);
    if (this.#thread === undefined) {
      if (this.#waiting.length > 0) void this.#start();
      return;
    }
    while (this.#sent.size < SENT_AHEAD) {
      const call = this.#waiting.shift();
      if (call === undefined) break;
      this.#lastCall += 1;
      this.#sent.set(this.#lastCall, call);
      this.#thread.send({ call: this.#lastCall, operation: call.operation, request: call.request });
    }
    if (this.#sent.size === 0) this.#idle = setTimeout(() => void this.#release(), this.#options.idleMs).unref();
  }

  async #start(): Promise<void> {
    if (this.#isStarting) return;
    this.#isStarting = true;
    try {
      this.#module ??= loadModule();
      const module = await this.#module;
      if (this.#isClosed) return;
      this.#thread = this.#newThread(module);
    } catch (cause) {
      this.#module = undefined;
      this.#failAll(new LatchkeyError('Internal', 'the Go libraries cannot be loaded', { cause }));
    } finally {
      this.#isStarting = false;
    }
    this.#pump();
  }

  #newThread(module: WebAssembly.Module): ModuleThread {
    const thread = new ModuleThread({
      module,
      timeLimitMs: this.#options.timeLimitMs,
      onResponse: (message) => this.#answered(message),
      onEnd: (end) => {
        if (this.#thread === thread) this.#ended(end);
      },
    });
    return thread;
  }

  #answered({ call, response }: ResponseMessage): void {
    this.#sent.get(call)?.resolve(response);
    this.#sent.delete(call);
    this.#pump();
  }

  #ended({ culprit, failure, hasAnswered }: ThreadEnd): void {
    this.#thread = undefined;
    if (culprit !== undefined) {
      this.#sent.get(culprit)?.reject(new CallFailed(failure));
      this.#sent.delete(culprit);
    } else if (!hasAnswered) {
      this.#failAll(new LatchkeyError('Internal', 'the thread for the Go libraries does not start'));
    }
    this.#waiting.unshift(...[...this.#sent.values()].filter(({ signal }) => !signal.aborted));
    this.#sent.clear();
    this.#pump();
  }

  async #release(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#module = undefined;
    await thread?.stop();
  }

  #failAll(error: LatchkeyError): void {
    for (const call of [...this.#sent.values(), ...this.#waiting]) call.reject(error);
    this.#sent.clear();
    this.#waiting = [];
  }
}

function closed(): LatchkeyError {
  return new LatchkeyError('Overloaded', 'this replica is shutting down and takes on no more work');
}
