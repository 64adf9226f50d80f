import { asPod } from '../core/admission/review.ts';
import type { KubernetesObject, Pod } from '../api/kubernetes.ts';

/** A manifest that makes pods, and where in it the pod stands. */
export interface Workload {
  readonly object: KubernetesObject;
  readonly namespace: string;
  /** `Deployment "shop/web"`. */
  readonly description: string;
  readonly pod: Pod;
  /** The manifest with another pod in the pod's place; nothing else changes. */
  withPod(pod: Pod): KubernetesObject;
}

/** Kind → path of the pod template; a Pod is its own. */
const TEMPLATE_PATHS: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
};

/** The workload in a manifest; undefined for every other kind and for one without a usable pod template. */
export function workloadOf(object: KubernetesObject): Workload | undefined {
  const path = Object.hasOwn(TEMPLATE_PATHS, object.kind) ? TEMPLATE_PATHS[object.kind] : undefined;
  if (path === undefined) return undefined;
  const template = at(object, path);
  // A template needs no metadata; a pod always has some by the time it is reviewed.
  const pod = asPod(isObject(template) ? { ...template, metadata: template['metadata'] ?? {} } : undefined);
  if (pod === undefined) return undefined;
  const namespace = object.metadata.namespace ?? 'default';
  return {
    object,
    namespace,
    description: `${object.kind} "${namespace}/${object.metadata.name ?? object.metadata.generateName ?? '?'}"`,
    pod,
    withPod: (changed) => replaceAt(object, path, changed) as KubernetesObject,
  };
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce((parent, field) => (isObject(parent) ? parent[field] : undefined), value);
}

function replaceAt(value: unknown, [field, ...rest]: readonly string[], replacement: unknown): unknown {
  if (field === undefined || !isObject(value)) return replacement;
  return { ...value, [field]: replaceAt(value[field], rest, replacement) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
