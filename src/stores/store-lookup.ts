import type { ExternalSecret, SecretStore } from '../api/external-secrets.ts';
import { clusterSecretStores, secretStores } from '../api/resources.ts';
import { LatchkeyError } from '../core/errors.ts';
import { assertInlineKeyAllowed } from '../core/inline/allowed-keys.ts';
import { isGenerated } from '../core/inline/generated.ts';
import { assertStoreAccess, storeKeyOf, type StoreKey } from '../core/store/store-access.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { NamespaceSummary, Views } from './views.ts';

export interface PermittedStore {
  readonly storeKey: StoreKey;
  readonly store: SecretStore;
}

/** Finds the store of an ExternalSecret, in the cache or else live, and checks that this namespace may use it. */
export class StoreLookup {
  readonly #cluster: Cluster;
  readonly #views: Views;

  constructor(cluster: Cluster, views: Views) {
    this.#cluster = cluster;
    this.#views = views;
  }

  /** @throws LatchkeyError `InvalidExternalSecret`, `StoreNotFound` or `StoreForbidden`. */
  async find(
    externalSecret: ExternalSecret,
    namespace: NamespaceSummary,
    signal: AbortSignal,
  ): Promise<PermittedStore> {
    const storeKey = storeKeyOf(externalSecret);
    const store = await this.get(storeKey, namespace, signal);
    if (isGenerated(externalSecret)) {
      // Its key came from whoever may create pods, so each use asks whether the store still allows it.
      for (const key of remoteKeysOf(externalSecret)) await assertInlineKeyAllowed(storeKey, store, key);
    }
    return { storeKey, store };
  }

  /** @throws LatchkeyError `StoreNotFound` or `StoreForbidden`. */
  async get(storeKey: StoreKey, namespace: NamespaceSummary, signal: AbortSignal): Promise<SecretStore> {
    const store = await this.#get(storeKey, signal);
    if (store === undefined) {
      const where = storeKey.namespace === undefined ? '' : ` in namespace "${storeKey.namespace}"`;
      throw new LatchkeyError('StoreNotFound', `there is no such ${storeKey.kind}${where}`);
    }
    assertStoreAccess(storeKey, store, namespace);
    return store;
  }

  async #get({ kind, namespace, name }: StoreKey, signal: AbortSignal): Promise<SecretStore | undefined> {
    const [resource, view] =
      kind === 'SecretStore'
        ? [secretStores, this.#views.secretStores]
        : [clusterSecretStores, this.#views.clusterSecretStores];
    const key = namespace === undefined ? { name } : { namespace, name };
    const cached = view.get(key);
    if (cached !== undefined) return cached;
    const live = await this.#cluster.get(resource, key, { signal });
    if (live !== undefined) view.observe(live);
    return live;
  }
}

function remoteKeysOf({ spec }: ExternalSecret): readonly string[] {
  const refs = [
    ...(spec.data ?? []).map(({ remoteRef }) => remoteRef),
    ...(spec.dataFrom ?? []).map(({ extract }) => extract),
  ];
  return refs.flatMap((ref) => (ref === undefined ? [] : [ref.key]));
}
