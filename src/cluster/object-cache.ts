import type { KubernetesObject, ObjectKey } from '../api/kubernetes.ts';

const DELETIONS_REMEMBERED = 1_000;

export type ChangeListener<V> = (before: V | undefined, after: V | undefined) => void;

/** The reduced objects of one kind by namespace and name, never going back to an older version. */
export class ObjectCache<T extends KubernetesObject, V> {
  readonly #reduce: (object: T) => V;
  readonly #entries = new Map<string, { readonly view: V; readonly version: bigint }>();
  /** Versions of the latest deletions: an answer read before one may come in after it. */
  readonly #deletions = new Map<string, bigint>();
  readonly #listeners: ChangeListener<V>[] = [];

  constructor(reduce: (object: T) => V) {
    this.#reduce = reduce;
  }

  get(key: ObjectKey): V | undefined {
    return this.#entries.get(idOf(key))?.view;
  }

  *values(): IterableIterator<V> {
    for (const { view } of this.#entries.values()) yield view;
  }

  onChange(listener: ChangeListener<V>): void {
    this.#listeners.push(listener);
  }

  /** Takes an object in, unless a newer one is known. */
  put(object: T): void {
    const id = idOf(object.metadata);
    const version = versionOf(object);
    const before = this.#entries.get(id);
    if (version < (before?.version ?? this.#deletions.get(id) ?? 0n)) return;
    // Listed again, and nothing new about it.
    if (version === before?.version && version !== 0n) return;
    const view = this.#reduce(object);
    this.#entries.set(id, { view, version });
    this.#notify(before?.view, view);
  }

  remove(object: T): void {
    const id = idOf(object.metadata);
    const before = this.#entries.get(id);
    // A deletion that is older than what we know is of an object that has been made anew since.
    if (before === undefined || versionOf(object) < before.version) return;
    this.#entries.delete(id);
    this.#rememberDeletion(id, versionOf(object));
    this.#notify(before.view, undefined);
  }

  /** Replaces everything by a list; what the list lacks is gone, unless it is newer than the list. */
  replace(objects: readonly T[], listVersion: bigint): void {
    const listed = new Set(objects.map(({ metadata }) => idOf(metadata)));
    for (const object of objects) this.put(object);
    for (const [id, { view, version }] of this.#entries) {
      if (listed.has(id) || version > listVersion) continue;
      this.#entries.delete(id);
      this.#rememberDeletion(id, listVersion);
      this.#notify(view, undefined);
    }
  }

  #rememberDeletion(id: string, version: bigint): void {
    this.#deletions.delete(id);
    this.#deletions.set(id, version);
    const [oldest] = this.#deletions.keys();
    if (this.#deletions.size > DELETIONS_REMEMBERED && oldest !== undefined) this.#deletions.delete(oldest);
  }

  #notify(before: V | undefined, after: V | undefined): void {
    for (const listener of this.#listeners) listener(before, after);
  }
}

/**
 * resourceVersions of one kind compare as integers: the API server promises it since 1.35
 * (https://kep.k8s.io/5504), and etcd's revisions always did.
 */
export function parseVersion(resourceVersion: string | undefined): bigint {
  return /^\d+$/.test(resourceVersion ?? '') ? BigInt(resourceVersion ?? 0) : 0n;
}

function versionOf(object: KubernetesObject): bigint {
  return parseVersion(object.metadata.resourceVersion);
}

function idOf({ namespace, name }: ObjectKey): string {
  return `${namespace ?? ''}/${name}`;
}
