import type { RetryPolicy } from '../../core/store/retry-policy.ts';
import type { DocumentRef, SecretsClient } from '../../ports/provider.ts';
import type { Timing } from '../../ports/timing.ts';
import type { FairSlots } from '../fair-slots.ts';
import { DocumentReads } from './document-reads.ts';
import { repeated } from './repeated.ts';

export interface SharedClientOptions {
  readonly retryPolicy: RetryPolicy;
  /** Of the store: all its clients together ask the backend no more at once than it has. */
  readonly slots: FairSlots;
  /** Whose turn it is that the client takes. */
  readonly namespace: string;
  readonly timing: Timing;
}

/** A provider's client as everybody uses it: reads are shared, gathered and repeated, and the backend is not flooded. */
export class SharedClient {
  readonly #client: SecretsClient;
  readonly #options: SharedClientOptions;
  readonly #reads: DocumentReads;

  constructor(client: SecretsClient, options: SharedClientOptions) {
    this.#client = client;
    this.#options = options;
    const { slots, namespace, retryPolicy, timing } = options;
    const inTurn = (signal: AbortSignal, call: () => Promise<void>): Promise<void> =>
      slots.run(namespace, signal, call);
    this.#reads = new DocumentReads(client, { retryPolicy, inTurn, timing });
  }

  /**
   * The client for one whose reads became due at that moment, milliseconds since the epoch: what it reads was fetched no
   * earlier. `getSecrets` never rejects, and is there whether or not the backend can answer many at once.
   */
  forReadsDue(dueMs: number): SecretsClient {
    const { findSecrets, getMetadata, validate } = this.#client;
    const read = (ref: DocumentRef, signal: AbortSignal) => this.#reads.read(ref, dueMs, signal);
    return {
      getSecret: async (ref, signal) => {
        const result = await read(ref, signal);
        if ('error' in result) throw result.error;
        return result.document;
      },
      getSecrets: (refs, signal) => Promise.all(refs.map((ref) => read(ref, signal))),
      ...(findSecrets && {
        findSecrets: (query, signal) => this.#call(signal, () => findSecrets.call(this.#client, query, signal)),
      }),
      ...(getMetadata && {
        getMetadata: (ref, signal) => this.#call(signal, () => getMetadata.call(this.#client, ref, signal)),
      }),
      ...(validate && { validate: (signal) => this.#call(signal, () => validate.call(this.#client, signal)) }),
      close: () => this.close(),
    };
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #call<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const { retryPolicy, slots, namespace, timing } = this.#options;
    return repeated(retryPolicy, timing, signal, () => slots.run(namespace, signal, call));
  }
}
