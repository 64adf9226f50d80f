import { LatchkeyError } from '../core/errors.ts';
import type { ThreadFailure } from './call-state.ts';
import { loadModule, type ModuleName } from './module-file.ts';
import { ModuleThread, type ResponseMessage, type ThreadEnd } from './module-thread.ts';
import { Turns } from './turns.ts';

export interface RunnerOptions {
  /** How long one call may run. */
  readonly timeLimitMs: number;
  /** How many calls of one namespace may wait. */
  readonly longestQueue: number;
  /** After this time without a call the module's memory is given back. */
  readonly idleMs: number;
}

/** The call ended the thread that it ran in. Whoever made the call knows what to say about it. */
export class CallFailed extends Error {
  readonly failure: ThreadFailure;
  /** Which item of the request it was at, where the operation tells. */
  readonly progress: number;

  constructor(failure: ThreadFailure, progress: number) {
    super(`a call into the Go libraries failed: ${failure}`);
    this.name = 'CallFailed';
    this.failure = failure;
    this.progress = progress;
  }
}

export interface CallOptions {
  /** Whose turn it takes. */
  readonly namespace: string;
  readonly signal: AbortSignal;
}

interface Call extends CallOptions {
  readonly operation: number;
  readonly request: Uint8Array;
  /** When it was sent to the thread. */
  sentAtMs: number;
  resolve(response: Uint8Array): void;
  reject(error: unknown): void;
}

/** So many are sent ahead, so that the thread need not wait for this one between two calls. */
const SENT_AHEAD = 2;

/**
 * Runs calls in a thread that is made on first use and again after a call has ended it. Only the call that did so fails:
 * those sent behind it go to the next thread.
 */
export class ModuleRunner {
  readonly #name: ModuleName;
  readonly #options: RunnerOptions;
  readonly #sent = new Map<number, Call>();
  readonly #turns = new Turns<Call>();
  #module: Promise<WebAssembly.Module> | undefined;
  #thread: ModuleThread | undefined;
  #isStarting = false;
  #isClosed = false;
  #lastCall = 0;
  /** When the thread became free for the call that it is at. */
  #freeSinceMs = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(name: ModuleName, options: RunnerOptions) {
    this.#name = name;
    this.#options = options;
  }

  /** @throws CallFailed, LatchkeyError `Overloaded` or `Internal`, or the signal's reason. */
  async run(operation: number, request: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    const { namespace, signal } = options;
    signal.throwIfAborted();
    if (this.#isClosed) throw closed();
    const waiting = this.#turns.waitingIn(namespace);
    if (waiting >= this.#options.longestQueue) {
      throw new LatchkeyError('Overloaded', `${waiting} calls into the Go libraries wait, and no more may`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const call: Call = { ...options, operation, request, sentAtMs: 0, resolve, reject };
    const leave = (): void => this.#leave(call);
    signal.addEventListener('abort', leave, { once: true });
    this.#turns.add(namespace, call);
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
    this.#turns.remove(call.namespace, call);
    call.reject(call.signal.reason);
  }

  #pump(): void {
    clearTimeout(this.#idle);
    if (this.#thread === undefined) {
      if (!this.#turns.isEmpty) void this.#start();
      return;
    }
    while (this.#sent.size < SENT_AHEAD) {
      const call = this.#turns.take();
      if (call === undefined) break;
      call.sentAtMs = performance.now();
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
      this.#module ??= loadModule(this.#name);
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
    this.#settle(call)?.resolve(response);
    this.#pump();
  }

  #ended({ culprit, failure, progress, hasAnswered }: ThreadEnd): void {
    this.#thread = undefined;
    if (culprit !== undefined) {
      this.#settle(culprit)?.reject(new CallFailed(failure, progress));
    } else if (!hasAnswered) {
      this.#failAll(new LatchkeyError('Internal', 'the thread for the Go libraries does not start'));
    }
    for (const call of [...this.#sent.values()].toReversed()) {
      if (!call.signal.aborted) this.#turns.putBack(call.namespace, call);
    }
    this.#sent.clear();
    this.#pump();
  }

  /** The call has had the thread, and this is what it took of it. */
  #settle(number: number): Call | undefined {
    const call = this.#sent.get(number);
    if (call === undefined) return undefined;
    this.#sent.delete(number);
    const nowMs = performance.now();
    this.#turns.charge(call.namespace, nowMs - Math.max(call.sentAtMs, this.#freeSinceMs));
    this.#freeSinceMs = nowMs;
    return call;
  }

  async #release(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#module = undefined;
    await thread?.stop();
  }

  #failAll(error: LatchkeyError): void {
    for (const call of [...this.#sent.values(), ...this.#turns.drain()]) call.reject(error);
    this.#sent.clear();
  }
}

function closed(): LatchkeyError {
  return new LatchkeyError('Overloaded', 'this replica is shutting down and takes on no more work');
}
