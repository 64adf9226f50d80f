import {
  configMaps,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  type Resource,
} from '../src/api/resources.ts';
import { LatchkeyError } from '../src/core/errors.ts';
import type { Cluster } from '../src/ports/cluster.ts';
import { covers } from './covers.ts';
import {
  baseWebhook,
  begunWebhook,
  CONFIGURATION_NAME,
  type MutatingWebhook,
  type MutatingWebhookConfiguration,
  type Trust,
  trustedWebhook,
  WEBHOOK_NAME,
  type WebhookAddress,
  webhookConfiguration,
} from './mutating-webhook.ts';
import { buildParameters, type FailureMode } from './parameters.ts';
import { buildBindings, buildPolicies } from './policy.ts';
import type { Scope } from './scope.ts';

export interface Registration {
  readonly scope: Scope;
  readonly address: WebhookAddress;
  readonly failureMode: FailureMode;
}

/** Owns everything but the trust; a chart that applies under this name agrees with us. */
export const FIELD_MANAGER = 'latchkey';
/** Owns CA bundle and path (or URL) and nothing else, so that GitOps tools see no drift. */
export const TRUST_FIELD_MANAGER = 'latchkey-ca';

const configurations = mutatingWebhookConfigurations as Resource<MutatingWebhookConfiguration>;

/**
 * Registers everything: parameters, policies, bindings, then the webhook. Its namespace must exist. May be called again at any
 * time; an apply that changes nothing writes nothing.
 *
 * @returns once the API server has shown that it holds the CA bundle and path of `trust`.
 * @throws LatchkeyError the cluster's; `ClusterRejected` when the webhook is registered at the other kind of address.
 */
export async function registerWebhook(
  cluster: Cluster,
  registration: Registration,
  trust: Trust,
  signal: AbortSignal,
): Promise<void> {
  await cluster.apply(configMaps, buildParameters(registration.scope, registration.failureMode), ours(signal));
  await applyPolicies(cluster, registration, signal);
  await applyWebhook(cluster, registration, trust, signal);
}

/**
 * The policies and bindings without their parameters: an operator who deletes the ConfigMap is not contradicted. None in
 * failure mode `strict`, which is for API servers that do not know them.
 */
export async function applyPolicies(
  cluster: Cluster,
  { scope, failureMode }: Pick<Registration, 'scope' | 'failureMode'>,
  signal: AbortSignal,
): Promise<void> {
  if (failureMode === 'strict') return;
  for (const policy of buildPolicies(scope)) await cluster.apply(validatingAdmissionPolicies, policy, ours(signal));
  for (const binding of buildBindings(scope)) {
    await cluster.apply(validatingAdmissionPolicyBindings, binding, ours(signal));
  }
}

/**
 * Applies the webhook in three steps, since the API server accepts none without `clientConfig`: begin it with its trust
 * (no rules yet, and only when it is missing), add all but the trust, then apply the trust alone, which gives up what was
 * only needed to begin.
 */
export async function applyWebhook(
  cluster: Cluster,
  { scope, address, failureMode }: Registration,
  trust: Trust,
  signal: AbortSignal,
): Promise<void> {
  const trusting = { signal, fieldManager: TRUST_FIELD_MANAGER };
  const present = await readConfiguration(cluster, signal);
  assertSameAddressKind(present, address);
  if (webhookOf(present) === undefined) {
    await cluster.apply(configurations, webhookConfiguration(begunWebhook(address, trust)), trusting);
  }
  await cluster.apply(configurations, webhookConfiguration(baseWebhook(scope, address, failureMode)), ours(signal));
  await cluster.apply(configurations, webhookConfiguration(trustedWebhook(address, trust)), trusting);
  if (!isTrusted(await readConfiguration(cluster, signal), address, trust)) {
    throw new LatchkeyError(
      'ClusterUnavailable',
      `somebody else changed the registration of ${WEBHOOK_NAME} meanwhile`,
    );
  }
}

/** Is the webhook registered exactly as wanted, whatever else stands in the configuration? */
export function isRegistered(
  actual: MutatingWebhookConfiguration | undefined,
  { scope, address, failureMode }: Registration,
  trust: Trust,
): boolean {
  return (
    covers(actual?.webhooks ?? [], [baseWebhook(scope, address, failureMode)]) && isTrusted(actual, address, trust)
  );
}

function isTrusted(actual: MutatingWebhookConfiguration | undefined, address: WebhookAddress, trust: Trust): boolean {
  return covers(actual?.webhooks ?? [], [trustedWebhook(address, trust)]);
}

function readConfiguration(cluster: Cluster, signal: AbortSignal): Promise<MutatingWebhookConfiguration | undefined> {
  return cluster.get(configurations, { name: CONFIGURATION_NAME }, { signal });
}

function webhookOf(configuration: MutatingWebhookConfiguration | undefined): MutatingWebhook | undefined {
  return configuration?.webhooks?.find(({ name }) => name === WEBHOOK_NAME);
}

/** A webhook has a URL or a service. Neither field manager can take away the other's half, so a change of kind has to start anew. */
function assertSameAddressKind(present: MutatingWebhookConfiguration | undefined, address: WebhookAddress): void {
  const clientConfig = webhookOf(present)?.clientConfig;
  if (clientConfig === undefined) return;
  const other = 'service' in address ? 'url' : 'service';
  if (clientConfig[other] === undefined) return;
  throw new LatchkeyError(
    'ClusterRejected',
    `the webhook is registered by ${other}; remove that first: kubectl delete mutatingwebhookconfiguration ${CONFIGURATION_NAME}`,
  );
}

function ours(signal: AbortSignal): { signal: AbortSignal; fieldManager: string } {
  return { signal, fieldManager: FIELD_MANAGER };
}
