import { watch } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, ObjectKey } from '../../api/kubernetes.ts';
import type { Resource } from '../../api/resources.ts';
import { LatchkeyError } from '../../core/errors.ts';
import { printable } from '../../core/names.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  Cluster,
  Informer,
  InformerOptions,
  ListOptions,
  WriteOptions,
  WriteOutcome,
} from '../../ports/cluster.ts';
import type { Logger } from '../../ports/logger.ts';
import { collectionOf, complete, idOf, isLabelled, signed } from './completion.ts';
import { FolderInformer } from './folder-informer.ts';
import { manifestFiles, readManifests } from './manifests.ts';

/** Editors write a file in several steps; a change is read when it has been quiet for this long. */
const SETTLE_MS = 50;

type ChangeListener = (object: KubernetesObject, isDeleted: boolean) => void;

/**
 * A cluster made of manifests: what the files say, plus what Latchkey writes, which stays in memory. Used to try Latchkey
 * and to ask it questions without an API server. It judges writes by resourceVersion as one does; it validates nothing,
 * and a manifest that disappears leaves its object in place.
 */
export class FolderCluster implements Cluster {
  readonly #clock: Clock;
  readonly #collections = new Map<string, Map<string, KubernetesObject>>();
  /** Manifests as last read, so that reading a file again changes nothing but what changed in it. */
  readonly #manifests = new Map<string, KubernetesObject>();
  readonly #listeners = new Map<string, Set<ChangeListener>>();
  #version = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds or replaces an object as `kubectl apply` would. */
  load(manifest: KubernetesObject): void {
    const completed = this.#complete(manifest);
    const id = `${collectionOf(completed)}/${idOf(completed.metadata)}`;
    if (isDeepStrictEqual(this.#manifests.get(id), manifest)) return;
    this.#manifests.set(id, manifest);
    this.#store(completed);
  }

  async get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey): Promise<T | undefined> {
    return this.#collection(resource).get(idOf(key)) as T | undefined;
  }

  async list<T extends KubernetesObject>(
    resource: Resource<T>,
    { namespace, labelSelector }: Pick<ListOptions, 'namespace' | 'labelSelector'> = {},
  ): Promise<readonly T[]> {
    const isWanted = (object: KubernetesObject): boolean =>
      (namespace === undefined || object.metadata.namespace === namespace) && isLabelled(object, labelSelector);
    return [...this.#collection(resource).values()].filter(isWanted) as unknown as T[];
  }

  async create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    writer?: Pick<WriteOptions, 'fieldManager'>,
  ): Promise<WriteOutcome<T>> {
    if (this.#collection(resource).has(idOf(object.metadata))) return { outcome: 'conflict' };
    return { outcome: 'written', object: this.#store(signed(this.#complete(object), writer, this.#clock.now())) as T };
  }

  async update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    writer?: Pick<WriteOptions, 'fieldManager'>,
  ): Promise<WriteOutcome<T>> {
    const before = this.#collection(resource).get(idOf(object.metadata));
    if (before === undefined || before.metadata.resourceVersion !== object.metadata.resourceVersion) {
      return { outcome: 'conflict' };
    }
    return { outcome: 'written', object: this.#store(signed(object, writer, this.#clock.now())) as T };
  }

  async delete<T extends KubernetesObject>(resource: Resource<T>, object: T): Promise<'deleted' | 'conflict'> {
    const before = this.#collection(resource).get(idOf(object.metadata));
    if (before === undefined) return 'deleted';
    if (before.metadata.resourceVersion !== object.metadata.resourceVersion) return 'conflict';
    const last = this.#store(before);
    this.#collection(resource).delete(idOf(object.metadata));
    this.#notify(last, true);
    return 'deleted';
  }

  async apply<T extends KubernetesObject>(_resource: Resource<T>, object: T): Promise<T> {
    return this.#store(this.#complete(object)) as T;
  }

  async patchStatus<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    status: object,
  ): Promise<T | undefined> {
    const before = this.#collection(resource).get(idOf(key)) as (T & { readonly status?: object }) | undefined;
    if (before === undefined) return undefined;
    return this.#store({ ...before, status: { ...before.status, ...status } }) as T;
  }

  async requestToken(key: ObjectKey): Promise<never> {
    throw new LatchkeyError(
      'ClusterRejected',
      `manifests alone cannot give a token of service account "${printable(key.namespace)}/${printable(key.name)}": that takes a cluster`,
    );
  }

  informer<T extends KubernetesObject, V>(resource: Resource<T>, options: InformerOptions<T, V>): Informer<T, V> {
    return new FolderInformer(this, resource, options);
  }

  /** Calls the listener with every object of this kind that changes from now on. */
  subscribe(resource: Resource<KubernetesObject>, listener: ChangeListener, signal: AbortSignal): void {
    const collection = collectionOf(resource);
    const listeners = this.#listeners.get(collection) ?? new Set();
    this.#listeners.set(collection, listeners.add(listener));
    signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
  }

  /** Reads files and folders. @throws LatchkeyError naming the file that cannot be read. */
  async loadPaths(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      for (const file of await manifestFiles(path)) {
        for (const object of await readManifests(file)) this.load(object);
      }
    }
  }

  /** Reads again what changes on disk, until `signal` aborts. What cannot be read is reported, and its objects stay. */
  follow(paths: readonly string[], logger: Logger, signal: AbortSignal): void {
    for (const path of paths) {
      let settling: NodeJS.Timeout | undefined;
      const reload = (): void => {
        this.loadPaths([path]).catch((error: unknown) => {
          logger.warn('changed manifests could not be read, what they said before stays', { path }, error);
        });
      };
      const watcher = watch(path, { recursive: true, signal }, () => {
        clearTimeout(settling);
        settling = setTimeout(reload, SETTLE_MS).unref();
      });
      watcher.on('error', (error) => logger.warn('a folder of manifests can no longer be followed', { path }, error));
    }
  }

  #collection(resource: { readonly apiVersion: string; readonly kind: string }): Map<string, KubernetesObject> {
    const name = collectionOf(resource);
    const collection = this.#collections.get(name) ?? new Map<string, KubernetesObject>();
    this.#collections.set(name, collection);
    return collection;
  }

  #complete(manifest: KubernetesObject): KubernetesObject {
    const probe = complete(manifest, undefined, this.#clock.now());
    const before = this.#collection(probe).get(idOf(probe.metadata));
    return before === undefined ? probe : complete(manifest, before, this.#clock.now());
  }

  #store(object: KubernetesObject): KubernetesObject {
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    this.#collection(stored).set(idOf(stored.metadata), stored);
    this.#notify(stored, false);
    return stored;
  }

  #notify(object: KubernetesObject, isDeleted: boolean): void {
    for (const listener of this.#listeners.get(collectionOf(object)) ?? []) listener(object, isDeleted);
  }
}
