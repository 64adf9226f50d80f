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
  /** Hosts that a store's URLs may lead to wherever they are. */
  readonly allowedBackendHosts: readonly string[];
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const MOST_CLIENTS = 500;
const CREATE_TIMEOUT_MS = 20_000;
/** No fetch lasts longer, so nobody uses a client that has been out of the cache for this long. */
const LONGEST_USE_MS = 30_000;

/**
 * Clients by store and identity. A client serves only while everything it was built from, the store and each
 * credential Secret, is still of the version it was built from; the credentials are compared live at each use.
 */
export class ClientCache {
  readonly #cluster: Cluster;
  readonly #options: ClientCacheOptions;
  readonly #clients: LRUCache<string, CachedClient>;
  /** Being made: whoever needs the same waits for it. */
  readonly #pending = new Map<string, Promise<CachedClient>>();
  #isClosed = false;

  constructor(cluster: Cluster, options: ClientCacheOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#clients = new LRUCache({
      max: MOST_CLIENTS,
      dispose: ({ client }) => {
        const close = (): void => {
          client.close().catch((error: unknown) => options.logger.warn('closing a provider client failed', {}, error));
        };
        // Somebody may be in the middle of a call with it.
        if (this.#isClosed) close();
        else setTimeout(close, LONGEST_USE_MS).unref();
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
    // Unless somebody else has put a newer one in its place meanwhile.
    if (cached !== undefined && this.#clients.peek(identity) === cached) this.#clients.delete(identity);
    return this.#pending.get(identity) ?? this.#make(identity, () => this.#create(key, store, namespace));
  }

  close(): void {
    this.#isClosed = true;
    this.#clients.clear();
  }

  async #make(identity: string, create: () => Promise<CachedClient>): Promise<CachedClient> {
    const making = create();
    this.#pending.set(identity, making);
    try {
      const created = await making;
      this.#clients.set(identity, created);
      return created;
    } finally {
      this.#pending.delete(identity);
    }
  }

  /** Under a deadline of its own: the first caller's leaving must not fail those who wait with it. */
  async #create(key: StoreKey, store: SecretStore, namespace: string): Promise<CachedClient> {
    const signal = AbortSignal.timeout(CREATE_TIMEOUT_MS);
    const { registry, environment, ambientCredentials, allowedBackendHosts, metrics } = this.#options;
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
        allowedBackendHosts,
        environment,
        onRequest: (call, status, durationSeconds) => metrics.providerRequest(name, call, status, durationSeconds),
      },
      signal,
    );
    return { client, documents: provider.documents, credentials: credentials.versions };
  }
}
