import { asLatchkeyError, type LatchkeyError } from '../../core/errors.ts';
import type { FailedTry } from '../../core/store/retry-policy.ts';
import type { DocumentRef, DocumentResult } from '../../ports/provider.ts';
import { raceAbort } from '../race-abort.ts';

/** One for all: every read ends so, and making one means making a stack. */
const NOBODY_WAITS = new DOMException('nobody waits for it any more', 'AbortError');

/** One document that is to be read or being read, for everyone who waits for it. */
export class SharedRead {
  /** The same for whatever reads the same document. */
  readonly id: string;
  readonly ref: DocumentRef;
  /** When the try that is under way began; `undefined` while there is none. Milliseconds since the epoch. */
  #triedAtMs: number | undefined;
  #firstTriedAtMs: number | undefined;
  #retries = 0;
  /** Of the try before: says more than that time ran out over the next. */
  #lastError: LatchkeyError | undefined;
  readonly #result = Promise.withResolvers<DocumentResult>();
  readonly #abandoned = new AbortController();
  #waiters = 0;

  constructor(id: string, ref: DocumentRef) {
    this.id = id;
    this.ref = ref;
  }

  /** Aborts when the last one who waited has gone. */
  get abandoned(): AbortSignal {
    return this.#abandoned.signal;
  }

  /** May its value be given to one whose read became due at that moment? Never one that was fetched before. */
  serves(dueMs: number): boolean {
    return !this.abandoned.aborted && (this.#triedAtMs === undefined || this.#triedAtMs >= dueMs);
  }

  /** Waits for the answer, or for this caller's signal: then the others wait on. */
  async join(signal: AbortSignal): Promise<DocumentResult> {
    this.#waiters += 1;
    try {
      return await raceAbort(this.#result.promise, signal);
    } catch (cause) {
      return { error: this.#lastError ?? asLatchkeyError(cause) };
    } finally {
      this.#waiters -= 1;
      if (this.#waiters === 0) this.#abandoned.abort(NOBODY_WAITS);
    }
  }

  beginTry(nowMs: number): void {
    this.#triedAtMs = nowMs;
    this.#firstTriedAtMs ??= nowMs;
  }

  /** There will be another. */
  failTry(error: LatchkeyError): void {
    this.#triedAtMs = undefined;
    this.#lastError = error;
    this.#retries += 1;
  }

  triesUntil(nowMs: number): Pick<FailedTry, 'retries' | 'sinceFirstMs'> {
    return { retries: this.#retries, sinceFirstMs: nowMs - (this.#firstTriedAtMs ?? nowMs) };
  }

  settle(result: DocumentResult): void {
    this.#result.resolve(result);
  }
}
