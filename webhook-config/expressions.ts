/**
 * The policies' CEL. Every expression is total: `has` before each optional field, `in` before each map key. And cheap: the
 * API server stops at a cost of 1 000 000 an expression, and the longest loop here costs some 10 for each env entry.
 */
import { INJECTING_ANNOTATIONS, INLINE_PREFIXES, STATUS_ANNOTATION } from '../src/api/keys.ts';
import { FAILURE_MODE_KEY } from './parameters.ts';

export interface Variable {
  readonly name: string;
  readonly expression: string;
}

/**
 * The failure mode is data and not shape: it changes without a new policy, and a ConfigMap of other content switches
 * everything off.
 */
export const modeVariable: Variable = {
  name: 'mode',
  expression: `params != null && has(params.data) && ${quote(FAILURE_MODE_KEY)} in params.data ? params.data[${quote(FAILURE_MODE_KEY)}] : ''`,
};

export const podAnnotationsVariable: Variable = {
  name: 'podAnnotations',
  expression: 'has(object.metadata.annotations) ? object.metadata.annotations : {}',
};

/** Annotations of the pod and of its namespace, empty maps when there are none, and what they demand. */
export const annotationVariables: readonly Variable[] = [
  podAnnotationsVariable,
  {
    name: 'namespaceAnnotations',
    expression:
      'namespaceObject != null && has(namespaceObject.metadata.annotations) ? namespaceObject.metadata.annotations : {}',
  },
  // The pod's annotation replaces the namespace's, and an empty one means none.
  {
    name: 'demands',
    expression: `[${INJECTING_ANNOTATIONS.map(quote).join(', ')}].filter(key, key in variables.podAnnotations ? variables.podAnnotations[key] != '' : key in variables.namespaceAnnotations && variables.namespaceAnnotations[key] != '')`,
  },
];

/** Did the webhook review the pod? It writes this on every pod it sees. */
export const isSeen = `${quote(STATUS_ANNOTATION)} in variables.podAnnotations`;

/** Containers of every sort. */
export const containersVariable: Variable = {
  name: 'containers',
  expression: ['containers', 'initContainers', 'ephemeralContainers']
    .map((field) => `(has(object.spec.${field}) ? object.spec.${field} : [])`)
    .join(' + '),
};

/** Is an env value an inline reference that nobody replaced? The short comparison first: it is false for nearly every value. */
export const hasInlineReference = `variables.containers.exists(container, has(container.env) && container.env.exists(entry, has(entry.value) && entry.value.startsWith('latchkey') && (${INLINE_PREFIXES.map((prefix) => `entry.value.startsWith(${quote(prefix)})`).join(' || ')})))`;

/**
 * Does the pod name a Secret in env, envFrom or a volume? Pull secrets do not count: service accounts add them to nearly every pod.
 */
export const namesSecret = [
  `variables.containers.exists(container, has(container.env) && container.env.exists(entry, has(entry.valueFrom) && has(entry.valueFrom.secretKeyRef)))`,
  `variables.containers.exists(container, has(container.envFrom) && container.envFrom.exists(source, has(source.secretRef)))`,
  `has(object.spec.volumes) && object.spec.volumes.exists(volume, has(volume.secret) || has(volume.projected) && has(volume.projected.sources) && volume.projected.sources.exists(source, has(source.secret)))`,
]
  .map((expression) => `(${expression})`)
  .join(' || ');

/** A CEL string literal. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
