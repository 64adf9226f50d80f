import {
  annotationVariables,
  containersVariable,
  hasInlineReference,
  isSeen,
  modeVariable,
  namesSecret,
  podAnnotationsVariable,
  quote,
  type Variable,
} from './expressions.ts';
import type { FailureMode } from './parameters.ts';
import { isMirrorPod, isOptedOut, type MatchCondition, type Scope } from './scope.ts';

export interface Validation {
  readonly expression: string;
  readonly message: string;
  // No messageExpression: the API server computes it for every pod, denied or not.
  readonly reason?: 'Forbidden';
}

/** One policy's own part; the rest is the same for all. */
export interface Rule {
  readonly name: string;
  readonly coversOptedOutPods: boolean;
  readonly matchConditions: readonly MatchCondition[];
  readonly variables: readonly Variable[];
  readonly validations: readonly Validation[];
}

/**
 * Denied: a pod that was not seen and would start without what its annotations ask for, and an env value that is an
 * inline reference nobody resolved. One policy for both: the API server turns the pod into CEL's form anew for every
 * policy, once for its match condition and three times for the rest, and that is most of what a policy costs each pod.
 * Nearly every pod was seen and names nothing inline, so it ends at the condition.
 */
export const GUARD_POLICY = 'latchkey-guard';
/** Warned of: a pod that was not seen but names Secrets; the kubelet holds it until they exist. */
export const NOTICE_POLICY = 'latchkey-notice';

/** Match conditions know no variables. */
const isUnseenItself = `!(${isSeen.replace('variables.podAnnotations', `(${podAnnotationsVariable.expression})`)})`;
const inlineItself = hasInlineReference.replace('variables.containers', `(${containersVariable.expression})`);

const denyingModes: readonly FailureMode[] = ['closed', 'closed-all'];

/** The rules, worded for the namespace that Latchkey runs in. */
export function rules(scope: Scope): readonly Rule[] {
  const check = `Check that Latchkey runs: kubectl get pods -n ${scope.namespace}`;
  const unseen = 'Latchkey did not see this pod';
  return [
    {
      name: GUARD_POLICY,
      // An opted-out pod is not looked at by the webhook, so an inline reference would reach the program as a literal.
      coversOptedOutPods: true,
      matchConditions: [{ name: 'unseen-or-inline', expression: `${isUnseenItself} || ${inlineItself}` }],
      variables: [modeVariable, ...annotationVariables, containersVariable],
      validations: [
        {
          expression: `${isSeen} || !${isModeIn(denyingModes)} || size(variables.demands) == 0 || (${isOptedOut}) || (${isMirrorPod})`,
          message: `${unseen}, so it would start without what its annotations, or those of its namespace, ask for. ${check}`,
          reason: 'Forbidden',
        },
        {
          expression: `${isSeen} || !${isModeIn(['closed-all'])} || (${isOptedOut}) || (${isMirrorPod})`,
          message: `${unseen}, and this cluster admits no pod unseen. ${check}`,
          reason: 'Forbidden',
        },
        {
          expression: `!(${hasInlineReference}) || !${isModeIn(denyingModes)} || (${isMirrorPod})`,
          message: `An env value of this pod begins with latchkey:// or latchkey+cluster:// and was not resolved (unseen by Latchkey, or opted out), so the program would get the reference instead of the secret. ${check}`,
          reason: 'Forbidden',
        },
      ],
    },
    {
      name: NOTICE_POLICY,
      coversOptedOutPods: false,
      matchConditions: [{ name: 'unseen', expression: isUnseenItself }],
      variables: [modeVariable, ...annotationVariables, containersVariable],
      validations: [
        {
          expression: `!${isModeIn(['closed'])} || size(variables.demands) > 0 || !(${namesSecret}) || (${isMirrorPod})`,
          message: `${unseen}: the Secrets it names were not refreshed, and it waits for those that do not exist yet. ${check}`,
        },
      ],
    },
  ];
}

function isModeIn(modes: readonly FailureMode[]): string {
  return `(variables.mode in [${modes.map(quote).join(', ')}])`;
}
