import { LRUCache } from 'lru-cache';
import type { ExternalSecret } from '../api/external-secrets.ts';
import { storeKeysOf } from '../core/external-secret/sources.ts';
import { storeId, type StoreKey } from '../core/store/store-key.ts';

const STORES_REMEMBERED = 2_000;

/** When each store last gave what it was asked for, as far as this process asked. */
export class StoreSuccesses {
  readonly #successes = new LRUCache<string, { readonly store: StoreKey; readonly atMs: number }>({
    max: STORES_REMEMBERED,
  });

  note(externalSecret: ExternalSecret, atMs: number): void {
    for (const store of storeKeysOf(externalSecret)) {
      this.#successes.set(storeId(store), { store, atMs });
    }
  }

  values(): IterableIterator<{ readonly store: StoreKey; readonly atMs: number }> {
    return this.#successes.values();
  }
}
