import type { ConfigMap } from '../src/api/kubernetes.ts';
import type { Scope } from './scope.ts';

/**
 * What happens to pods that the webhook did not see:
 * `closed` denied when they would start wrong, otherwise admitted with a warning;
 * `closed-all` all denied; `open` all admitted;
 * `strict` all denied by the webhook's own failurePolicy, for clusters before 1.30, which have no admission policies.
 */
export const FAILURE_MODES = ['closed', 'closed-all', 'open', 'strict'] as const;
export type FailureMode = (typeof FAILURE_MODES)[number];

export const PARAMETERS_NAME = 'latchkey';
export const FAILURE_MODE_KEY = 'failure-mode';

/** The ConfigMap that the policies read. Without it they judge nothing. */
export function buildParameters(scope: Scope, failureMode: FailureMode): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: PARAMETERS_NAME, namespace: scope.namespace },
    data: { [FAILURE_MODE_KEY]: failureMode },
  };
}
