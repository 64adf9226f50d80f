import { asLatchkeyError, LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import type { SecretValue } from '../../src/core/secret-value.ts';
import type { ClientContext, DocumentRef, DocumentResult } from '../../src/ports/provider.ts';
import { atMost } from '../shared/limit.ts';

/** Requests that one batch of reads has under way. */
const MOST_AT_ONCE = 8;
const NOTHING: ReadonlyMap<string, DocumentResult> = new Map();

/** One document that is asked for. */
export interface Wanted {
  /** The backend's own name for it, the store's prefix included. */
  readonly id: string;
  /** How the manifest asks for it, for messages. */
  readonly ref: DocumentRef;
}

/** How a service reads. */
export interface BatchService {
  readonly mostPerCall: number;
  /**
   * Current versions, in one call.
   * @returns by id; what the answer says nothing about is left out.
   * @throws LatchkeyError when the call as a whole fails.
   */
  together(wanted: readonly Wanted[], signal: AbortSignal): Promise<ReadonlyMap<string, DocumentResult>>;
  /** @throws LatchkeyError as `SecretsClient.getSecret`. */
  alone(wanted: Wanted, signal: AbortSignal): Promise<SecretValue>;
  /** A call was refused: is it the right to such calls that is missing, or to one of the documents? */
  isCallRefused(alone: readonly DocumentResult[]): boolean;
  /** Called once, when it is that. */
  onCallRefused(): void;
}

type Results = readonly (readonly [Wanted, DocumentResult])[];
type InTurn = ReturnType<typeof atMost>;

/**
 * Reads many documents in as few calls as the service allows, each error its own. Versions go one by one, since an answer
 * may not tell versions of one document apart; and so does everything once it turns out that the identity lacks the right
 * to batch calls, as roles made for single reads do.
 */
export class BatchReader {
  readonly #service: BatchService;
  #isCallRefused = false;

  constructor(service: BatchService) {
    this.#service = service;
  }

  /** In the order of `wanted`. */
  async read(wanted: readonly Wanted[], signal: AbortSignal): Promise<readonly DocumentResult[]> {
    const inTurn = atMost(MOST_AT_ONCE);
    const versions = wanted.filter(({ ref }) => ref.version);
    const current = wanted.filter(({ ref }) => !ref.version);
    const results = await Promise.all([
      this.#readAlone(versions, inTurn, signal),
      ...chunksOf(current, this.#service.mostPerCall).map((chunk) => this.#readTogether(chunk, inTurn, signal)),
    ]);
    const found = new Map(results.flat());
    return wanted.map((one) => found.get(one) ?? { error: notRead(one) });
  }

  async #readTogether(chunk: readonly Wanted[], inTurn: InTurn, signal: AbortSignal): Promise<Results> {
    if (chunk.length === 1) return this.#readAlone(chunk, inTurn, signal);
    let answer = NOTHING;
    let isRefused = false;
    try {
      answer = await inTurn(async () => (this.#isCallRefused ? NOTHING : this.#service.together(chunk, signal)));
    } catch (cause) {
      const error = asLatchkeyError(cause);
      isRefused = error.code === 'BackendPermissionDenied';
      // Either may be the fault of one document, and then the others are still to be had.
      if (!isRefused && error.code !== 'InvalidExternalSecret') return chunk.map((one) => [one, { error }]);
    }
    const answered = chunk.flatMap((one): Results => {
      const result = answer.get(one.id);
      return result === undefined ? [] : [[one, result]];
    });
    const rest = chunk.filter(({ id }) => !answer.has(id));
    const alone = await this.#readAlone(rest, inTurn, signal);
    if (isRefused) this.#noteRefusal(alone.map(([, result]) => result));
    return [...answered, ...alone];
  }

  async #readAlone(some: readonly Wanted[], inTurn: InTurn, signal: AbortSignal): Promise<Results> {
    const read = async (one: Wanted): Promise<DocumentResult> => {
      try {
        return { document: await this.#service.alone(one, signal) };
      } catch (error) {
        return { error: asLatchkeyError(error) };
      }
    };
    return Promise.all(some.map(async (one) => [one, await inTurn(() => read(one))] as const));
  }

  #noteRefusal(alone: readonly DocumentResult[]): void {
    if (this.#isCallRefused || !this.#service.isCallRefused(alone)) return;
    this.#isCallRefused = true;
    this.#service.onCallRefused();
  }
}

/** @param action as IAM policies name it. */
export function tellBatchRefused(action: string, { store, onNotice }: ClientContext): void {
  const whose = `${store.kind} "${printable(store.name)}"`;
  onNotice('BatchReadRefused', `the identity of ${whose} may not call ${action}, so its secrets are read one by one`);
}

function chunksOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function notRead({ ref }: Wanted): LatchkeyError {
  return new LatchkeyError('Internal', `"${printable(ref.key)}" was not read`);
}
