import type { SecretStore } from '../api/external-secrets.ts';
import { clusterSecretStores, secretStores } from '../api/resources.ts';
import { asLatchkeyError } from '../core/errors.ts';
import { isForeign } from '../core/store/store-access.ts';
import type { StoreKey } from '../core/store/store-key.ts';
import { storeRefreshIntervalMs, storeStatusAfter, type StoreVerdict } from '../core/store/store-status.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { ClientCache } from './client-cache.ts';

/** Hears of a verdict that differs from what the store's status said before. */
export type StoreListener = (store: SecretStore, verdict: StoreVerdict) => void;

export interface StoreSyncerOptions {
  readonly cluster: Cluster;
  readonly clients: ClientCache;
  readonly controllerClass: string | undefined;
  readonly onVerdict: StoreListener;
  readonly clock: Clock;
}

const FIELD_MANAGER = 'latchkey';

/** Looks at stores: can a client be made of them, and does the backend accept who it is? */
export class StoreSyncer {
  readonly #options: StoreSyncerOptions;

  constructor(options: StoreSyncerOptions) {
    this.#options = options;
  }

  /**
   * Judges one store and writes its status where that changes.
   * @returns undefined for a store of another controller, which is left alone.
   * @throws LatchkeyError the cluster's, when the status cannot be written.
   */
  async syncStore(storeKey: StoreKey, store: SecretStore, signal: AbortSignal): Promise<StoreVerdict | undefined> {
    const { cluster, controllerClass, clock, onVerdict } = this.#options;
    if (isForeign(store, controllerClass)) return undefined;
    const verdict = await this.#judge(storeKey, store, signal);
    const status = storeStatusAfter(store, verdict, clock.now());
    if (status === undefined) return verdict;
    const resource = storeKey.kind === 'SecretStore' ? secretStores : clusterSecretStores;
    const { namespace, name } = store.metadata;
    const key = namespace === undefined ? { name } : { namespace, name };
    await cluster.patchStatus(resource, key, status, { fieldManager: FIELD_MANAGER, signal });
    onVerdict(store, verdict);
    return verdict;
  }

  async #judge(storeKey: StoreKey, store: SecretStore, signal: AbortSignal): Promise<StoreVerdict> {
    try {
      storeRefreshIntervalMs(store);
      return await this.#options.clients.validate(storeKey, store, signal);
    } catch (cause) {
      return { error: asLatchkeyError(cause) };
    }
  }
}
