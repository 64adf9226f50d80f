import type { LabelSelector } from '../src/api/external-secrets.ts';
import type { KubernetesObject } from '../src/api/kubernetes.ts';
import { BREAK_GLASS_LABEL, INJECTION_LABEL } from '../src/api/keys.ts';
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from '../src/api/resources.ts';
import { quote, type Variable } from './expressions.ts';
import { FAILURE_MODE_KEY, type FailureMode, PARAMETERS_NAME } from './parameters.ts';
import { INLINE_POLICY, NOTICE_POLICY, type Rule, rules, UNSEEN_POLICY, type Validation } from './rules.ts';
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
    ...[UNSEEN_POLICY, INLINE_POLICY].flatMap((name) => [
      binding(name, name, 'Deny', denying, scope),
      binding(`${name}-audit`, name, 'Warn', optIn(OPT_IN.audit), scope),
    ]),
    binding(NOTICE_POLICY, NOTICE_POLICY, 'Warn', {}, scope),
  ];
}

function policy(rule: Rule, scope: Scope): ValidatingAdmissionPolicy {
  const { namespaceSelector, objectSelector, matchConditions } = scopeSelectors(scope);
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
      matchConditions: [...matchConditions, failureModeIn(rule.modes)],
      variables: rule.variables,
      validations: [rule.validation],
    },
  };
}

/** The mode is data and not shape: it changes without a new policy, and a ConfigMap of other content switches all off. */
function failureModeIn(modes: readonly FailureMode[]): MatchCondition {
  const key = quote(FAILURE_MODE_KEY);
  const known = `params != null && has(params.data) && ${key} in params.data`;
  return { name: 'failure-mode', expression: `${known} && params.data[${key}] in [${modes.map(quote).join(', ')}]` };
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
