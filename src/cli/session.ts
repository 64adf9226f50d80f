import { INJECTION_LABEL } from '../api/keys.ts';
import { namespaces } from '../api/resources.ts';
import type { ManifestDocument, ManifestObject } from '../cluster/folder/manifests.ts';
import type { Cluster } from '../ports/cluster.ts';
import { summariseNamespace, type NamespaceSummary } from '../stores/views.ts';
import { isExempt, isOptedIn } from '../webhook/admitter.ts';
import type { PodReview } from '../webhook/pod-review.ts';
import { say } from './sentences.ts';
import { workloadOf, workloadResources, type Workload } from './workloads.ts';
import { openWorkspace, type WorkspaceSettings } from './workspace.ts';

export type SessionSettings = WorkspaceSettings;

/** What the server would do with one workload. */
export type WorkloadReview =
  ({ readonly state: 'reviewed' } & PodReview) | { readonly state: 'namespace-not-opted-in' | 'pod-opted-out' };

/** The same review as the server's, over a cluster that is only read. */
export interface Session {
  /** What is asked about: the named manifests in their order, or what makes pods in the cluster. */
  readonly documents: readonly (ManifestDocument | { readonly objects: readonly ManifestObject[] })[];
  /** @throws LatchkeyError `ClusterRejected` for the first that cannot be read. */
  readonly workloads: readonly Workload[];
  review(workload: Workload, isDryRun: boolean): Promise<WorkloadReview>;
  close(): Promise<void>;
}

/** @throws LatchkeyError as {@link openWorkspace} does. */
export async function openSession(settings: SessionSettings): Promise<Session> {
  const { cluster, wiring, documents: named, signal, close } = await openWorkspace(settings, { isReadOnly: true });
  const find = namespaceFinder(cluster, settings.cluster === true, signal);
  const documents = settings.filename === undefined ? await workloadsIn(cluster, find, signal) : named;
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
    close,
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
      say(`namespace "${name}" is not among the manifests and is taken as opted in`);
    }
    const labels: Record<string, string> = isCluster ? {} : { [INJECTION_LABEL]: 'enabled' };
    return { name, labels, annotations: {}, isTerminating: false };
  };
}
