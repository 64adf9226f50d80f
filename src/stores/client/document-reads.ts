import { asLatchkeyError, LatchkeyError } from '../../core/errors.ts';
import { printable } from '../../core/names.ts';
import { retryWaitMs, type RetryPolicy } from '../../core/store/retry-policy.ts';
import type { Timing } from '../../ports/timing.ts';
import type { DocumentRef, DocumentResult, SecretsClient } from '../../ports/provider.ts';
import { SharedRead } from './shared-read.ts';

export interface ReadOptions {
  readonly retryPolicy: RetryPolicy;
  /** Runs a call to the backend when its turn has come. @throws LatchkeyError `Overloaded`. */
  readonly inTurn: (signal: AbortSignal, call: () => Promise<void>) => Promise<void>;
  readonly timing: Timing;
}

/** For how long reads gather after the backend was idle: what a read that comes alone pays. */
const IDLE_WINDOW_MS = 1;
/** For how long they gather while the backend is being asked anyway: others are likely to come. */
const BUSY_WINDOW_MS = 10;
const MOST_GATHERED = 10_000;
const NEVER = new AbortController().signal;

/**
 * The reads of one client, whoever wants them. A document that several want is read once; reads that come within a few
 * milliseconds of each other, or wait for their turn, go out together where the backend can answer many. Nobody is given
 * a value whose fetch began before their read became due: that is why values are shared while they are being fetched and
 * not kept afterwards.
 */
export class DocumentReads {
  readonly #client: Pick<SecretsClient, 'getSecret' | 'getSecrets'>;
  readonly #options: ReadOptions;
  /** By document, the read that was asked for last. */
  readonly #reads = new Map<string, SharedRead>();
  readonly #gathering = new Set<SharedRead>();
  #isGathering = false;
  #callsUnderWay = 0;

  constructor(client: Pick<SecretsClient, 'getSecret' | 'getSecrets'>, options: ReadOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** @param dueMs milliseconds since the epoch: a fetch that began earlier does not serve this caller. */
  async read(ref: DocumentRef, dueMs: number, signal: AbortSignal): Promise<DocumentResult> {
    const id = JSON.stringify([ref.key, ref.version ?? '']);
    const known = this.#reads.get(id);
    if (known?.serves(dueMs) === true) return known.join(signal);
    const read = new SharedRead(id, ref);
    if (signal.aborted) return read.join(signal);
    read.abandoned.addEventListener('abort', () => {
      this.#gathering.delete(read);
      if (this.#reads.get(id) === read) this.#reads.delete(id);
    });
    this.#request(read);
    return read.join(signal);
  }

  /** Asks for a turn: with others where the backend answers many at once, else alone. */
  #request(read: SharedRead): void {
    this.#reads.set(read.id, read);
    if (this.#client.getSecrets === undefined) {
      void this.#callInTurn(read.abandoned, () => [read]);
      return;
    }
    if (this.#gathering.size >= MOST_GATHERED) {
      read.settle({ error: overloaded(read.ref) });
      return;
    }
    this.#gathering.add(read);
    if (!this.#isGathering) void this.#gather();
  }

  async #gather(): Promise<void> {
    this.#isGathering = true;
    const { timing } = this.#options;
    await timing.pause(this.#callsUnderWay > 0 ? BUSY_WINDOW_MS : IDLE_WINDOW_MS, NEVER);
    // Whoever comes until the turn does goes along.
    await this.#callInTurn(NEVER, () => {
      const reads = [...this.#gathering];
      this.#gathering.clear();
      this.#isGathering = false;
      return reads;
    });
  }

  async #callInTurn(signal: AbortSignal, take: () => readonly SharedRead[]): Promise<void> {
    try {
      await this.#options.inTurn(signal, () => this.#call(take()));
    } catch (error) {
      for (const read of take()) read.settle({ error: asLatchkeyError(error) });
    }
  }

  /** One try. Never rejects: each read's error is its own. */
  async #call(reads: readonly SharedRead[]): Promise<void> {
    if (reads.length === 0) return;
    const { timing } = this.#options;
    const nowMs = timing.now();
    for (const read of reads) read.beginTry(nowMs);
    this.#callsUnderWay += 1;
    const results = await this.#ask(reads);
    this.#callsUnderWay -= 1;
    // One draw for all, so that what failed together is asked for together again.
    const chance = timing.chance();
    reads.forEach((read, position) => void this.#conclude(read, results[position] ?? missing(read.ref), chance));
  }

  async #ask(reads: readonly SharedRead[]): Promise<readonly DocumentResult[]> {
    const client = this.#client;
    const signal = allAborted(reads.map(({ abandoned }) => abandoned));
    const refs = reads.map(({ ref }) => ref);
    try {
      if (client.getSecrets !== undefined) return await client.getSecrets(refs, signal);
      return await Promise.all(refs.map(async (ref) => ({ document: await client.getSecret(ref, signal) })));
    } catch (cause) {
      const error = asLatchkeyError(cause);
      return reads.map(() => ({ error }));
    }
  }

  async #conclude(read: SharedRead, result: DocumentResult, chance: number): Promise<void> {
    const { timing, retryPolicy } = this.#options;
    const error = 'error' in result ? result.error : undefined;
    const waitMs = error && retryWaitMs(retryPolicy, { error, chance, ...read.triesUntil(timing.now()) });
    if (error === undefined || waitMs === undefined) {
      read.settle(result);
      return;
    }
    read.failTry(error);
    await timing.pause(waitMs, read.abandoned);
    if (read.abandoned.aborted) return;
    const newer = this.#reads.get(read.id);
    if (newer === undefined || newer === read) this.#request(read);
    else read.settle(await newer.join(read.abandoned));
  }
}

/** Aborts when all have. */
function allAborted(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  let left = signals.filter(({ aborted }) => !aborted).length;
  if (left === 0) controller.abort();
  const onAbort = (): void => {
    left -= 1;
    if (left === 0) controller.abort();
  };
  for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
  return controller.signal;
}

function missing({ key }: DocumentRef): DocumentResult {
  return { error: new LatchkeyError('BackendResponseInvalid', `the answer for "${printable(key)}" is missing`) };
}

function overloaded({ key }: DocumentRef): LatchkeyError {
  const tooMany = 'too many secrets of its store are being asked for';
  return new LatchkeyError('Overloaded', `"${printable(key)}" was not asked for: ${tooMany}`);
}
