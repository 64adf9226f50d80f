import type { KubernetesObject } from '../src/api/kubernetes.ts';
import { baseWebhook, type WebhookAddress, webhookConfiguration } from './mutating-webhook.ts';
import { buildParameters, type FailureMode } from './parameters.ts';
import { buildBindings, buildPolicies } from './policy.ts';
import type { Scope } from './scope.ts';

export interface ManifestOptions {
  readonly scope: Scope;
  readonly address: Extract<WebhookAddress, { readonly service: unknown }>;
  readonly failureMode: FailureMode;
}

/**
 * Everything that is registered, as a chart or `kubectl apply` would: without CA bundle and path, which the running
 * Latchkey adds under a field manager of its own.
 */
export function buildManifests(options: ManifestOptions): readonly KubernetesObject[] {
  return [
    buildParameters(options.scope, options.failureMode),
    ...buildPolicies(options.scope),
    ...buildBindings(options.scope),
    webhookConfiguration(baseWebhook(options.scope, options.address, options.failureMode)),
  ];
}
