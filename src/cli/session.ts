import { text as readText } from 'node:stream/consumers';
import { INJECTION_LABEL } from '../api/keys.ts';
import { namespaces } from '../api/resources.ts';
import { providers } from '../../providers/index.ts';
import { FolderCluster } from '../cluster/folder/folder-cluster.ts';
import {
  manifestFiles,
  parseManifestDocuments,
  readManifestDocuments,
  type ManifestDocument,
  type ManifestObject,
} from '../cluster/folder/manifests.ts';
import { openCluster } from '../cluster/open-cluster.ts';
import { readOnly } from '../cluster/read-only-cluster.ts';
import { LatchkeyError } from '../core/errors.ts';
import { systemClock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import { summariseNamespace, type NamespaceSummary } from '../stores/views.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { isExempt, isOptedIn } from '../webhook/admitter.ts';
import type { PodReview } from '../webhook/pod-review.ts';
import { wireAdmission, type AdmissionSettings } from '../wiring.ts';
import { workloadOf, workloadResources, type Workload } from './workloads.ts';

export interface SessionSettings extends AdmissionSettings {
  /** Files and folders; `-` = standard input. Without any, the workloads of the cluster. */
  readonly filename?: readonly string[];
  /** Files and folders that things are looked up in, and that are not asked about themselves. */
  readonly lookup?: readonly string[];
  readonly cluster?: boolean;
  readonly kubeconfig?: string;
  readonly timeoutMs: number;
}

/** What the server would do with one workload. */
export type WorkloadReview =
  ({ readonly state: 'reviewed' } & PodReview) | { readonly state: 'namespace-not-opted-in' | 'pod-opted-out' };

export interface Session {
  /** What is asked about: the named manifests in their order, or what makes pods in the cluster. */
  readonly documents: readonly (ManifestDocument | { readonly objects: readonly ManifestObject[] })[];
  /** @throws LatchkeyError `ClusterRejected` for the first that cannot be read. */
  readonly workloads: readonly Workload[];
  review(workload: Workload, isDryRun: boolean): Promise<WorkloadReview>;
  close(): Promise<void>;
}

/**
 * The offline commands' view: the same review as the server's, over manifests alone or a cluster that is only read.
 * Versions are keyed with zeros: the installation's key stays in its cluster, so they differ from a cluster's own.
 */
const OFFLINE_VERSION_KEY = '00'.repeat(32);

/** @throws LatchkeyError for manifests that cannot be read and clusters that cannot be reached. */
export async function openSession(settings: SessionSettings): Promise<Session> {
  const logger = createLogger('error');
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(settings.timeoutMs)]);
  const { filename = [] } = settings;
  if (filename.length === 0 && settings.cluster !== true) {
    throw new LatchkeyError('ClusterRejected', 'nothing to look at: name manifests with -f, or use --cluster');
  }
  const named = await readPaths(filename);
  const cluster = readOnly(
    settings.cluster === true
      ? await openCluster(settings, logger, signal)
      : folderOf([...named, ...(await readPaths(settings.lookup ?? []))]),
  );
  const wiring = wireAdmission({
    cluster,
    settings,
    registry: providers,
    environment: process.env,
    versionKey: () => OFFLINE_VERSION_KEY,
    clock: systemClock,
    logger,
    metrics: createMetrics(),
    ...(settings.cluster === true ? {} : { externalSecretWaitMs: 0 }),
  });
  await wiring.views.start(signal);
  const find = namespaceFinder(cluster, settings.cluster === true, signal);
  const documents = filename.length > 0 ? named : await workloadsIn(cluster, find, signal);
  return {
    documents,
    get workloads() {
      return documents.flatMap(({ objects }) => objects).flatMap(({ object }) => workloadOf(object) ?? []);
    },
    async review(workload, isDryRun) {
      const namespace = await find(workload.namespace);
      if (!isOptedIn(namespace)) return { state: 'namespace-not-opted-in' };
      if (isExempt(workload.pod)) return { state: 'pod-opted-out' };
      const { pod, description } = workload;
      return { state: 'reviewed', ...(await wiring.reviewPod({ pod, description, namespace, isDryRun, signal })) };
    },
    async close() {
      stopping.abort();
      await wiring.close();
    },
  };
}

/** What makes pods in opted-in namespaces, without what belongs to something else that does. */
async function workloadsIn(
  cluster: Cluster,
  find: (namespace: string) => Promise<NamespaceSummary>,
  signal: AbortSignal,
): Promise<Session['documents']> {
  const lists = await Promise.all(workloadResources.map((resource) => cluster.list(resource, { signal })));
  const roots = lists
    .flat()
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ controller }) => controller) !== true);
  const names = [...new Set(roots.map(({ metadata }) => metadata.namespace ?? ''))];
  const optedIn = new Set((await Promise.all(names.map(find))).filter(isOptedIn).map(({ name }) => name));
  return roots
    .filter(({ metadata }) => optedIn.has(metadata.namespace ?? ''))
    .map((object) => ({ objects: [{ object, pointer: '' }] }));
}

async function readPaths(paths: readonly string[]): Promise<readonly ManifestDocument[]> {
  return (await Promise.all(paths.map(readPath))).flat();
}

async function readPath(path: string): Promise<readonly ManifestDocument[]> {
  if (path === '-') return parseManifestDocuments(await readText(process.stdin), 'standard input');
  return (await Promise.all((await manifestFiles(path)).map(readManifestDocuments))).flat();
}

function folderOf(documents: readonly ManifestDocument[]): FolderCluster {
  const folder = new FolderCluster(systemClock);
  for (const { object } of documents.flatMap(({ objects }) => objects)) folder.load(object);
  return folder;
}

/** Offline, a namespace that no manifest describes is taken as opted in: that is what is being asked about. */
function namespaceFinder(
  cluster: Cluster,
  isCluster: boolean,
  signal: AbortSignal,
): (name: string) => Promise<NamespaceSummary> {
  const assumed = new Set<string>();
  return async (name) => {
    const found = await cluster.get(namespaces, { name }, { signal });
    if (found !== undefined) return summariseNamespace(found);
    if (!isCluster && !assumed.has(name)) {
      assumed.add(name);
      process.stderr.write(`latchkey: namespace "${name}" is not among the manifests and is taken as opted in\n`);
    }
    const labels: Record<string, string> = isCluster ? {} : { [INJECTION_LABEL]: 'enabled' };
    return { name, labels, annotations: {}, isTerminating: false };
  };
}
