import type { ExternalSecret, SecretStore } from '../api/external-secrets.ts';
import type { ObjectKey } from '../api/kubernetes.ts';
import { clusterSecretStores, secretStores } from '../api/resources.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { remoteKeysOf, storeKeysOf } from '../core/external-secret/sources.ts';
import { assertInlineKeyAllowed } from '../core/inline/allowed-keys.ts';
import { isGenerated } from '../core/inline/generated.ts';
import { assertKeysPermitted, assertRolesPermitted } from '../core/store/permitted-keys.ts';
import { assertStoreAccess } from '../core/store/store-access.ts';
import { describeStore, type StoreKey } from '../core/store/store-key.ts';
import type { Cluster } from '../ports/cluster.ts';
import { storeIn, type NamespaceSummary, type Views } from './views.ts';

export interface PermittedStore {
  readonly storeKey: StoreKey;
  readonly store: SecretStore;
}

/** Finds the stores of an ExternalSecret, in the cache or else live, and checks what this namespace may do with them. */
export class StoreLookup {
  readonly #cluster: Cluster;
  readonly #views: Views;

  constructor(cluster: Cluster, views: Views) {
    this.#cluster = cluster;
    this.#views = views;
  }

  /**
   * All stores, each once; where there are several, an error names the one it is about.
   * @throws LatchkeyError `InvalidExternalSecret`, `StoreNotFound`, `StoreForbidden` or `InvalidProviderConfig`.
   */
  async find(
    externalSecret: ExternalSecret,
    namespace: NamespaceSummary,
    signal: AbortSignal,
  ): Promise<readonly PermittedStore[]> {
    const storeKeys = storeKeysOf(externalSecret);
    const stores: PermittedStore[] = [];
    for (const storeKey of storeKeys) {
      try {
        stores.push(await this.#permitted(storeKey, externalSecret, namespace, signal));
      } catch (cause) {
        const error = asLatchkeyError(cause);
        throw storeKeys.length === 1 ? error : error.within(describeStore(storeKey));
      }
    }
    await assertKeysPermitted(namespace, () => remoteKeysOf(externalSecret));
    return stores;
  }

  /** @throws LatchkeyError `StoreNotFound`, `StoreForbidden` or `InvalidProviderConfig`. */
  async get(storeKey: StoreKey, namespace: NamespaceSummary, signal: AbortSignal): Promise<SecretStore> {
    const store = await this.#get(storeKey, signal);
    if (store === undefined) {
      const where = storeKey.namespace === undefined ? '' : ` in namespace "${storeKey.namespace}"`;
      throw new LatchkeyError('StoreNotFound', `there is no such ${storeKey.kind}${where}`);
    }
    await assertStoreAccess(storeKey, store, namespace);
    await assertRolesPermitted(namespace, store);
    return store;
  }

  async #permitted(
    storeKey: StoreKey,
    externalSecret: ExternalSecret,
    namespace: NamespaceSummary,
    signal: AbortSignal,
  ): Promise<PermittedStore> {
    const store = await this.get(storeKey, namespace, signal);
    if (isGenerated(externalSecret)) {
      // Its key came from whoever may create pods, so each use asks whether the store still allows it.
      for (const key of remoteKeysOf(externalSecret)) await assertInlineKeyAllowed(storeKey, store, key);
    }
    return { storeKey, store };
  }

  async #get(storeKey: StoreKey, signal: AbortSignal): Promise<SecretStore | undefined> {
    const cached = storeIn(this.#views, storeKey);
    if (cached !== undefined) return cached;
    const [resource, view] =
      storeKey.kind === 'SecretStore'
        ? [secretStores, this.#views.secretStores]
        : [clusterSecretStores, this.#views.clusterSecretStores];
    const live = await this.#cluster.get(resource, keyOf(storeKey), { signal });
    if (live !== undefined) view.observe(live);
    return live;
  }
}

function keyOf({ namespace, name }: StoreKey): ObjectKey {
  return namespace === undefined ? { name } : { namespace, name };
}
