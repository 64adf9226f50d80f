import {
  annotationVariables,
  containersVariable,
  hasInlineReference,
  isSeen,
  namesSecret,
  quote,
  type Variable,
} from './expressions.ts';
import { FAILURE_MODE_KEY, type FailureMode } from './parameters.ts';
import type { Scope } from './scope.ts';

export interface Validation {
  readonly expression: string;
  readonly message: string;
  readonly messageExpression?: string;
  readonly reason?: 'Forbidden';
}

/** One policy's own part; the rest is the same for all. */
export interface Rule {
  readonly name: string;
  /** Failure modes in which it holds. */
  readonly modes: readonly FailureMode[];
  readonly coversOptedOutPods: boolean;
  readonly variables: readonly Variable[];
  readonly validation: Validation;
}

/** Denied: a pod that was not seen and would start without what its annotations ask for. */
export const UNSEEN_POLICY = 'latchkey-unseen';
/** Denied: an env value that is an inline reference nobody resolved. */
export const INLINE_POLICY = 'latchkey-inline';
/** Warned of: a pod that was not seen but names Secrets; the kubelet holds it until they exist. */
export const NOTICE_POLICY = 'latchkey-notice';

/** The three rules, worded for the namespace that Latchkey runs in. */
export function rules(scope: Scope): readonly Rule[] {
  const check = `Check that Latchkey runs: kubectl get pods -n ${scope.namespace}`;
  const unseen = 'Latchkey did not see this pod';
  return [
    {
      name: UNSEEN_POLICY,
      modes: ['closed', 'closed-all'],
      coversOptedOutPods: false,
      variables: annotationVariables,
      validation: {
        expression: `${isSeen} || (size(variables.demands) == 0 && params.data[${quote(FAILURE_MODE_KEY)}] != 'closed-all')`,
        message: `${unseen}, so it would start without its secrets. ${check}`,
        messageExpression: `size(variables.demands) == 0 ? ${quote(`${unseen}, and this cluster admits no pod unseen. ${check}`)} : ${quote(`${unseen}, so it would start without what it or its namespace asks for with `)} + variables.demands.join(', ') + ${quote(`. ${check}`)}`,
        reason: 'Forbidden',
      },
    },
    {
      name: INLINE_POLICY,
      modes: ['closed', 'closed-all'],
      // An opted-out pod is not looked at by the webhook, so the reference would reach the program as a literal.
      coversOptedOutPods: true,
      variables: [containersVariable],
      validation: {
        expression: `!(${hasInlineReference})`,
        message: `An env value of this pod begins with latchkey:// or latchkey+cluster:// and was not resolved (unseen by Latchkey, or opted out), so the program would get the reference instead of the secret. ${check}`,
        reason: 'Forbidden',
      },
    },
    {
      name: NOTICE_POLICY,
      modes: ['closed'],
      coversOptedOutPods: false,
      variables: [...annotationVariables, containersVariable],
      validation: {
        expression: `${isSeen} || size(variables.demands) > 0 || !(${namesSecret})`,
        message: `${unseen}: the Secrets it names were not refreshed, and it waits for those that do not exist yet. ${check}`,
      },
    },
  ];
}
