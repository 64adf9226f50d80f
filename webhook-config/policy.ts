import type { LabelSelector } from '../src/api/external-secrets.ts';
import type { KubernetesObject } from '../src/api/kubernetes.ts';
import { BREAK_GLASS_LABEL, INJECTION_LABEL } from '../src/api/keys.ts';
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from '../src/api/resources.ts';
import type { Variable } from './expressions.ts';
import { PARAMETERS_NAME } from './parameters.ts';
import { GUARD_POLICY, NOTICE_POLICY, type Rule, rules, type Validation } from './rules.ts';
import { type MatchCondition, OPT_IN, type Scope, scopeSelectors } from './scope.ts';

export interface ValidatingAdmissionPolicy extends KubernetesObject {
  readonly spec: {
    readonly failurePolicy: 'Ignore';
    readonly paramKind: { readonly apiVersion: string; readonly kind: string };
    readonly matchConstraints: {
      readonly matchPolicy: 'Equivalent';
      readonly resourceRules: readonly object[];
      readonly namespaceSelector: LabelSelector;
      readonly objectSelector?: LabelSelector;
    };
    readonly matchConditions: readonly MatchCondition[];
    readonly variables: readonly Variable[];
    readonly validations: readonly Validation[];
  };
}

export interface ValidatingAdmissionPolicyBinding extends KubernetesObject {
  readonly spec: {
    readonly policyName: string;
    readonly validationActions: readonly ('Deny' | 'Warn')[];
    readonly paramRef: { readonly name: string; readonly namespace: string; readonly parameterNotFoundAction: 'Allow' };
    readonly matchResources: { readonly namespaceSelector: LabelSelector };
  };
}

/** What the API server judges by itself, with Latchkey dead or alive: pods at CREATE, in opted-in namespaces only. */
export function buildPolicies(scope: Scope): readonly ValidatingAdmissionPolicy[] {
  return rules(scope).map((rule) => policy(rule, scope));
}

/**
 * Where the policies deny and where they only warn. `audit` namespaces are never denied; break-glass lifts denial without a
 * word from any process of ours.
 */
export function buildBindings(scope: Scope): readonly ValidatingAdmissionPolicyBinding[] {
  const optIn = (value: string): LabelSelector => ({ matchLabels: { [INJECTION_LABEL]: value } });
  const denying: LabelSelector = {
    ...optIn(OPT_IN.enabled),
    matchExpressions: [{ key: BREAK_GLASS_LABEL, operator: 'DoesNotExist' }],
  };
  return [
    binding(GUARD_POLICY, GUARD_POLICY, 'Deny', denying, scope),
    binding(`${GUARD_POLICY}-audit`, GUARD_POLICY, 'Warn', optIn(OPT_IN.audit), scope),
    binding(NOTICE_POLICY, NOTICE_POLICY, 'Warn', {}, scope),
  ];
}

function policy(rule: Rule, scope: Scope): ValidatingAdmissionPolicy {
  const { namespaceSelector, objectSelector } = scopeSelectors(scope);
  const resource = { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' };
  return {
    ...typeOf(validatingAdmissionPolicies),
    metadata: { name: rule.name },
    spec: {
      // What cannot be judged is admitted. Under `Fail` an API server that cannot compile an expression, read ConfigMaps or stay
      // within the cost limit would refuse every pod of every opted-in namespace, and this policy is an interlock for outages,
      // not a boundary: who may create pods can forge the status it looks for anyway.
      failurePolicy: 'Ignore',
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints: {
        matchPolicy: 'Equivalent',
        resourceRules: [{ ...resource, operations: ['CREATE'] }],
        namespaceSelector,
        ...(rule.coversOptedOutPods ? {} : { objectSelector }),
      },
      matchConditions: rule.matchConditions,
      variables: rule.variables,
      validations: rule.validations,
    },
  };
}

function binding(
  name: string,
  policyName: string,
  action: 'Deny' | 'Warn',
  namespaceSelector: LabelSelector,
  scope: Scope,
): ValidatingAdmissionPolicyBinding {
  return {
    ...typeOf(validatingAdmissionPolicyBindings),
    metadata: { name },
    spec: {
      policyName,
      validationActions: [action],
      // Deleting Latchkey's namespace deletes the ConfigMap, and with it every denial.
      paramRef: { name: PARAMETERS_NAME, namespace: scope.namespace, parameterNotFoundAction: 'Allow' },
      matchResources: { namespaceSelector },
    },
  };
}

function typeOf({ apiVersion, kind }: { apiVersion: string; kind: string }): { apiVersion: string; kind: string } {
  return { apiVersion, kind };
}
