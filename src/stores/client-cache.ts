import { LRUCache } from 'lru-cache';
import type { SecretStore } from '../api/external-secrets.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import { retryPolicyOf } from '../core/store/retry-policy.ts';
import type { StoreKey } from '../core/store/store-key.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { NoticeCode, Provider, ProviderRegistry, SecretsClient } from '../ports/provider.ts';
import { systemTiming } from '../ports/timing.ts';
import { SharedClient } from './client/shared-client.ts';
import { ReferentCredentials, ScopedCredentials } from './credentials.ts';
import { FairSlots } from './fair-slots.ts';
import { areCurrent, type ObjectVersion } from './object-versions.ts';
import { raceAbort } from './race-abort.ts';
import { Refusals } from './refusals.ts';

export interface OpenStore {
  readonly client: SecretsClient;
  readonly documents: Provider['documents'];
  readonly convertsFoundNames: boolean;
  /** What this identity was refused; gone with the client when store or credentials change. */
  readonly refusals: Refusals;
}

interface CachedClient extends Omit<OpenStore, 'client'> {
  readonly client: SharedClient;
  readonly credentials: readonly ObjectVersion[];
}

export interface ClientCacheOptions {
  readonly registry: ProviderRegistry;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Which kinds of store may use the identity that Latchkey itself runs under. */
  readonly ambientCredentials: 'cluster-stores' | 'all' | 'none';
  /** Hosts that a store's URLs may lead to wherever they are. */
  readonly allowedBackendHosts: readonly string[];
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** A store works, though not as well as it could. */
  readonly onNotice: (store: SecretStore, code: NoticeCode, sentence: string) => void;
}

/** A log-in that was refused, with what it was tried with. */
interface RefusedLogIn {
  readonly error: LatchkeyError;
  readonly credentials: readonly ObjectVersion[];
  readonly untilMs: number;
}

const MOST_CLIENTS = 500;
const CREATE_TIMEOUT_MS = 20_000;
/** No fetch lasts longer, so nobody uses a client that has been out of the cache for this long. */
const LONGEST_USE_MS = 30_000;
/** The same credentials are not tried again before; some backends lock accounts. */
const LOG_IN_REFUSED_FOR_MS = 30_000;
/** Calls at once to the backend of one store, over all namespaces, and in one. A batch is one. */
const STORE_SLOTS = { slots: 32, slotsPerNamespace: 8, longestQueue: 10_000 };

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
  readonly #slots = new LRUCache<string, FairSlots>({ max: MOST_CLIENTS });
  readonly #refusedLogIns = new LRUCache<string, RefusedLogIn>({ max: MOST_CLIENTS });
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

  /**
   * What is read through the store's client was fetched after this call, never before.
   * @throws LatchkeyError see {@link Provider.newClient}.
   */
  async open(
    key: StoreKey,
    store: SecretStore,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<OpenStore> {
    const dueMs = this.#options.clock.now();
    const opened = await this.#open(key, store, namespace, signal);
    return { ...opened, client: opened.client.forReadsDue(dueMs) };
  }

  /**
   * Asks the backend of a store whether it accepts who is asking. `unknown` for a ClusterSecretStore whose credentials come
   * from the namespace of whoever uses it.
   * @throws LatchkeyError see {@link Provider.newClient} and `SecretsClient.validate`.
   */
  async validate(key: StoreKey, store: SecretStore, signal: AbortSignal): Promise<'valid' | 'unknown'> {
    try {
      const { client } = await this.open(key, store, key.namespace, signal);
      await client.validate?.(signal);
      return 'valid';
    } catch (error) {
      if (error instanceof ReferentCredentials) return 'unknown';
      throw error;
    }
  }

  async #open(
    key: StoreKey,
    store: SecretStore,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<CachedClient> {
    const identity = identityOf(store, namespace);
    const cached = this.#clients.get(identity);
    if (cached !== undefined && (await areCurrent(this.#cluster, cached.credentials, signal))) return cached;
    // Unless somebody else has put a newer one in its place meanwhile.
    if (cached !== undefined && this.#clients.peek(identity) === cached) this.#clients.delete(identity);
    await this.#assertNotRefused(identity, signal);
    const making =
      this.#pending.get(identity) ?? this.#make(identity, () => this.#create(identity, key, store, namespace));
    return raceAbort(making, signal);
  }

  /** What the clients were made of, by {@link identityOf} whom they ask as. */
  *credentialsInUse(): IterableIterator<readonly [identity: string, credentials: readonly ObjectVersion[]]> {
    for (const [identity, { credentials }] of this.#clients.entries()) yield [identity, credentials];
  }

  async #assertNotRefused(identity: string, signal: AbortSignal): Promise<void> {
    const refused = this.#refusedLogIns.get(identity);
    if (refused === undefined || refused.untilMs <= this.#options.clock.now()) return;
    if (await areCurrent(this.#cluster, refused.credentials, signal)) throw refused.error;
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
  async #create(
    identity: string,
    key: StoreKey,
    store: SecretStore,
    namespace: string | undefined,
  ): Promise<CachedClient> {
    const signal = AbortSignal.timeout(CREATE_TIMEOUT_MS);
    const { registry, environment, ambientCredentials, allowedBackendHosts, clock, metrics, onNotice } = this.#options;
    const [name, ...others] = Object.keys(store.spec.provider ?? {});
    if (name === undefined || others.length > 0) {
      throw new LatchkeyError('InvalidProviderConfig', 'spec.provider must name exactly one provider');
    }
    const load = Object.hasOwn(registry, name) ? registry[name] : undefined;
    if (load === undefined) {
      throw new LatchkeyError('Unsupported', `spec.provider.${printable(name, 40)} is not supported yet`);
    }
    const retryPolicy = retryPolicyOf(store);
    const provider = (await load()).createProvider();
    const config = store.spec.provider?.[name] ?? null;
    provider.validateStore({ store: key, config, allowedBackendHosts });
    const credentials = new ScopedCredentials(this.#cluster, key, namespace);
    const making = provider.newClient(
      {
        store: key,
        namespace,
        config,
        credentials,
        isAmbientIdentityAllowed:
          ambientCredentials === 'all' ||
          (ambientCredentials === 'cluster-stores' && key.kind === 'ClusterSecretStore'),
        allowedBackendHosts,
        environment,
        onRequest: (call, status, durationSeconds) => metrics.providerRequest(name, call, status, durationSeconds),
        onNotice: (code, sentence) => onNotice(store, code, sentence),
      },
      signal,
    );
    const raw = await making.catch((cause: unknown) => {
      if (credentials.isReferent) throw new ReferentCredentials();
      const error = asLatchkeyError(cause);
      if (error.code === 'BackendAuthFailed' || error.code === 'BackendPermissionDenied') {
        const untilMs = clock.now() + LOG_IN_REFUSED_FOR_MS;
        this.#refusedLogIns.set(identity, { error, credentials: credentials.versions, untilMs });
      }
      throw error;
    });
    const timing = { ...systemTiming, now: () => clock.now() };
    const slots = this.#slotsOf(store);
    const client = new SharedClient(raw, { retryPolicy, slots, namespace: namespace ?? '', timing });
    const refusals = new Refusals(clock);
    const { documents, convertsFoundNames = false } = provider;
    return { client, documents, convertsFoundNames, refusals, credentials: credentials.versions };
  }

  #slotsOf({ metadata: { uid = '' } }: SecretStore): FairSlots {
    const slots = this.#slots.get(uid) ?? new FairSlots(STORE_SLOTS);
    this.#slots.set(uid, slots);
    return slots;
  }
}

/**
 * Whoever a store is asked as, in the generation of its spec: a new status is no reason to log in again. A cluster store may
 * take its credentials from the ExternalSecret's namespace, so the namespace is part of it.
 */
export function identityOf({ metadata }: SecretStore, namespace: string | undefined): string {
  return `${metadata.uid}@${metadata.generation ?? metadata.resourceVersion}/${namespace ?? ''}`;
}
