import type { KubernetesObject, Pod } from '../api/kubernetes.ts';
import type { Resource } from '../api/resources.ts';
import { asPod } from '../core/admission/review.ts';
import { LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';

/** A manifest that makes pods, and where in it the pod stands. */
export interface Workload {
  readonly namespace: string;
  /** `Deployment "shop/web"`. */
  readonly description: string;
  readonly pod: Pod;
  /** JSON pointer to the pod, or its template, in the manifest; empty for a pod itself. */
  readonly pointer: string;
}

/** Where each kind has its pod template; a Pod is its own. */
const WORKLOADS: readonly (Resource<KubernetesObject> & { readonly template: readonly string[] })[] = [
  { ...namespaced('v1', 'Pod', 'pods'), template: [] },
  { ...namespaced('apps/v1', 'Deployment', 'deployments'), template: ['spec', 'template'] },
  { ...namespaced('apps/v1', 'ReplicaSet', 'replicasets'), template: ['spec', 'template'] },
  { ...namespaced('apps/v1', 'StatefulSet', 'statefulsets'), template: ['spec', 'template'] },
  { ...namespaced('apps/v1', 'DaemonSet', 'daemonsets'), template: ['spec', 'template'] },
  { ...namespaced('batch/v1', 'Job', 'jobs'), template: ['spec', 'template'] },
  { ...namespaced('batch/v1', 'CronJob', 'cronjobs'), template: ['spec', 'jobTemplate', 'spec', 'template'] },
];

/** The kinds that {@link workloadOf} knows, as the API server addresses them. */
export const workloadResources: readonly Resource<KubernetesObject>[] = WORKLOADS;

/**
 * The workload in a manifest; undefined for every other kind.
 * @throws LatchkeyError `ClusterRejected` when a workload has no pod template that can be read.
 */
export function workloadOf(object: KubernetesObject): Workload | undefined {
  const path = WORKLOADS.find(({ kind }) => kind === object.kind)?.template;
  if (path === undefined) return undefined;
  const namespace = object.metadata.namespace ?? 'default';
  const name = printable(object.metadata.name ?? object.metadata.generateName ?? '?');
  const description = `${object.kind} "${printable(namespace)}/${name}"`;
  const template = at(object, path);
  // A template needs no metadata; a pod always has some by the time it is reviewed.
  const pod = asPod(isObject(template) ? { ...template, metadata: template['metadata'] ?? {} } : undefined);
  if (pod === undefined) {
    const where = path.length === 0 ? 'it is no pod' : `${path.join('.')} is no pod template`;
    throw new LatchkeyError('ClusterRejected', `${description} cannot be judged: ${where} (spec or metadata is wrong)`);
  }
  return { namespace, description, pod, pointer: path.map((field) => `/${field}`).join('') };
}

function namespaced(apiVersion: string, kind: string, plural: string): Resource<KubernetesObject> {
  return { apiVersion, kind, plural, isNamespaced: true };
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((parent, field) => (isObject(parent) ? parent[field] : undefined), value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
