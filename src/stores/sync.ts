import { LRUCache } from 'lru-cache';
import type { ExternalSecret } from '../api/external-secrets.ts';
import type { Secret } from '../api/kubernetes.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { assertResolvable } from '../core/external-secret/supported-fields.ts';
import { laterMergers, targetName } from '../core/external-secret/target-name.ts';
import type { SyncRecord } from '../core/refresh/freshness.ts';
import { isForeign } from '../core/store/store-access.ts';
import { assertTargetAllowed, buildSecret, isOwning } from '../core/target/build-secret.ts';
import { syncedResourceVersion } from '../core/target/object-hash.ts';
import { summarise, type SecretSummary } from '../core/target/secret-summary.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Metrics } from '../ports/metrics.ts';
import { FairSlots } from './fair-slots.ts';
import { Flights } from './flights.ts';
import { removeFormerTargets } from './former-targets.ts';
import { materialise, type Materialised } from './materialise.ts';
import type { Resolver } from './resolve.ts';
import { rejoin } from './rejoin.ts';
import type { TemplateRenderer } from './template.ts';
import { StatusWriter } from './status-writer.ts';
import type { PermittedStore, StoreLookup } from './store-lookup.ts';
import { assertClaim, isForeignIn, type NamespaceSummary, type Views } from './views.ts';

export interface SyncRequest {
  readonly externalSecret: ExternalSecret;
  readonly namespace: NamespaceSummary;
  /** All stores that it names, where they have been looked up already. */
  readonly stores?: readonly PermittedStore[];
  /** Only a fetch that starts at or after this moment will do. */
  readonly notBeforeMs: number;
  /** Nothing usable is there yet, so the work is worth finishing even when this caller gives up. */
  readonly isFirst: boolean;
  /** Does a pod wait for the Secret? Creation policy None makes one only then. */
  readonly isAskedFor: boolean;
  /** Asked before work of its own is begun for this caller, not when it joins another's; what it throws is the outcome. */
  readonly beforeWork?: () => void;
  readonly signal: AbortSignal;
}

/** What a sync came to. */
export interface Synced extends Pick<Materialised, 'done' | 'missing'> {
  /** The Secret as it is now, if there is one. */
  readonly secret: SecretSummary | undefined;
}

/** Hears of every attempt, once, whoever asked for it. */
export type SyncListener = (
  externalSecret: ExternalSecret,
  outcome: Synced | { readonly error: LatchkeyError },
) => void;

export interface SyncDependencies {
  readonly cluster: Cluster;
  readonly views: Views;
  readonly stores: StoreLookup;
  readonly resolver: Resolver;
  readonly templates: TemplateRenderer;
  readonly controllerClass: string | undefined;
  readonly onSync: SyncListener;
  /** Where Latchkey itself lives, whose Secrets are its keys: none is written there. */
  readonly ownNamespace: string | undefined;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** Reason of an abort after which nothing more is to be said: another process has taken the work over. */
export class TakenOver extends Error {}

const RECORDS_REMEMBERED = 50_000;
/**
 * Work is waiting for a backend or the API server for most of its time. So many in one namespace, that what is due there at
 * once fills the batches of its backend; how much a backend is asked at once is bounded with its client.
 */
const SLOTS = { slots: 2_048, slotsPerNamespace: 256, longestQueue: 1_000 };

/** resolve → template → materialise → status → Event: the one path by which a Secret gets its value. */
export class Syncer {
  readonly #deps: SyncDependencies;
  readonly #flights: Flights<Synced>;
  readonly #slots = new FairSlots(SLOTS);
  readonly #records = new LRUCache<string, SyncRecord>({ max: RECORDS_REMEMBERED });
  readonly statuses: StatusWriter;

  constructor(deps: SyncDependencies) {
    this.#deps = deps;
    this.#flights = new Flights(deps.clock);
    this.statuses = new StatusWriter(deps.cluster, deps.views, deps.clock, deps.logger);
  }

  /** This process's last successful sync, which the status may not show yet. */
  lastSync(externalSecret: ExternalSecret): SyncRecord | undefined {
    return this.#records.get(externalSecret.metadata.uid ?? '');
  }

  /**
   * Brings one Secret up to date; callers who need the same share one fetch.
   * @throws LatchkeyError of any code.
   */
  async syncExternalSecret(request: SyncRequest): Promise<Synced> {
    const { externalSecret, signal } = request;
    const { namespace = '' } = externalSecret.metadata;
    const stores = request.stores ?? (await this.#permittedStores(request));
    const spec = syncedResourceVersion(externalSecret.metadata);
    const versions = stores.map(({ store }) => store.metadata.resourceVersion).join();
    const { creationPolicy } = externalSecret.spec.target ?? {};
    const purpose = creationPolicy === 'None' && request.isAskedFor ? 'on demand' : '';
    return this.#flights.join({
      key: `${externalSecret.metadata.uid}/${spec}/${versions}/${purpose}`,
      notBeforeMs: request.notBeforeMs,
      mayOutliveWaiters: request.isFirst,
      signal,
      work: async (within) => {
        request.beforeWork?.();
        return this.#slots.run(namespace, within, () => this.#attempt(request, stores, within));
      },
    });
  }

  /** What the Secret would be where there is none yet. Asks the stores; nothing is written or remembered. */
  async preview({
    externalSecret,
    namespace,
    signal,
  }: Pick<SyncRequest, 'externalSecret' | 'namespace' | 'signal'>): Promise<Secret> {
    const { stores, resolver, templates } = this.#deps;
    assertResolvable(externalSecret);
    assertTargetAllowed(externalSecret, undefined);
    const permitted = await stores.find(externalSecret, namespace, signal);
    const { values } = await resolver.resolve({ externalSecret, namespace, stores: permitted, signal });
    const { data, metadata } = await templates.compose(externalSecret, values, signal);
    return buildSecret(externalSecret, data, undefined, [], metadata);
  }

  /**
   * Joins an ExternalSecret and its Secret again, where a restore has cut the bond, without asking a store.
   * @returns whether the Secret is its own now. @throws LatchkeyError the cluster's.
   */
  async rejoin(externalSecret: ExternalSecret, signal: AbortSignal): Promise<boolean> {
    const { cluster, views, metrics, ownNamespace } = this.#deps;
    if (externalSecret.metadata.namespace === ownNamespace) return false;
    let record: SyncRecord | undefined;
    try {
      assertClaim(views, externalSecret);
      record = await rejoin(cluster, views, externalSecret, metrics, signal);
    } catch (error) {
      // The sync that then follows says so in the status.
      if (!(error instanceof LatchkeyError) || error.code !== 'TargetForbidden') throw error;
    }
    if (record === undefined) return false;
    this.#records.set(externalSecret.metadata.uid ?? '', record);
    this.statuses.record(externalSecret, record);
    return true;
  }

  /** Without them there is nothing to attempt, which the status says all the same. */
  async #permittedStores({ externalSecret, namespace, signal }: SyncRequest): Promise<readonly PermittedStore[]> {
    try {
      return await this.#deps.stores.find(externalSecret, namespace, signal);
    } catch (cause) {
      const error = asLatchkeyError(cause);
      const { controllerClass, onSync, views } = this.#deps;
      if (!isForeignIn(views, externalSecret, controllerClass)) this.statuses.record(externalSecret, { error });
      onSync(externalSecret, { error });
      throw error;
    }
  }

  async #attempt(request: SyncRequest, stores: readonly PermittedStore[], signal: AbortSignal): Promise<Synced> {
    const { externalSecret } = request;
    const { namespace = '', name } = externalSecret.metadata;
    const { controllerClass, metrics, clock, logger, onSync } = this.#deps;
    const startedAtMs = clock.now();
    const count = (isError: boolean): void =>
      metrics.sync(namespace, name, { isError, durationMs: clock.now() - startedAtMs });
    const isOthers = controllerClass === undefined || stores.some(({ store }) => isForeign(store, controllerClass));
    try {
      const { synced, record } = await this.#materialise(request, stores, signal);
      this.#records.set(externalSecret.metadata.uid ?? '', record);
      count(false);
      if (!isOthers) this.statuses.record(externalSecret, record);
      onSync(externalSecret, synced);
      return synced;
    } catch (cause) {
      if (request.signal.reason instanceof TakenOver) throw cause;
      const error = asLatchkeyError(cause);
      if (error.code === 'Internal') logger.error('syncing an ExternalSecret failed', { namespace, name }, cause);
      count(true);
      if (!isOthers) this.statuses.record(externalSecret, { error });
      onSync(externalSecret, { error });
      throw error;
    }
  }

  async #materialise(
    { externalSecret, namespace, isAskedFor }: SyncRequest,
    stores: readonly PermittedStore[],
    signal: AbortSignal,
  ): Promise<{ readonly synced: Synced; readonly record: SyncRecord }> {
    const { cluster, clock, metrics, views, resolver, templates } = this.#deps;
    if (namespace.name === this.#deps.ownNamespace) {
      throw new LatchkeyError('TargetForbidden', 'no Secret is written in the namespace that Latchkey itself lives in');
    }
    assertResolvable(externalSecret);
    assertClaim(views, externalSecret);
    const key = { namespace: namespace.name, name: targetName(externalSecret) };
    const materialised = await materialise(cluster, externalSecret, {
      isBelievedAbsent: views.secrets.get(key) === undefined,
      isAskedFor,
      later: laterMergers(externalSecret, views.targets.claimants(key.namespace, key.name)),
      fetch: () => resolver.resolve({ externalSecret, namespace, stores, signal }),
      compose: (values) => templates.compose(externalSecret, values, signal),
      ...{ clock, metrics, signal },
    });
    const { secret, done, missing } = materialised;
    if (secret !== undefined) views.secrets.observe(secret);
    if (isOwning(externalSecret)) await removeFormerTargets(externalSecret, { cluster, views, metrics, signal });
    return {
      synced: { done, missing, secret: secret && summarise(secret) },
      record: recordOf(externalSecret, materialised),
    };
  }
}

function recordOf(externalSecret: ExternalSecret, { done, removedUid, fetchStartedAtMs }: Materialised): SyncRecord {
  const record = { syncedResourceVersion: syncedResourceVersion(externalSecret.metadata), fetchStartedAtMs };
  switch (done) {
    case 'created':
    case 'updated':
    case 'unchanged':
      return record;
    case 'deleted':
    case 'gone':
      return { ...record, removed: { uid: removedUid } };
    case 'retained':
    case 'no-target':
    case 'not-wanted':
      return { ...record, unwritten: done };
  }
}
