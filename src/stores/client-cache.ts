import { LRUCache } from 'lru-cache';
import type { SecretStore } from '../api/external-secrets.ts';
import { LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import type { StoreKey } from '../core/store/store-access.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Provider, ProviderRegistry, SecretsClient } from '../ports/provider.ts';
import { areCurrent, ScopedCredentials, type CredentialVersion } from './credentials.ts';

export interface OpenStore {
  readonly client: SecretsClient;
  readonly documents: Provider['documents'];
}

interface CachedClient extends OpenStore {
  readonly credentials: readonly CredentialVersion[];
}

export interface ClientCacheOptions {
  readonly registry: ProviderRegistry;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Which kinds of store may use the identity that Latchkey itself runs under. */
  readonly ambientCredentials: 'cluster-stores' | 'all' | 'none';
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const MOST_CLIENTS = 500;

/**
 * Clients by store and identity. A client serves only while everything it was built from, the store and each
 * credential Secret, is still of the version it was built from; the credentials are compared live at each use.
 */
export class ClientCache {
  readonly #cluster: Cluster;
  readonly #options: ClientCacheOptions;
  readonly #clients: LRUCache<string, CachedClient>;

  constructor(cluster: Cluster, options: ClientCacheOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#clients = new LRUCache({
      max: MOST_CLIENTS,
      dispose: ({ client }) => {
        client.close().catch((error: unknown) => options.logger.warn('closing a provider client failed', {}, error));
      },
    });
  }

  /** @throws LatchkeyError see {@link Provider.newClient}. */
  async open(key: StoreKey, store: SecretStore, namespace: string, signal: AbortSignal): Promise<OpenStore> {
    const { uid, resourceVersion } = store.metadata;
    // A cluster store may take its credentials from the ExternalSecret's namespace, so the namespace is part of the identity.
    const identity = `${uid}@${resourceVersion}/${namespace}`;
    const cached = this.#clients.get(identity);
    if (cached !== undefined && (await areCurrent(this.#cluster, cached.credentials, signal))) return cached;
    this.#clients.delete(identity);
    const created = await this.#create(key, store, namespace, signal);
    this.#clients.set(identity, created);
    return created;
  }

  close(): void {
    this.#clients.clear();
  }

  async #create(key: StoreKey, store: SecretStore, namespace: string, signal: AbortSignal): Promise<CachedClient> {
    const { registry, environment, ambientCredentials, metrics } = this.#options;
    const [name, ...others] = Object.keys(store.spec.provider ?? {});
    if (name === undefined || others.length > 0) {
      throw new LatchkeyError('InvalidProviderConfig', 'spec.provider must name exactly one provider');
    }
    const load = Object.hasOwn(registry, name) ? registry[name] : undefined;
    if (load === undefined) {
      throw new LatchkeyError('Unsupported', `spec.provider.${printable(name, 40)} is not supported yet`);
    }
    const provider = (await load()).createProvider();
    const credentials = new ScopedCredentials(this.#cluster, key, namespace);
    const client = await provider.newClient(
      {
        store: key,
        config: store.spec.provider?.[name] ?? null,
        credentials,
        isAmbientIdentityAllowed:
          ambientCredentials === 'all' ||
          (ambientCredentials === 'cluster-stores' && key.kind === 'ClusterSecretStore'),
        environment,
        onRequest: (call, status, durationSeconds) => metrics.providerRequest(name, call, status, durationSeconds),
      },
      signal,
    );
    return { client, documents: provider.documents, credentials: credentials.versions };
  }
}
