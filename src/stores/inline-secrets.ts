import type { ExternalSecret } from '../api/external-secrets.ts';
import { externalSecrets } from '../api/resources.ts';
import { LatchkeyError } from '../core/errors.ts';
import { assertInlineKeyAllowed } from '../core/inline/allowed-keys.ts';
import { generatedExternalSecret, isSameGenerated } from '../core/inline/generated.ts';
import type { InlineReference } from '../core/inline/reference.ts';
import { assertKeysPermitted } from '../core/store/permitted-keys.ts';
import { storeKey } from '../core/store/store-key.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { ColdPace } from './cold-pace.ts';
import type { StoreLookup } from './store-lookup.ts';
import type { NamespaceSummary, Views } from './views.ts';

const FIELD_MANAGER = 'latchkey';

/** The ExternalSecrets behind inline references. */
export class InlineSecrets {
  readonly #cluster: Cluster;
  readonly #views: Views;
  readonly #stores: StoreLookup;
  readonly #pace: ColdPace;

  constructor(cluster: Cluster, views: Views, stores: StoreLookup, pace: ColdPace) {
    this.#cluster = cluster;
    this.#views = views;
    this.#stores = stores;
    this.#pace = pace;
  }

  /**
   * The ExternalSecret that stands for a reference, made if need be. A dry run makes none and gets what would be made.
   *
   * @throws LatchkeyError `StoreNotFound`, `StoreForbidden` when the store or the namespace does not allow the key,
   * `TargetForbidden` when an object of its name is something else, or the cluster's refusal.
   */
  async ensure(
    reference: InlineReference,
    namespace: NamespaceSummary,
    isDryRun: boolean,
    signal: AbortSignal,
  ): Promise<ExternalSecret> {
    const wantedStore = storeKey(reference.storeKind, reference.storeName, namespace.name);
    const store = await this.#stores.get(wantedStore, namespace, signal);
    await assertInlineKeyAllowed(wantedStore, store, reference.key);
    await assertKeysPermitted(namespace, () => [reference.key]);
    const wanted = generatedExternalSecret(reference, store.metadata.uid ?? '', namespace.name);
    const key = { namespace: namespace.name, name: wanted.metadata.name };
    const known = this.#views.externalSecrets.get(key);
    if (known !== undefined) return assertSame(known, wanted);
    if (isDryRun) return wanted;
    this.#pace.begin(namespace.name);
    const created = await this.#cluster.create(externalSecrets, wanted, { fieldManager: FIELD_MANAGER, signal });
    const object =
      created.outcome === 'written' ? created.object : await this.#cluster.get(externalSecrets, key, { signal });
    if (object === undefined) {
      throw new LatchkeyError('ClusterUnavailable', `ExternalSecret "${key.name}" was deleted while it was being made`);
    }
    this.#views.externalSecrets.observe(object);
    return assertSame(object, wanted);
  }
}

function assertSame(existing: ExternalSecret, wanted: ExternalSecret): ExternalSecret {
  const { name, deletionTimestamp } = existing.metadata;
  if (deletionTimestamp !== undefined) {
    throw new LatchkeyError('ClusterUnavailable', `ExternalSecret "${name}", which stands for it, is being deleted`);
  }
  if (isSameGenerated(existing, wanted)) return existing;
  throw new LatchkeyError(
    'TargetForbidden',
    `ExternalSecret "${name}", which is to stand for it, exists already and is another one: delete it`,
  );
}
