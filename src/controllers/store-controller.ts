import type { SecretStore } from '../api/external-secrets.ts';
import { jitter } from '../core/refresh/jitter.ts';
import { storeKey, type StoreKey } from '../core/store/store-key.ts';
import { storeRefreshIntervalMs, type StoreVerdict } from '../core/store/store-status.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Timer } from '../ports/timer.ts';
import type { StoreSyncer } from '../stores/store-sync.ts';
import type { Views } from '../stores/views.ts';
import { hasNewSpec } from './changes.ts';
import { aborted } from './pause.ts';
import { Workers } from './workers.ts';

export interface StoreControllerOptions {
  readonly views: Views;
  readonly storeSyncer: StoreSyncer;
  readonly controllerClass: string;
  readonly isLeading: () => boolean;
  /** Another spec, labels or annotations; or it is gone, or new. */
  readonly onChanged: (store: StoreKey) => void;
  /** It did not work before, and now it does. */
  readonly onRecovered: (store: StoreKey) => void;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: () => number;
  readonly logger: Logger;
}

const CONCURRENCY = 32;
const LOOK_TIMEOUT_MS = 30_000;
/** A store that does not work is looked at so often; a log-in that was refused is not tried again sooner either. */
const FAILING_AGAIN_MS = 30_000;

/** Says of each store whether it works, as often as it wants to be looked at. */
export class StoreController {
  readonly #options: StoreControllerOptions;
  readonly #workers: Workers;
  readonly #failing = new Set<string>();

  constructor(options: StoreControllerOptions) {
    this.#options = options;
    const { views, clock, timer, logger } = options;
    const work = (key: string, signal: AbortSignal): Promise<void> => this.#reconcile(key, signal);
    this.#workers = new Workers({ kind: 'SecretStore', concurrency: CONCURRENCY, work, clock, timer, logger });
    for (const informer of [views.secretStores, views.clusterSecretStores]) {
      informer.onChange((before, after) => {
        const changed = after ?? before;
        if (changed === undefined || !this.#workers.isRunning) return;
        if (before !== undefined && after !== undefined && !hasNewSpec(before, after)) return;
        options.onChanged(storeKeyOf(changed));
        this.#workers.add(idOf(changed), clock.now(), 'changed');
      });
    }
  }

  get isIdle(): boolean {
    return this.#workers.isIdle;
  }

  async lead(signal: AbortSignal): Promise<void> {
    const { views, clock, random } = this.#options;
    this.#workers.start(signal);
    for (const view of [views.secretStores, views.clusterSecretStores]) {
      for (const store of view.values()) {
        // Nobody knows when it was looked at last.
        const isReady = store.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
        const inMs = isReady === true ? random() * this.#intervalMs(store) : 0;
        this.#workers.add(idOf(store), clock.now() + inMs, 'timed');
      }
    }
    await aborted(signal);
    await this.#workers.drained();
    this.#failing.clear();
  }

  async #reconcile(id: string, leading: AbortSignal): Promise<void> {
    const { storeSyncer, isLeading, clock, logger, onRecovered } = this.#options;
    const store = this.#find(id);
    if (store === undefined) this.#failing.delete(id);
    if (!isLeading() || store === undefined) return;
    const key = storeKeyOf(store);
    let verdict: StoreVerdict | undefined;
    try {
      const signal = AbortSignal.any([leading, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
      verdict = await storeSyncer.syncStore(key, store, signal);
    } catch (error) {
      logger.warn('the status of a store could not be written', { kind: key.kind, name: key.name }, error);
      this.#workers.add(id, clock.now() + FAILING_AGAIN_MS, 'timed');
      return;
    }
    // Another controller's.
    if (verdict === undefined) return;
    const isFailing = typeof verdict === 'object';
    if (!isFailing && this.#failing.delete(id)) onRecovered(key);
    if (isFailing) this.#failing.add(id);
    const pauseMs = this.#intervalMs(store) * jitter(store.metadata.uid ?? '');
    this.#workers.add(id, clock.now() + (isFailing ? Math.min(pauseMs, FAILING_AGAIN_MS) : pauseMs), 'timed');
  }

  /** One that cannot be read is an error of its own, which the look at the store names. */
  #intervalMs(store: SecretStore): number {
    try {
      return storeRefreshIntervalMs(store);
    } catch {
      return FAILING_AGAIN_MS;
    }
  }

  #find(id: string): SecretStore | undefined {
    const [namespace = '', name = ''] = id.split('/');
    const { secretStores, clusterSecretStores } = this.#options.views;
    return namespace === '' ? clusterSecretStores.get({ name }) : secretStores.get({ namespace, name });
  }
}

function storeKeyOf({ metadata: { namespace, name } }: SecretStore): StoreKey {
  return storeKey(namespace === undefined ? 'ClusterSecretStore' : 'SecretStore', name, namespace);
}

function idOf({ metadata: { namespace, name } }: SecretStore): string {
  return `${namespace ?? ''}/${name}`;
}
