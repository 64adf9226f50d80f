import type { KubeConfig } from '@kubernetes/client-node';
import type { KubernetesObject, ObjectKey } from '../../api/kubernetes.ts';
import { resourcePath, serviceAccounts, type Resource } from '../../api/resources.ts';
import { LatchkeyError } from '../../core/errors.ts';
import { printable } from '../../core/names.ts';
import { SecretValue } from '../../core/secret-value.ts';
import type {
  CallOptions,
  Cluster,
  Informer,
  InformerOptions,
  ListOptions,
  WantedToken,
  WriteOptions,
  WriteOutcome,
} from '../../ports/cluster.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ServiceAccountToken } from '../../ports/provider.ts';
import { ApiClient, type ApiRequest } from './api-client.ts';
import type { ApiAnswer } from './api-refusal.ts';
import { WatchingInformer } from './watching-informer.ts';

const APPLY_PATCH = 'application/apply-patch+yaml';
const MERGE_PATCH = 'application/merge-patch+json';

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  /** A Status when the type is ERROR. */
  readonly object: T;
}

export interface WatchOptions<T> {
  readonly resourceVersion: string;
  readonly labelSelector?: string;
  /** The server ends the stream after this. */
  readonly lifetimeS: number;
  /** The stream ends after so long without a byte. */
  readonly silenceMs: number;
  readonly onEvent: (event: WatchEvent<T>) => void;
  readonly signal: AbortSignal;
}

/** What a list holds, and the version from which a watch goes on. */
interface List<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** The real cluster, through its API server. */
export class KubernetesCluster implements Cluster {
  readonly #api: ApiClient;
  readonly #logger: Logger;

  constructor(kubeConfig: KubeConfig, logger: Logger) {
    this.#api = new ApiClient(kubeConfig);
    this.#logger = logger;
  }

  async get<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    { signal }: CallOptions,
  ): Promise<T | undefined> {
    const what = `get ${describe(resource, key)}`;
    const answer = await this.#api.send({ method: 'GET', path: resourcePath(resource, key), what, signal });
    if (answer.status === 404) return undefined;
    ApiClient.assertSuccess(answer, what);
    return answer.body as T;
  }

  async list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions): Promise<readonly T[]> {
    const answer = await this.#askForList(resource, options);
    // Of a kind that the API server does not serve, since its CRD is missing, there are none.
    return answer.status === 404 ? [] : listOf(resource, answer).items;
  }

  /** For whoever goes on with a watch. @throws LatchkeyError also when the kind is not served. */
  async listWithVersion<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions): Promise<List<T>> {
    return listOf(resource, await this.#askForList(resource, options));
  }

  #askForList<T extends KubernetesObject>(
    resource: Resource<T>,
    { namespace, labelSelector, signal }: ListOptions,
  ): Promise<ApiAnswer> {
    const query = labelSelector === undefined ? '' : `?labelSelector=${encodeURIComponent(labelSelector)}`;
    const path = `${resourcePath(resource, namespace === undefined ? {} : { namespace })}${query}`;
    return this.#api.send({ method: 'GET', path, what: listing(resource), signal });
  }

  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions,
  ): Promise<WriteOutcome<T>> {
    const { namespace } = object.metadata;
    const path = resourcePath(resource, namespace === undefined ? {} : { namespace });
    return this.#write('POST', path, `create ${describe(resource, object.metadata)}`, object, options);
  }

  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions,
  ): Promise<WriteOutcome<T>> {
    const what = `update ${describe(resource, object.metadata)}`;
    return this.#write('PUT', resourcePath(resource, object.metadata), what, object, options);
  }

  async delete<T extends KubernetesObject>(
    resource: Resource<T>,
    { metadata }: T,
    { signal }: CallOptions,
  ): Promise<'deleted' | 'conflict'> {
    const what = `delete ${describe(resource, metadata)}`;
    const { uid, resourceVersion } = metadata;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } };
    const answer = await this.#api.send({
      method: 'DELETE',
      path: resourcePath(resource, metadata),
      body,
      what,
      signal,
    });
    if (answer.status === 409) return 'conflict';
    if (answer.status !== 404) ApiClient.assertSuccess(answer, what);
    return 'deleted';
  }

  async apply<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T,
    { fieldManager, signal }: WriteOptions,
  ): Promise<T> {
    const path = `${resourcePath(resource, object.metadata)}?force=true&fieldManager=${encodeURIComponent(fieldManager)}`;
    const what = `apply ${describe(resource, object.metadata)}`;
    const answer = await this.#api.send({
      method: 'PATCH',
      path,
      body: object,
      contentType: APPLY_PATCH,
      what,
      signal,
    });
    ApiClient.assertSuccess(answer, what);
    return answer.body as T;
  }

  async patchStatus<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    status: object,
    { fieldManager, signal }: WriteOptions,
  ): Promise<T | undefined> {
    const path = `${resourcePath(resource, key)}/status?fieldManager=${encodeURIComponent(fieldManager)}`;
    const what = `patch the status of ${describe(resource, key)}`;
    const body = { status };
    const answer = await this.#api.send({ method: 'PATCH', path, body, contentType: MERGE_PATCH, what, signal });
    if (answer.status === 404) return undefined;
    ApiClient.assertSuccess(answer, what);
    return answer.body as T;
  }

  async requestToken(
    key: ObjectKey,
    { audiences, expirationSeconds }: WantedToken,
    { signal }: CallOptions,
  ): Promise<ServiceAccountToken | undefined> {
    const own = await this.#api.audiences();
    const taken = audiences.find((audience) => own.includes(audience));
    if (taken !== undefined) {
      throw new LatchkeyError(
        'InvalidProviderConfig',
        `the audience "${printable(taken)}" is this API server’s own, and such a token is never sent to a backend`,
      );
    }
    const what = `request a token of ${describe(serviceAccounts, key)}`;
    const path = `${resourcePath(serviceAccounts, key)}/token`;
    const spec = { audiences, expirationSeconds };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    const answer = await this.#api.send({ method: 'POST', path, body, what, signal });
    if (answer.status === 404) return undefined;
    ApiClient.assertSuccess(answer, what);
    const { status } = answer.body as { status: { token: string; expirationTimestamp: string } };
    return { token: SecretValue.fromText(status.token), expiresAtMs: Date.parse(status.expirationTimestamp) };
  }

  informer<T extends KubernetesObject, V>(resource: Resource<T>, options: InformerOptions<T, V>): Informer<T, V> {
    return new WatchingInformer(this, resource, options, this.#logger);
  }

  /** Changes since a version, until the server or silence ends the stream. */
  async watch<T extends KubernetesObject>(
    resource: Resource<T>,
    { resourceVersion, labelSelector, lifetimeS, silenceMs, onEvent, signal }: WatchOptions<T>,
  ): Promise<void> {
    const query = new URLSearchParams({
      watch: 'true',
      resourceVersion,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(lifetimeS),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    await this.#api.stream(
      {
        method: 'GET',
        path: `${resourcePath(resource, {})}?${query.toString()}`,
        what: `watch ${resource.plural}`,
        signal,
      },
      { silenceMs, onObject: (event) => onEvent(event as WatchEvent<T>) },
    );
  }

  close(): void {
    this.#api.close();
  }

  async #write<T extends KubernetesObject>(
    method: ApiRequest['method'],
    path: string,
    what: string,
    object: T,
    { fieldManager, signal }: WriteOptions,
  ): Promise<WriteOutcome<T>> {
    const withManager = `${path}?fieldManager=${encodeURIComponent(fieldManager)}`;
    const answer = await this.#api.send({ method, path: withManager, body: object, what, signal });
    const isGone = method === 'PUT' && answer.status === 404;
    if (answer.status === 409 || isGone) return { outcome: 'conflict' };
    ApiClient.assertSuccess(answer, what);
    return { outcome: 'written', object: answer.body as T };
  }
}

/** @throws LatchkeyError when the answer is a refusal. */
function listOf<T extends KubernetesObject>(resource: Resource<T>, answer: ApiAnswer): List<T> {
  ApiClient.assertSuccess(answer, listing(resource));
  const list = answer.body as { items?: readonly T[]; metadata?: { resourceVersion?: string } };
  // Items of a list carry neither apiVersion nor kind.
  const items = (list.items ?? []).map((item) => ({ ...item, apiVersion: resource.apiVersion, kind: resource.kind }));
  return { items, resourceVersion: list.metadata?.resourceVersion ?? '' };
}

function listing({ plural }: Resource<KubernetesObject>): string {
  return `list ${plural}`;
}

function describe(resource: Resource<KubernetesObject>, { namespace, name }: ObjectKey): string {
  return `${resource.kind} "${namespace === undefined ? '' : `${namespace}/`}${name}"`;
}
