import { LRUCache } from 'lru-cache';
import type { ExternalSecret, SecretStore } from '../api/external-secrets.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { assertResolvable } from '../core/external-secret/supported-fields.ts';
import type { SyncRecord } from '../core/refresh/freshness.ts';
import type { SecretValue } from '../core/secret-value.ts';
import { isForeign, type StoreKey } from '../core/store/store-access.ts';
import { syncedResourceVersion } from '../core/target/object-hash.ts';
import { summarise, type SecretSummary } from '../core/target/secret-summary.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Metrics } from '../ports/metrics.ts';
import { CircuitBreakers } from './circuit-breakers.ts';
import { identityOf, type ClientCache } from './client-cache.ts';
import { FairSlots } from './fair-slots.ts';
import { Flights } from './flights.ts';
import { materialise } from './materialise.ts';
import { resolveExternalSecret } from './resolve.ts';
import { StatusWriter } from './status-writer.ts';
import type { Views } from './views.ts';

export interface SyncRequest {
  readonly externalSecret: ExternalSecret;
  readonly storeKey: StoreKey;
  readonly store: SecretStore;
  /** The target as the cache knows it. */
  readonly secret: SecretSummary | undefined;
  /** Only a fetch that starts at or after this moment will do. */
  readonly notBeforeMs: number;
  /** Nothing usable is there yet, so the work is worth finishing even when this caller gives up. */
  readonly isFirst: boolean;
  /** Asked before work of its own is begun for this caller, not when it joins another's; what it throws is the outcome. */
  readonly beforeWork?: () => void;
  readonly signal: AbortSignal;
}

export interface SyncDependencies {
  readonly cluster: Cluster;
  readonly views: Views;
  readonly clients: ClientCache;
  readonly controllerClass: string;
  /** Where Latchkey itself lives, whose Secrets are its keys: none is written there. */
  readonly ownNamespace: string | undefined;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const RECORDS_REMEMBERED = 50_000;
/** Work is waiting for a backend or the API server for most of its time. */
const SLOTS = { slots: 256, slotsPerNamespace: 32, longestQueue: 1_000 };

/** resolve → materialise → status: the one path by which a Secret gets its value. */
export class Syncer {
  readonly #deps: SyncDependencies;
  readonly #flights: Flights<SecretSummary | undefined>;
  readonly #breakers: CircuitBreakers;
  readonly #slots = new FairSlots(SLOTS);
  readonly #records = new LRUCache<string, SyncRecord>({ max: RECORDS_REMEMBERED });
  readonly statuses: StatusWriter;

  constructor(deps: SyncDependencies) {
    this.#deps = deps;
    this.#flights = new Flights(deps.clock);
    this.#breakers = new CircuitBreakers(deps.clock);
    this.statuses = new StatusWriter(deps.cluster, deps.views, deps.clock, deps.logger);
  }

  /** This process's last successful sync, which the status may not show yet. */
  lastSync(externalSecret: ExternalSecret): SyncRecord | undefined {
    return this.#records.get(externalSecret.metadata.uid ?? '');
  }

  /**
   * Brings one Secret up to date; callers who need the same share one fetch.
   * @returns the Secret as it is now, `undefined` when deletion policy Delete says that there is to be none.
   * @throws LatchkeyError of any code.
   */
  sync(request: SyncRequest): Promise<SecretSummary | undefined> {
    const { externalSecret, store } = request;
    const { namespace = '' } = externalSecret.metadata;
    const spec = syncedResourceVersion(externalSecret.metadata);
    return this.#flights.join({
      key: `${externalSecret.metadata.uid}/${spec}/${store.metadata.resourceVersion}`,
      notBeforeMs: request.notBeforeMs,
      mayOutliveWaiters: request.isFirst,
      signal: request.signal,
      work: async (signal) => {
        request.beforeWork?.();
        return this.#slots.run(namespace, signal, () => this.#attempt(request, signal));
      },
    });
  }

  async #attempt(request: SyncRequest, signal: AbortSignal): Promise<SecretSummary | undefined> {
    const { externalSecret, store } = request;
    const { namespace = '', name } = externalSecret.metadata;
    const { controllerClass, metrics, logger } = this.#deps;
    const isOthers = isForeign(store, controllerClass);
    try {
      const { summary, record } = await this.#materialise(request, signal);
      this.#records.set(externalSecret.metadata.uid ?? '', record);
      metrics.sync(namespace, name, false);
      if (!isOthers) this.statuses.record(externalSecret, record);
      return summary;
    } catch (cause) {
      const error = asLatchkeyError(cause);
      if (error.code === 'Internal') logger.error('syncing an ExternalSecret failed', { namespace, name }, cause);
      metrics.sync(namespace, name, true);
      if (!isOthers) this.statuses.record(externalSecret, { error });
      throw error;
    }
  }

  async #materialise(
    request: SyncRequest,
    signal: AbortSignal,
  ): Promise<{ readonly summary: SecretSummary | undefined; readonly record: SyncRecord }> {
    const { externalSecret } = request;
    const { cluster, clock, metrics, views } = this.#deps;
    if (externalSecret.metadata.namespace === this.#deps.ownNamespace) {
      throw new LatchkeyError('TargetForbidden', 'no Secret is written in the namespace that Latchkey itself lives in');
    }
    assertResolvable(externalSecret);
    const materialised = await materialise(cluster, externalSecret, {
      isBelievedAbsent: request.secret === undefined,
      fetch: () => this.#fetch(request, signal),
      clock,
      metrics,
      signal,
    });
    const { secret, fetchStartedAtMs } = materialised;
    const record = { syncedResourceVersion: syncedResourceVersion(externalSecret.metadata), fetchStartedAtMs };
    if (secret === undefined) {
      return { summary: undefined, record: { ...record, removed: { uid: materialised.removedUid } } };
    }
    views.secrets.observe(secret);
    return { summary: summarise(secret), record };
  }

  async #fetch(
    { externalSecret, storeKey, store }: SyncRequest,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SecretValue>> {
    const identity = identityOf(store, externalSecret.metadata.namespace ?? '');
    const data = await this.#breakers.run(identity, () =>
      resolveExternalSecret(externalSecret, storeKey, store, this.#deps.clients, signal),
    );
    const { deletionPolicy = 'Retain' } = externalSecret.spec.target ?? {};
    if (data.size > 0 || deletionPolicy !== 'Retain') return data;
    throw new LatchkeyError('InvalidData', 'the store’s answer gives no key at all, and an empty Secret serves nobody');
  }
}
