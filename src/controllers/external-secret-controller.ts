import type { ExternalSecret } from '../api/external-secrets.ts';
import { asLatchkeyError, type LatchkeyError } from '../core/errors.ts';
import { namedStores } from '../core/external-secret/sources.ts';
import { targetName } from '../core/external-secret/target-name.ts';
import { DEFAULT_REFRESH_INTERVAL_MS, refreshIntervalMs } from '../core/refresh/freshness.ts';
import { retryAfterMs, type Failures } from '../core/refresh/retry.ts';
import { nextSync, type Cause, type Due } from '../core/refresh/schedule.ts';
import { isSameStore, storeId, type StoreKey } from '../core/store/store-key.ts';
import { removeOwned } from '../stores/former-targets.ts';
import { isForeignIn, type NamespaceSummary } from '../stores/views.ts';
import { hasNewSpec } from './changes.ts';
import { aborted } from './pause.ts';
import type { ReconcilerOptions } from './reconciler.ts';
import { StoreTurns } from './store-turns.ts';
import type { Priority } from './work-queue.ts';
import { Workers } from './workers.ts';

export type ExternalSecretControllerOptions = Omit<ReconcilerOptions, 'clients' | 'storeSyncer'>;

interface Failed extends Failures {
  /** Not tried before; Infinity = until something changes. */
  readonly notBeforeMs: number;
  readonly error: LatchkeyError;
}

const SYNC_TIMEOUT_MS = 30_000;
/** What is done this soon after it became due is on time: the spread of the intervals limits its rate already. */
const ON_TIME_MS = 5_000;
const DELETION_RETRY_MS = 10_000;
const HASTENED_FOR_MS = 1_000;
const STORES_REMEMBERED = 10_000;

/** Keeps the Secret of every ExternalSecret as its manifest, its stores and its age want it. */
export class ExternalSecretController {
  readonly #options: ExternalSecretControllerOptions;
  readonly #workers: Workers;
  readonly #failed = new Map<string, Failed>();
  /** Syncs that started before no longer count. */
  readonly #outdatedSinceMs = new Map<string, number>();
  /** When what failed for a store's sake was last told that it works again. */
  readonly #hastenedAtMs = new Map<string, number>();
  readonly #turns: StoreTurns;
  /** Deleted, with a Secret that is to go with them. */
  readonly #departed = new Map<string, ExternalSecret>();

  constructor(options: ExternalSecretControllerOptions) {
    this.#options = options;
    this.#turns = new StoreTurns(options.refreshesPerSecond);
    const { views, concurrency, clock, timer, logger } = options;
    const work = (key: string, signal: AbortSignal): Promise<void> => this.#reconcile(key, signal);
    this.#workers = new Workers({ kind: 'ExternalSecret', concurrency, work, clock, timer, logger });
    views.externalSecrets.onChange((before, after) => this.#onExternalSecret(before, after));
    views.secrets.onChange((before, after) => {
      const changed = after ?? before;
      if (changed !== undefined && this.#workers.isRunning) this.#onSecret(changed.namespace, changed.name);
    });
    views.namespaces.onChange((_before, after) => {
      if (after !== undefined && this.#workers.isRunning) this.#onNamespace(after);
    });
  }

  get queued(): number {
    return this.#workers.queued;
  }

  get isIdle(): boolean {
    return this.#workers.isIdle;
  }

  /** Works until `signal` aborts; resolves when nothing is under way any more. */
  async lead(signal: AbortSignal): Promise<void> {
    this.#workers.start(signal);
    for (const externalSecret of this.#options.views.externalSecrets.values()) this.#schedule(externalSecret);
    await aborted(signal);
    await this.#workers.drained();
    for (const known of [this.#failed, this.#outdatedSinceMs, this.#turns, this.#departed]) known.clear();
  }

  /** What these ExternalSecrets were made from has changed: they are synced anew, at their stores' rate. */
  outdate(isConcerned: (externalSecret: ExternalSecret) => boolean): void {
    const nowMs = this.#options.clock.now();
    for (const externalSecret of this.#options.views.externalSecrets.values()) {
      if (!isConcerned(externalSecret)) continue;
      const key = keyOf(externalSecret);
      this.#outdatedSinceMs.set(key, nowMs);
      this.#failed.delete(key);
      this.#workers.add(key, nowMs, 'timed');
    }
  }

  #onExternalSecret(before: ExternalSecret | undefined, after: ExternalSecret | undefined): void {
    const known = after ?? before;
    if (known === undefined || !this.#workers.isRunning) return;
    if (before !== undefined && after !== undefined && !hasNewSpec(before, after)) return;
    const key = keyOf(known);
    this.#failed.delete(key);
    const isGone = after === undefined || after.metadata.uid !== before?.metadata.uid;
    if (before !== undefined && isGone && before.spec.target?.deletionPolicy === 'Delete') {
      this.#departed.set(key, before);
    }
    // Whoever else claims the Secret may have it now, or has to leave it.
    for (const each of [before, after]) if (each !== undefined) this.#mend(namespaceOf(each), targetName(each), key);
    const { awaited, clock } = this.#options;
    const isAwaited = awaited.has(namespaceOf(known), targetName(known));
    this.#workers.add(key, clock.now(), isAwaited ? 'waited-for' : 'changed');
  }

  /** Those that fail for want of a Secret that they may write get another try. */
  #mend(namespace: string, secretName: string, exceptKey: string): void {
    for (const claimant of this.#options.views.targets.claimants(namespace, secretName)) {
      const key = keyOf(claimant);
      if (key === exceptKey || this.#failed.get(key)?.error.code !== 'TargetForbidden') continue;
      this.#failed.delete(key);
      this.#workers.add(key, this.#options.clock.now(), 'changed');
    }
  }

  #onSecret(namespace: string, secretName: string): void {
    this.#mend(namespace, secretName, '');
    for (const claimant of this.#options.views.targets.claimants(namespace, secretName)) {
      // What fails comes again when its pause is over.
      if (!this.#failed.has(keyOf(claimant))) this.#schedule(claimant);
    }
  }

  /** Its labels and annotations say which stores, keys and roles may be used in it. */
  #onNamespace({ name }: NamespaceSummary): void {
    for (const externalSecret of this.#options.views.externalSecrets.values()) {
      if (namespaceOf(externalSecret) !== name) continue;
      const key = keyOf(externalSecret);
      if (this.#failed.get(key)?.notBeforeMs === Infinity) this.#failed.delete(key);
      if (!this.#failed.has(key)) this.#schedule(externalSecret);
    }
  }

  #schedule(externalSecret: ExternalSecret): void {
    const { atMs, cause } = this.#nextSync(externalSecret);
    this.#workers.add(keyOf(externalSecret), atMs, priorityOf(cause));
  }

  #nextSync(externalSecret: ExternalSecret): Due {
    const { views, syncer, clock } = this.#options;
    const outdatedSinceMs = this.#outdatedSinceMs.get(keyOf(externalSecret));
    return nextSync({
      externalSecret,
      secret: views.secrets.get({ namespace: namespaceOf(externalSecret), name: targetName(externalSecret) }),
      lastSync: syncer.lastSync(externalSecret),
      nowMs: clock.now(),
      ...(outdatedSinceMs !== undefined && { outdatedSinceMs }),
    });
  }

  async #reconcile(key: string, leading: AbortSignal): Promise<void> {
    const { views, isLeading, clock } = this.#options;
    if (!isLeading()) return;
    const signal = AbortSignal.any([leading, AbortSignal.timeout(SYNC_TIMEOUT_MS)]);
    await this.#seeOff(key, signal);
    const [namespaceName = '', name = ''] = key.split('/');
    const externalSecret = views.externalSecrets.get({ namespace: namespaceName, name });
    const namespace = views.namespaces.get({ name: namespaceName });
    if (externalSecret === undefined) this.#forget(key);
    if (externalSecret === undefined || externalSecret.metadata.deletionTimestamp !== undefined) return;
    // Nothing can be made in one that is going; one that is not known yet is heard of in a moment.
    if (namespace === undefined || namespace.isTerminating) return;
    if (isForeignIn(views, externalSecret, this.#options.controllerClass)) return;
    const { atMs, cause } = this.#nextSync(externalSecret);
    const failed = this.#failed.get(key);
    const isLate =
      failed !== undefined || cause === 'outdated' || (cause === 'aged' && clock.now() - atMs > ON_TIME_MS);
    let waitUntilMs = Math.max(atMs, failed?.notBeforeMs ?? -Infinity);
    if (waitUntilMs <= clock.now() && isLate) waitUntilMs = this.#turns.turnAtMs(key, externalSecret, clock.now());
    if (waitUntilMs > clock.now()) {
      this.#workers.add(key, waitUntilMs, priorityOf(cause));
      return;
    }
    this.#turns.delete(key);
    try {
      await this.#sync(externalSecret, namespace, { atMs, cause }, signal);
      this.#failed.delete(key);
      // It was an outage, and it is over.
      if (failed !== undefined && failed.error.isOutage) this.#hastenSiblings(externalSecret);
      this.#schedule(views.externalSecrets.get({ namespace: namespaceName, name }) ?? externalSecret);
    } catch (cause) {
      if (!leading.aborted) this.#retryLater(externalSecret, asLatchkeyError(cause));
    }
  }

  async #sync(
    externalSecret: ExternalSecret,
    namespace: NamespaceSummary,
    due: Due,
    signal: AbortSignal,
  ): Promise<void> {
    const { syncer, clock } = this.#options;
    if (due.cause === 'restored' && (await syncer.rejoin(externalSecret, signal))) return;
    await syncer.syncExternalSecret({
      externalSecret,
      namespace,
      // A fetch that began since it is due serves it too, whoever asked for it; not so one that may have begun before a change.
      notBeforeMs: due.cause === 'aged' ? Math.min(due.atMs, clock.now()) : clock.now(),
      isFirst: false,
      isAskedFor: false,
      signal,
    });
  }

  #retryLater(externalSecret: ExternalSecret, error: LatchkeyError): void {
    const { clock, random } = this.#options;
    const key = keyOf(externalSecret);
    const nowMs = clock.now();
    const before = this.#failed.get(key);
    const failures = { count: (before?.count ?? 0) + 1, sinceMs: before?.sinceMs ?? nowMs };
    const ownMs = refreshIntervalMs(externalSecret);
    const intervalMs = ownMs > 0 ? ownMs : DEFAULT_REFRESH_INTERVAL_MS;
    const notBeforeMs = nowMs + retryAfterMs(error, failures, intervalMs, nowMs, random());
    this.#failed.set(key, { ...failures, notBeforeMs, error });
    this.#workers.add(key, notBeforeMs, 'timed');
  }

  /** A store works again: what has failed for its sake need not wait for the end of its pause. */
  hasten(store: StoreKey): void {
    this.#hasten((each, { error }) => error.category !== 'not-found' && isSameStore(each, store));
  }

  #hastenSiblings(externalSecret: ExternalSecret): void {
    const nowMs = this.#options.clock.now();
    const stores = namedStores(externalSecret).filter((store) => {
      const before = this.#hastenedAtMs.get(storeId(store)) ?? -Infinity;
      return nowMs - before >= HASTENED_FOR_MS;
    });
    // Each that gets through would go over all the others again.
    if (stores.length === 0) return;
    if (this.#hastenedAtMs.size >= STORES_REMEMBERED) this.#hastenedAtMs.clear();
    for (const store of stores) this.#hastenedAtMs.set(storeId(store), nowMs);
    this.#hasten((each, { error }) => error.isOutage && stores.some((store) => isSameStore(store, each)));
  }

  #hasten(isMended: (store: StoreKey, failed: Failed) => boolean): void {
    const nowMs = this.#options.clock.now();
    for (const [key, failed] of this.#failed) {
      const [namespace = '', name = ''] = key.split('/');
      const externalSecret = this.#options.views.externalSecrets.get({ namespace, name });
      if (externalSecret === undefined || !namedStores(externalSecret).some((store) => isMended(store, failed)))
        continue;
      this.#failed.set(key, { ...failed, notBeforeMs: nowMs });
      this.#workers.add(key, nowMs, 'timed');
    }
  }

  /** Deletion policy Delete: without waiting for the garbage collector, which `--cascade=orphan` would hold off. */
  async #seeOff(key: string, signal: AbortSignal): Promise<void> {
    const departed = this.#departed.get(key);
    if (departed === undefined) return;
    const { cluster, views, metrics, logger, clock } = this.#options;
    try {
      await removeOwned(departed, () => true, { cluster, views, metrics, signal });
      this.#departed.delete(key);
    } catch (error) {
      logger.warn('the Secret of a deleted ExternalSecret could not be deleted yet', { key }, error);
      this.#workers.add(key, clock.now() + DELETION_RETRY_MS, 'timed');
    }
  }

  #forget(key: string): void {
    for (const known of [this.#failed, this.#outdatedSinceMs, this.#turns]) known.delete(key);
  }
}

function priorityOf(cause: Cause): Priority {
  // A dead owner costs the Secret, and soon.
  if (cause === 'restored') return 'waited-for';
  return cause === 'aged' || cause === 'outdated' ? 'timed' : 'changed';
}

function namespaceOf({ metadata }: ExternalSecret): string {
  return metadata.namespace ?? '';
}

function keyOf({ metadata }: ExternalSecret): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
