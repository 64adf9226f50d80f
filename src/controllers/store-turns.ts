import type { ExternalSecret } from '../api/external-secrets.ts';
import { namedStores } from '../core/external-secret/sources.ts';
import { TokenBucket } from '../core/refresh/token-bucket.ts';
import { storeId } from '../core/store/store-key.ts';

/** When those that have to wait for their stores' rate may go. A turn that was given stands until it is taken. */
export class StoreTurns {
  readonly #refreshesPerSecond: number;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #turns = new Map<string, number>();

  constructor(refreshesPerSecond: number) {
    this.#refreshesPerSecond = refreshesPerSecond;
  }

  /** The moment at which all stores of one that is late have room for it, ms since the epoch. */
  turnAtMs(key: string, externalSecret: ExternalSecret, nowMs: number): number {
    const given = this.#turns.get(key);
    if (given !== undefined) return given;
    const turns = namedStores(externalSecret).map((store) => {
      const id = storeId(store);
      const bucket = this.#buckets.get(id) ?? new TokenBucket(this.#refreshesPerSecond);
      this.#buckets.set(id, bucket);
      return bucket.turnAtMs(nowMs);
    });
    const turnMs = Math.max(nowMs, ...turns);
    this.#turns.set(key, turnMs);
    return turnMs;
  }

  /** It was taken, or nobody needs it any more. */
  delete(key: string): void {
    this.#turns.delete(key);
  }

  clear(): void {
    this.#turns.clear();
    this.#buckets.clear();
  }
}
