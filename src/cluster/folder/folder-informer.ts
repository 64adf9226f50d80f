import type { KubernetesObject, ObjectKey } from '../../api/kubernetes.ts';
import type { Resource } from '../../api/resources.ts';
import type { Informer, InformerOptions } from '../../ports/cluster.ts';
import { isLabelled } from './completion.ts';
import { ObjectCache, type ChangeListener } from '../object-cache.ts';
import type { FolderCluster } from './folder-cluster.ts';

/** The same cached view that the real adapter gives, so that everything above behaves alike over both. */
export class FolderInformer<T extends KubernetesObject, V> implements Informer<T, V> {
  readonly #cluster: FolderCluster;
  readonly #resource: Resource<T>;
  readonly #labelSelector: string | undefined;
  readonly #cache: ObjectCache<T, V>;
  #hasSynced = false;

  constructor(cluster: FolderCluster, resource: Resource<T>, { labelSelector, reduce }: InformerOptions<T, V>) {
    this.#cluster = cluster;
    this.#resource = resource;
    this.#labelSelector = labelSelector;
    this.#cache = new ObjectCache(reduce);
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

  async start(signal: AbortSignal): Promise<void> {
    const selection = this.#labelSelector === undefined ? {} : { labelSelector: this.#labelSelector };
    const takeIn = (object: KubernetesObject, isDeleted = false): void => {
      if (isDeleted) this.#cache.remove(object as T);
      else if (isLabelled(object, this.#labelSelector)) this.#cache.put(object as T);
    };
    this.#cluster.subscribe(this.#resource, takeIn, signal);
    for (const object of await this.#cluster.list(this.#resource, selection)) takeIn(object);
    this.#hasSynced = true;
  }
}
