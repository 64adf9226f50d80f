import type { Resource } from '../api/resources.ts';
import type { KubernetesObject, ObjectKey } from '../api/kubernetes.ts';
import type { ServiceAccountToken } from './provider.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager: string;
}

export interface ListOptions extends CallOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
}

/**
 * A Kubernetes cluster: the real one, or a folder of manifests. Objects are raw JSON; what Latchkey does not know stays.
 *
 * Failures are LatchkeyErrors: `ClusterUnavailable` (transport, timeout, 429, 5xx), `ClusterForbidden` (401, 403),
 * `ClusterRejected` (any other refusal). A lost race is not a failure but an outcome: see {@link WriteOutcome}.
 */
export interface Cluster {
  /** Undefined when there is no such object. */
  get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey, options: CallOptions): Promise<T | undefined>;
  list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions): Promise<readonly T[]>;
  /** `conflict` when an object of that name exists already. */
  create<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions): Promise<WriteOutcome<T>>;
  /** PUT. `conflict` when `metadata.resourceVersion` is no longer the newest, or the object is gone. */
  update<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions): Promise<WriteOutcome<T>>;
  /** Deletes this very version of the object. `conflict` when there is a newer one; one that is gone is deleted. */
  delete<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    options: CallOptions,
  ): Promise<'deleted' | 'conflict'>;
  /** Server-side apply, forced: the named fields are ours. */
  apply<T extends KubernetesObject>(resource: Resource<T>, object: T, options: WriteOptions): Promise<T>;
  /** Merge-patches the status subresource. Undefined when the object is gone. */
  patchStatus<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    status: object,
    options: WriteOptions,
  ): Promise<T | undefined>;
  /**
   * TokenRequest of a service account. Undefined when there is no such account.
   * @throws LatchkeyError `InvalidProviderConfig` for an audience that is the API server's own: such a token would be Latchkey's
   * to use here and must not leave.
   */
  requestToken(key: ObjectKey, wanted: WantedToken, options: CallOptions): Promise<ServiceAccountToken | undefined>;
  /** A cached view that follows the cluster once started. */
  informer<T extends KubernetesObject, V>(resource: Resource<T>, options: InformerOptions<T, V>): Informer<T, V>;
}

export interface WantedToken {
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
}

export type WriteOutcome<T> = { readonly outcome: 'written'; readonly object: T } | { readonly outcome: 'conflict' };

export interface InformerOptions<T, V> {
  readonly labelSelector?: string;
  /** What is kept of each object; everything else is dropped on arrival. */
  readonly reduce: (object: T) => V;
}

export interface Informer<T extends KubernetesObject, V> {
  /** Lists, then watches until `signal` aborts. Resolves once the first list is in; rejects when `signal` aborts before. */
  start(signal: AbortSignal): Promise<void>;
  readonly hasSynced: boolean;
  get(key: ObjectKey): V | undefined;
  values(): IterableIterator<V>;
  /** Called after each change with the view before and after; `undefined` = absent. */
  onChange(listener: (before: V | undefined, after: V | undefined) => void): void;
  /** Takes in an object that this process has just read or written, unless a newer one is known. */
  observe(object: T): void;
}
