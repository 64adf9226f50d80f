import type { KubernetesObject } from '../src/api/kubernetes.ts';
import { mutatingWebhookConfigurations } from '../src/api/resources.ts';
import type { FailureMode } from './parameters.ts';
import { type Scope, scopeSelectors } from './scope.ts';

/** Name of the configuration, and of everything else that exists once. */
export const CONFIGURATION_NAME = 'latchkey';
/** Name of the one webhook in it; the key by which field managers share the list. */
export const WEBHOOK_NAME = 'pods.latchkey.dev';

/** How the API server finds the webhook. */
export type WebhookAddress =
  | { readonly service: { readonly namespace: string; readonly name: string; readonly port: number } }
  /** Scheme, host and port, for example `https://127.0.0.1:8443`; the path comes with the {@link Trust}. */
  | { readonly baseUrl: string };

/** What changes with the certificates. */
export interface Trust {
  readonly caBundlePem: string;
  /** Path of the webhook's handler, with the secret segment and a leading slash. */
  readonly path: string;
}

export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly port?: number;
    readonly path?: string;
  };
  /** Base64 of PEM. */
  readonly caBundle?: string;
}

export interface MutatingWebhook {
  readonly name: string;
  readonly clientConfig?: WebhookClientConfig;
  readonly [field: string]: unknown;
}

export interface MutatingWebhookConfiguration extends KubernetesObject {
  readonly webhooks?: readonly MutatingWebhook[];
}

/** Seconds the API server waits. The answer is sent well before, whatever happens behind it. */
const timeoutSeconds = 8;

/** Required of every webhook by the API server, also of one that is only begun. */
const requiredFields = {
  admissionReviewVersions: ['v1'],
  // On dryRun nothing is fetched or written.
  sideEffects: 'NoneOnDryRun',
};

/**
 * The webhook without what {@link trustedWebhook} adds: the part that a chart may own. For a URL there is no
 * `clientConfig` at all, since the URL contains the path.
 */
export function baseWebhook(scope: Scope, address: WebhookAddress, failureMode: FailureMode): MutatingWebhook {
  return {
    name: WEBHOOK_NAME,
    ...requiredFields,
    ...('service' in address ? { clientConfig: { service: address.service } } : {}),
    // Without Latchkey pods start as written; what would start wrong is denied by the policies.
    failurePolicy: failureMode === 'strict' ? 'Fail' : 'Ignore',
    // Containers that later webhooks add get their secrets too.
    reinvocationPolicy: 'IfNeeded',
    matchPolicy: 'Equivalent',
    timeoutSeconds,
    rules: [
      podRule('CREATE', 'pods'),
      // Ephemeral containers cannot come with a new pod.
      podRule('UPDATE', 'pods/ephemeralcontainers'),
    ],
    ...scopeSelectors(scope),
  };
}

/** The CA bundle and the path, the only fields of their field manager. */
export function trustedWebhook(address: WebhookAddress, trust: Trust): MutatingWebhook {
  const caBundle = Buffer.from(trust.caBundlePem).toString('base64');
  if ('service' in address) {
    return { name: WEBHOOK_NAME, clientConfig: { service: { path: trust.path }, caBundle } };
  }
  return { name: WEBHOOK_NAME, clientConfig: { url: new URL(trust.path, address.baseUrl).href, caBundle } };
}

/** The least that the API server accepts as a new webhook; it has no rules, so nothing is sent to it yet. */
export function begunWebhook(address: WebhookAddress, trust: Trust): MutatingWebhook {
  const { clientConfig } = trustedWebhook(address, trust);
  const service = 'service' in address ? { service: { ...address.service, path: trust.path } } : {};
  return { name: WEBHOOK_NAME, ...requiredFields, clientConfig: { ...clientConfig, ...service } };
}

export function webhookConfiguration(webhook: MutatingWebhook): MutatingWebhookConfiguration {
  const { apiVersion, kind } = mutatingWebhookConfigurations;
  return { apiVersion, kind, metadata: { name: CONFIGURATION_NAME }, webhooks: [webhook] };
}

function podRule(operation: string, resource: string): object {
  return { apiGroups: [''], apiVersions: ['v1'], operations: [operation], resources: [resource], scope: 'Namespaced' };
}
