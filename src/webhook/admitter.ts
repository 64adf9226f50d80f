import type { AdmissionRequest, AdmissionResponse, PatchOperation } from '../api/admission.ts';
import { INJECTION_LABEL, MIRROR_POD_ANNOTATION } from '../api/keys.ts';
import type { Pod } from '../api/kubernetes.ts';
import { provenanceOperations, withProvenance } from '../core/admission/patch.ts';
import type { Decision, JudgedNeed } from '../core/admission/decision.ts';
import { allowed, asPod, denied } from '../core/admission/review.ts';
import { asLatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import { whereToLook } from '../core/reason-catalogue.ts';
import type { EventRecorder, NeedVerdict, PodVerdict } from '../events/event-recorder.ts';
import type { Logger } from '../ports/logger.ts';
import type { NamespaceLookup } from '../stores/namespace-lookup.ts';
import type { NamespaceSummary, Views } from '../stores/views.ts';
import type { PodReviewer } from './pod-review.ts';

export interface AdmitterOptions {
  readonly namespaces: NamespaceLookup;
  /** Left alone even when they are labelled. */
  readonly reservedNamespaces: readonly string[];
  readonly reviewPod: PodReviewer;
  readonly events: EventRecorder;
  /** By name; what is being judged may be a moment ahead of it. */
  readonly externalSecrets: Views['externalSecrets'];
  readonly logger: Logger;
}

const MOST_WARNINGS = 10;

/** Decides about one request. Never throws: whatever goes wrong becomes a decision. */
export type Admitter = (request: AdmissionRequest, signal: AbortSignal) => Promise<AdmissionResponse>;

export function createAdmitter(options: AdmitterOptions): Admitter {
  return async (request, signal) => {
    try {
      return await admit(request, options, signal);
    } catch (cause) {
      const error = asLatchkeyError(cause);
      const name = podName(request, asPod(request.object));
      const fields = { namespace: request.namespace, pod: name, code: error.code };
      if (error.code === 'Internal') options.logger.error('deciding about a pod failed', fields, cause);
      const sentence = `latchkey: ${describePod(request, name)}: ${error.message} [${error.code}]`;
      const message = `${sentence} ${whereToLook(error.code)}`;
      tell(request, options, { code: error.code, message }, []);
      return denied(request.uid, message);
    }
  };
}

async function admit(
  request: AdmissionRequest,
  options: AdmitterOptions,
  signal: AbortSignal,
): Promise<AdmissionResponse> {
  const { namespaces, reservedNamespaces, reviewPod, logger } = options;
  if (reservedNamespaces.includes(request.namespace ?? '')) return allowed(request.uid, []);
  const namespace = await namespaces.find(request.namespace ?? '', signal);
  const pod = asPod(request.object);
  // Whoever sends it, only opted-in namespaces are acted for: anyone can reach a webhook's Service.
  if (namespace === undefined || !isOptedIn(namespace) || pod === undefined || !isOurs(request, pod)) {
    return allowed(request.uid, []);
  }
  const name = podName(request, pod);
  const review = await reviewPod({
    pod,
    ...(isEphemeral(request) && { oldPod: asPod(request.oldObject) ?? { metadata: {}, spec: {} } }),
    description: describePod(request, name),
    namespace,
    isDryRun: request.dryRun === true,
    signal,
  });
  const { decision, judged } = review;
  const fields = { namespace: request.namespace, pod: name };
  if (decision.allowed) {
    logger.debug('pod admitted', { ...fields, status: decision.status });
    tell(request, options, undefined, judged);
    return admission(request, review.pod, review.operations, decision);
  }
  const { code, warnings, auditAnnotations } = decision;
  logger.info('pod denied', { ...fields, code });
  const message = `${decision.message} ${whereToLook(code)}`;
  tell(request, options, { code, message }, judged);
  return denied(request.uid, message, { warnings: bounded(warnings), auditAnnotations });
}

/** Leaves word for those who look at the workload or the ExternalSecret, and see no answer to the API server. */
function tell(
  request: AdmissionRequest,
  { events, externalSecrets, namespaces }: AdmitterOptions,
  denial: PodVerdict['denial'],
  judged: readonly JudgedNeed[],
): void {
  const { namespace = '', object, dryRun } = request;
  const pod = asPod(object);
  if (pod === undefined || dryRun === true || (denial === undefined && !events.hasTrouble(namespace))) return;
  // Nothing can be written any more where everything is being deleted.
  if (namespaces.known(namespace)?.isTerminating !== false) return;
  const needs = judged.flatMap(({ need, outcome }): readonly NeedVerdict[] => {
    if (outcome.state !== 'fresh' && outcome.state !== 'failed') return [];
    const name = outcome.state === 'fresh' ? outcome.externalSecret : outcome.source?.externalSecret;
    const externalSecret = name === undefined ? undefined : externalSecrets.get({ namespace, name });
    if (externalSecret === undefined) return [];
    if (outcome.state === 'fresh') return [{ externalSecret }];
    return denial === undefined || need.isOptional ? [] : [{ externalSecret, failure: outcome.error }];
  });
  const description = describePod(request, podName(request, pod));
  events.record({ pod, namespace, description, needs, ...(denial && { denial }) });
}

function admission(
  request: AdmissionRequest,
  pod: Pod,
  operations: readonly PatchOperation[],
  { status, versions, warnings, auditAnnotations }: Extract<Decision, { allowed: true }>,
): AdmissionResponse {
  const notes = { warnings: bounded(warnings), auditAnnotations: { ...auditAnnotations, status } };
  // Nothing but ephemeralContainers may change through that subresource, so provenance goes to the audit log only.
  if (isEphemeral(request)) return allowed(request.uid, operations, notes);
  const provenance = provenanceOperations(pod, withProvenance(pod, status, versions));
  return allowed(request.uid, [...operations, ...provenance], notes);
}

/** The API server drops what is more than 4 KiB without a word. */
function bounded(warnings: readonly string[]): readonly string[] {
  if (warnings.length <= MOST_WARNINGS) return warnings;
  const left = warnings.length - MOST_WARNINGS + 1;
  return [
    ...warnings.slice(0, MOST_WARNINGS - 1),
    `latchkey: and ${left} more warnings; latchkey check shows them all`,
  ];
}

export function isOptedIn({ labels }: NamespaceSummary): boolean {
  const value = labels[INJECTION_LABEL];
  return value === 'enabled' || value === 'audit';
}

/** The registration asks for these only; the check is for whoever sends something else. */
function isOurs(request: AdmissionRequest, pod: Pod): boolean {
  const { resource, operation, subResource = '' } = request;
  if (resource.group !== '' || resource.resource !== 'pods' || isExempt(pod)) return false;
  return isEphemeral(request) ? operation === 'UPDATE' : subResource === '' && operation === 'CREATE';
}

function isEphemeral({ subResource }: AdmissionRequest): boolean {
  return subResource === 'ephemeralcontainers';
}

/** Opted out by label, or made by a kubelet from a file. */
export function isExempt({ metadata }: Pod): boolean {
  return (
    metadata.labels?.[INJECTION_LABEL] === 'disabled' || metadata.annotations?.[MIRROR_POD_ANNOTATION] !== undefined
  );
}

function describePod({ namespace = '' }: AdmissionRequest, name: string): string {
  return `pod "${printable(namespace)}/${printable(name)}"`;
}

/** Pods of controllers have no name yet, only the beginning of one. */
function podName({ name }: AdmissionRequest, pod: Pod | undefined): string {
  const metadata = pod?.metadata;
  if (name !== undefined && name !== '') return name;
  if (metadata?.name !== undefined) return metadata.name;
  return metadata?.generateName === undefined ? '?' : `${metadata.generateName}*`;
}
