import type { LabelSelector } from '../src/api/external-secrets.ts';
import { INJECTION_LABEL, MIRROR_POD_ANNOTATION } from '../src/api/keys.ts';

/**
 * Which pods are Latchkey's business. The one source: the webhook's selectors and the policies' are both made from it, so
 * that a policy never denies a pod that the webhook is not called for.
 */
export interface Scope {
  /** Latchkey's own namespace. */
  readonly namespace: string;
  /** Namespaces that the operator takes out, labelled or not. */
  readonly excludedNamespaces: readonly string[];
}

/** CEL over the admission request; a pod is looked at when it yields true. */
export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

export interface ScopeSelectors {
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  readonly matchConditions: readonly MatchCondition[];
}

/** Values of the namespace label that opt in; `audit` never denies. */
export const OPT_IN = { enabled: 'enabled', audit: 'audit' } as const;
/** Value of the pod label that opts out. */
export const OPT_OUT = 'disabled';

const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease'];

/** Namespaces that are never looked at: the cluster's own, Latchkey's, and the operator's choice. Sorted, each once. */
export function reservedNamespaces(scope: Scope): readonly string[] {
  return [...new Set([...systemNamespaces, scope.namespace, ...scope.excludedNamespaces])].toSorted();
}

/** The scope in the words of the API server's admission configuration. */
export function scopeSelectors(scope: Scope): ScopeSelectors {
  return {
    namespaceSelector: {
      matchExpressions: [
        { key: INJECTION_LABEL, operator: 'In', values: Object.values(OPT_IN) },
        // Set by the API server on every namespace; nobody can change it.
        { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: reservedNamespaces(scope) },
      ],
    },
    objectSelector: { matchExpressions: [{ key: INJECTION_LABEL, operator: 'NotIn', values: [OPT_OUT] }] },
    matchConditions: [notMirrorPod],
  };
}

/** CEL, total: it has an answer for every object, so that no error ever decides. */
export const isMirrorPod = `has(object.metadata.annotations) && '${MIRROR_POD_ANNOTATION}' in object.metadata.annotations`;

/** CEL for what `objectSelector` leaves out, where a policy has to look at those pods too. */
export const isOptedOut = `has(object.metadata.labels) && '${INJECTION_LABEL}' in object.metadata.labels && object.metadata.labels['${INJECTION_LABEL}'] == '${OPT_OUT}'`;

// A webhook whose condition is false in the first round is not called again at reinvocation, so nothing that another
// webhook may change can stand here.
const notMirrorPod: MatchCondition = { name: 'not-a-mirror-pod', expression: `!(${isMirrorPod})` };
