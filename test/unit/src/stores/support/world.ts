import type { ExternalSecret } from '../../../../../src/api/external-secrets.ts';
import type { AdmissionResponse } from '../../../../../src/api/admission.ts';
import type { Event, Json, KubernetesObject, Pod, Secret } from '../../../../../src/api/kubernetes.ts';
import { events, externalSecrets, secrets } from '../../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../../src/cluster/folder/folder-cluster.ts';
import { findReferences } from '../../../../../src/core/admission/references.ts';
import type { Logger } from '../../../../../src/ports/logger.ts';
import type { Metrics } from '../../../../../src/ports/metrics.ts';
import { DEFAULT_TEMPLATE_SETTINGS } from '../../../../../src/stores/template.ts';
import { summariseNamespace } from '../../../../../src/stores/views.ts';
import type { PodReview } from '../../../../../src/webhook/pod-review.ts';
import { wireAdmission, type AdmissionSettings, type Wiring, type WiringOptions } from '../../../../../src/wiring.ts';
import * as make from '../../../../support/latchkey/manifests.ts';
import { Backend } from './backend.ts';
import { handClock, type HandClock } from './clock.ts';
import { observed, type ObservedCluster } from './observed-cluster.ts';

export const silentLogger: Logger = { debug: noop, info: noop, warn: noop, error: noop };
export const noMetrics: Metrics = {
  admission: noop,
  providerRequest: noop,
  sync: noop,
  forget: noop,
  secretWrite: noop,
};
function noop(): void {
  // Nobody listens.
}

/** An operator's defaults, except that no store may use the identity of this process. */
export const admissionSettings: AdmissionSettings = {
  ...DEFAULT_TEMPLATE_SETTINGS,
  controllerClass: 'default',
  ambientCredentials: 'none',
  allowedBackendHosts: [],
  defaultStaleIfErrorMs: 86_400_000,
};

export interface World {
  readonly folder: FolderCluster;
  readonly cluster: ObservedCluster;
  readonly backend: Backend;
  readonly clock: HandClock;
  readonly wiring: Wiring;
  apply(...manifests: readonly make.Manifest[]): void;
  /** What the webhook would decide about a pod in the namespace `shop`. */
  review(
    pod: make.Manifest,
    options?: { readonly isDryRun?: boolean; readonly signal?: AbortSignal; readonly isTerminating?: boolean },
  ): Promise<PodReview>;
  /** What the webhook answers when a pod is created in the namespace `shop`. */
  admit(pod: make.Manifest, options?: { readonly isDryRun?: boolean }): Promise<AdmissionResponse>;
  /** The Events that were written, once all that are due are. */
  events(): Promise<readonly Event[]>;
  secret(name: string): Promise<Secret | undefined>;
  value(name: string, key: string): Promise<string | undefined>;
  externalSecret(name: string): Promise<ExternalSecret | undefined>;
}

const NAMESPACE = 'shop';

/** Admission as it is wired in production, over a folder cluster, a backend in memory and a clock moved by hand. */
export async function createWorld(
  namespaceLabels: Readonly<Record<string, string>> = { 'latchkey.dev/injection': 'enabled' },
  namespaces: Pick<WiringOptions, 'ownNamespace' | 'reservedNamespaces'> = {},
  clock = handClock(),
): Promise<World> {
  const folder = new FolderCluster(clock);
  const cluster = observed(folder);
  const backend = new Backend();
  const apply = (...manifests: readonly make.Manifest[]): void => {
    for (const manifest of manifests) folder.load(manifest as unknown as KubernetesObject);
  };
  const namespace = make.namespace(NAMESPACE, namespaceLabels);
  apply(namespace, store('store'));
  const wiring = wireAdmission({
    cluster,
    settings: admissionSettings,
    registry: backend.registry,
    environment: {},
    versionKey: () => 'ab'.repeat(32),
    clock,
    logger: silentLogger,
    metrics: noMetrics,
    ...namespaces,
  });
  await wiring.views.start(new AbortController().signal);
  cluster.forget();
  return {
    ...{ folder, cluster, backend, clock, wiring, apply },
    review(manifest, { isDryRun = false, signal = AbortSignal.timeout(5_000), isTerminating = false } = {}) {
      const pod = manifest as unknown as Pod;
      return wiring.reviewPod({
        ...{ pod, references: findReferences(pod), isDryRun, signal },
        description: 'pod "shop/web"',
        namespace: { ...summariseNamespace(namespace as unknown as KubernetesObject), isTerminating },
      });
    },
    admit: (manifest, { isDryRun = false } = {}) =>
      wiring.admit(
        {
          uid: 'request',
          kind: { group: '', version: 'v1', kind: 'Pod' },
          resource: { group: '', version: 'v1', resource: 'pods' },
          operation: 'CREATE',
          namespace: NAMESPACE,
          object: manifest as Json,
          dryRun: isDryRun,
        },
        AbortSignal.timeout(5_000),
      ),
    async events() {
      await wiring.events.flush();
      return folder.list(events);
    },
    secret: (name) => folder.get(secrets, { namespace: NAMESPACE, name }),
    async value(name, key) {
      const base64 = (await folder.get(secrets, { namespace: NAMESPACE, name }))?.data?.[key];
      return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString();
    },
    externalSecret: (name) => folder.get(externalSecrets, { namespace: NAMESPACE, name }),
  };
}

/** Its backend is asked once: what is looked at here is what follows when it has failed. */
export function store(name: string, namespace = NAMESPACE): make.Manifest {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name, namespace },
    spec: { provider: { test: {} }, retrySettings: { maxRetries: 0 } },
  };
}

/** An ExternalSecret `db` that makes the key `password` of the remote secret `prod/db`. */
export function database(spec: make.Manifest = {}): make.Manifest {
  return make.externalSecret({ name: 'db', namespace: NAMESPACE, data: { password: 'prod/db' }, spec });
}

export function pod(
  annotations: Readonly<Record<string, string>> = {},
  keys: readonly string[] = ['password'],
): make.Manifest {
  return make.podWith('web', NAMESPACE, 'db', keys, { annotations });
}

/** Makes the Secret of {@link database} and lets its status be written, then forgets what that cost. */
export async function makeFresh(world: World, ...manifests: readonly make.Manifest[]): Promise<void> {
  world.apply(database(), ...manifests);
  await world.review(pod());
  await world.wiring.syncer.statuses.flush();
  world.cluster.forget();
  world.backend.asked.splice(0);
}

/** What was found out about each Secret. */
export function stateOf({ judged }: PodReview): string {
  return judged.map(({ outcome }) => outcome.state).join();
}

/** What becomes of the pod, in a word or two. */
export function verdictOf({ decision }: PodReview): string {
  return decision.allowed ? decision.status : `denied ${decision.code}`;
}
