import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, ObjectKey } from '../../api/kubernetes.ts';
import type { Resource } from '../../api/resources.ts';
import type { Informer, InformerOptions } from '../../ports/cluster.ts';
import type { Logger } from '../../ports/logger.ts';
import { ObjectCache, parseVersion, type ChangeListener } from '../object-cache.ts';
import type { KubernetesCluster, WatchEvent } from './kubernetes-cluster.ts';

/** The server ends each watch after this, so that a watch never outlives a change of rights for long. */
const WATCH_LIFETIME_S = 300;
/** Bookmarks come about once a minute; a watch that is silent for less is asked for anew from where it was. */
const LONGEST_SILENCE_MS = 20_000;
const LIST_TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;

/** How a watch ended: go on from the last version, or list again because the server no longer has it. */
type WatchEnd = { readonly resumeFrom: string } | { readonly relist: true };

/** List and watch with resume, bookmarks and relist on 410, until the signal aborts. */
export class WatchingInformer<T extends KubernetesObject, V> implements Informer<T, V> {
  readonly #cluster: KubernetesCluster;
  readonly #resource: Resource<T>;
  readonly #labelSelector: string | undefined;
  readonly #cache: ObjectCache<T, V>;
  readonly #logger: Logger;
  #hasSynced = false;

  constructor(
    cluster: KubernetesCluster,
    resource: Resource<T>,
    { labelSelector, reduce }: InformerOptions<T, V>,
    logger: Logger,
  ) {
    this.#cluster = cluster;
    this.#resource = resource;
    this.#labelSelector = labelSelector;
    this.#cache = new ObjectCache(reduce);
    this.#logger = logger;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get(key: ObjectKey): V | undefined {
    return this.#cache.get(key);
  }

  values(): IterableIterator<V> {
    return this.#cache.values();
  }

  onChange(listener: ChangeListener<V>): void {
    this.#cache.onChange(listener);
  }

  observe(object: T): void {
    this.#cache.put(object);
  }

  start(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      this.#run(signal, resolve).catch(reject);
    });
  }

  async #run(signal: AbortSignal, onSynced: () => void): Promise<void> {
    let resumeFrom: string | undefined;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const startedAtMs = performance.now();
      try {
        resumeFrom ??= await this.#list(signal);
        this.#hasSynced = true;
        onSynced();
        const end = await this.#follow(resumeFrom, signal);
        resumeFrom = 'relist' in end ? undefined : end.resumeFrom;
      } catch (error) {
        if (signal.aborted) return;
        resumeFrom = undefined;
        this.#logger.warn('following a kind failed, it is listed again', { kind: this.#resource.kind }, error);
      }
      // A watch that lasted was healthy; one that ends at once is not worth hammering the server for.
      const wasHealthy = performance.now() - startedAtMs > LONGEST_PAUSE_MS;
      pauseMs = wasHealthy ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      await pause(pauseMs, signal);
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { items, resourceVersion } = await this.#cluster.listWithVersion(this.#resource, {
      ...(this.#labelSelector === undefined ? {} : { labelSelector: this.#labelSelector }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]),
    });
    this.#cache.replace(items, parseVersion(resourceVersion));
    return resourceVersion;
  }

  async #follow(resourceVersion: string, signal: AbortSignal): Promise<WatchEnd> {
    let version = resourceVersion;
    let isExpired = false;
    await this.#cluster.watch(this.#resource, {
      resourceVersion,
      ...(this.#labelSelector === undefined ? {} : { labelSelector: this.#labelSelector }),
      lifetimeS: WATCH_LIFETIME_S,
      silenceMs: LONGEST_SILENCE_MS,
      onEvent: ({ type, object }) => {
        if (type === 'ERROR') {
          isExpired = true;
          return;
        }
        version = object.metadata.resourceVersion ?? version;
        this.#apply(type, object);
      },
      signal,
    });
    return isExpired ? { relist: true } : { resumeFrom: version };
  }

  #apply(type: WatchEvent<T>['type'], object: T): void {
    if (type === 'ADDED' || type === 'MODIFIED') this.#cache.put(object);
    if (type === 'DELETED') this.#cache.remove(object);
  }
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal, ref: false }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
