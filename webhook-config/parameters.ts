import type { KubernetesObject } from '../src/api/kubernetes.ts';
import type { Resource } from '../src/api/resources.ts';
import type { Scope } from './scope.ts';

/**
 * What happens to pods that the webhook did not see:
 * `closed` denied when they would start wrong, otherwise admitted with a warning;
 * `closed-all` all denied; `open` all admitted.
 */
export type FailureMode = 'open' | 'closed' | 'closed-all';

export interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

export const configMaps: Resource<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  isNamespaced: true,
};

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
