/** Syncs on a real API server, under Latchkey's own rights, one after the other: what a reconciler would do. */
import { providers } from '../../../providers/index.ts';
import type { ExternalSecret, SecretStore } from '../../../src/api/external-secrets.ts';
import type { Condition, Event, Json, KubernetesObject, Secret } from '../../../src/api/kubernetes.ts';
import {
  clusterSecretStores,
  events,
  externalSecrets,
  namespaces,
  secrets,
  secretStores,
  type Resource,
} from '../../../src/api/resources.ts';
import { connectToCluster } from '../../../src/cluster/kubernetes/connect.ts';
import type { KubernetesCluster } from '../../../src/cluster/kubernetes/kubernetes-cluster.ts';
import { asLatchkeyError } from '../../../src/core/errors.ts';
import type { StoreKey } from '../../../src/core/store/store-key.ts';
import { systemClock } from '../../../src/ports/clock.ts';
import type { Logger } from '../../../src/ports/logger.ts';
import type { Metrics } from '../../../src/ports/metrics.ts';
import type { ProviderRegistry } from '../../../src/ports/provider.ts';
import { DEFAULT_TEMPLATE_SETTINGS } from '../../../src/stores/template.ts';
import { summariseNamespace } from '../../../src/stores/views.ts';
import { wireAdmission, type Wiring } from '../../../src/wiring.ts';
import { startControlPlane, type ControlPlane } from '../control-plane/control-plane.ts';
import { installLatchkey, LATCHKEY_USER } from './install.ts';
import type { Manifest } from './manifests.ts';
import { waitUntil } from '../process/wait-until.ts';

const KINDS: readonly Resource<KubernetesObject>[] = [
  ...[namespaces, secrets, externalSecrets, secretStores, clusterSecretStores],
];
/** People's field manager. */
const SOMEBODY = 'kubectl';

export interface Reconciling {
  readonly controlPlane: ControlPlane;
  /** The administrator's. */
  readonly cluster: KubernetesCluster;
  readonly wiring: Wiring;
  /** Server-side apply as an administrator; the caches have heard of it afterwards. */
  apply(...manifests: readonly Manifest[]): Promise<void>;
  /** Creates or replaces a Secret as this field manager does. */
  write(secret: Secret, fieldManager?: string): Promise<Secret>;
  remove(namespace: string, name: string): Promise<void>;
  /** What one sync came to: `created`, `unchanged` …, or the code of its error. */
  sync(namespace: string, name: string, options?: { readonly isAskedFor?: boolean }): Promise<string>;
  /** What one look at a store came to, in the words of its status. */
  syncStore(storeKey: StoreKey): Promise<string>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  externalSecret(namespace: string, name: string): Promise<ExternalSecret>;
  /** `True SecretSynced: secret synced`; empty when there is no condition. */
  status(namespace: string, name: string): Promise<string>;
  /** `Normal Created: secret created`, in the order of their making. */
  events(kind: string, namespace: string, name: string): Promise<readonly string[]>;
  /** What the webhook answers to a pod: `allowed`, or the denial's sentence up to its code. */
  admit(pod: Manifest): Promise<string>;
  stop(): Promise<void>;
}

/** @param registry stands in for backends beside `fake`. */
export async function startReconciling(registry: ProviderRegistry = {}): Promise<Reconciling> {
  const controlPlane = await startControlPlane({ users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  const stopping = new AbortController();
  const cluster = connectToCluster(controlPlane.kubeconfigFile, silent);
  const wiring = wireAdmission({
    cluster: connectToCluster(await controlPlane.kubeconfigFor(LATCHKEY_USER.name), silent),
    settings: {
      ...DEFAULT_TEMPLATE_SETTINGS,
      controllerClass: 'default',
      ambientCredentials: 'none',
      allowedBackendHosts: [],
      defaultStaleIfErrorMs: 86_400_000,
    },
    registry: { ...providers, ...registry },
    environment: {},
    versionKey: () => 'ab'.repeat(32),
    clock: systemClock,
    logger: silent,
    metrics: unmeasured,
  });
  const { views } = wiring;
  await views.start(stopping.signal);
  const limit = (): { readonly signal: AbortSignal } => ({ signal: AbortSignal.timeout(10_000) });

  const hearOf = (object: KubernetesObject): void => {
    if (object.kind === 'Namespace') views.namespaces.observe(object);
    if (object.kind === 'ExternalSecret') views.externalSecrets.observe(object as ExternalSecret);
    if (object.kind === 'SecretStore') views.secretStores.observe(object as SecretStore);
    if (object.kind === 'ClusterSecretStore') views.clusterSecretStores.observe(object as SecretStore);
  };
  const externalSecret = async (namespace: string, name: string): Promise<ExternalSecret> =>
    present(await cluster.get(externalSecrets, { namespace, name }, limit()), name);
  const told = async (): Promise<void> => {
    await Promise.all([wiring.syncer.statuses.flush(), wiring.events.flush()]);
  };

  return {
    ...{ controlPlane, cluster, wiring, externalSecret },
    async apply(...manifests) {
      for (const manifest of manifests) {
        const object = manifest as unknown as KubernetesObject;
        const resource = present(
          KINDS.find(({ kind }) => kind === object.kind),
          object.kind,
        );
        hearOf(await cluster.apply(resource, object, { fieldManager: SOMEBODY, ...limit() }));
      }
    },
    async write(secret, fieldManager = SOMEBODY) {
      const current = await cluster.get(secrets, secret.metadata, limit());
      const options = { fieldManager, ...limit() };
      const written =
        current === undefined
          ? await cluster.create(secrets, secret, options)
          : await cluster.update(secrets, secret, options);
      if (written.outcome === 'conflict') throw new Error(`somebody else wrote Secret ${secret.metadata.name}`);
      return written.object;
    },
    async remove(namespace, name) {
      const object = await externalSecret(namespace, name);
      await cluster.delete(externalSecrets, object, limit());
      await waitUntil(async () => views.externalSecrets.get({ namespace, name }) === undefined, {
        what: `${name} to be gone`,
        timeoutMs: 10_000,
      });
    },
    async sync(namespace, name, { isAskedFor = false } = {}) {
      const [object, about] = await Promise.all([
        externalSecret(namespace, name),
        cluster.get(namespaces, { name: namespace }, limit()),
      ]);
      hearOf(object);
      try {
        const { done } = await wiring.syncer.syncExternalSecret({
          externalSecret: object,
          namespace: summariseNamespace(present(about, namespace)),
          notBeforeMs: Date.now(),
          isFirst: false,
          isAskedFor,
          ...limit(),
        });
        return done;
      } catch (error) {
        return asLatchkeyError(error).code;
      } finally {
        await told();
      }
    },
    async syncStore(storeKey) {
      const resource = storeKey.kind === 'SecretStore' ? secretStores : clusterSecretStores;
      const { namespace, name } = storeKey;
      const key = namespace === undefined ? { name } : { namespace, name };
      const before = present(await cluster.get(resource, key, limit()), name);
      await wiring.storeSyncer.syncStore(storeKey, before, limit().signal);
      await told();
      const after = present(await cluster.get(resource, key, limit()), name);
      hearOf(after);
      return conditionText(after.status?.conditions);
    },
    secret: (namespace, name) => cluster.get(secrets, { namespace, name }, limit()),
    async status(namespace, name) {
      return conditionText((await externalSecret(namespace, name)).status?.conditions);
    },
    async events(kind, namespace, name) {
      const all = await cluster.list<Event>(events, { namespace, ...limit() });
      return all
        .filter(({ regarding }) => regarding.kind === kind && regarding.name === name)
        .toSorted((a, b) => a.eventTime.localeCompare(b.eventTime))
        .map(
          ({ type, reason, note, series }) => `${type} ${reason}: ${note}${series ? ` (${series.count} times)` : ''}`,
        );
    },
    async admit(pod) {
      const { namespace = '' } = (pod as unknown as KubernetesObject).metadata;
      const { allowed, status } = await wiring.admit(
        {
          uid: 'request',
          kind: { group: '', version: 'v1', kind: 'Pod' },
          resource: { group: '', version: 'v1', resource: 'pods' },
          operation: 'CREATE',
          namespace,
          object: pod as Json,
          dryRun: false,
        },
        limit().signal,
      );
      await told();
      return allowed ? 'allowed' : (status?.message ?? 'denied').replace(/ \(what to do: .*\)$/, '');
    },
    async stop() {
      await wiring.close();
      stopping.abort();
      await controlPlane.stop();
    },
  };
}

function conditionText(conditions: readonly Condition[] = []): string {
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined ? '' : `${ready.status} ${ready.reason}: ${ready.message}`;
}

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}

const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const unmeasured: Metrics = {
  ...{ admission: nothing, providerRequest: nothing, sync: nothing },
  ...{ forget: nothing, secretWrite: nothing },
};
function nothing(): void {
  // Nobody listens.
}
