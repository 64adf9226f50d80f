import type { AdmissionRequest, AdmissionResponse } from '../api/admission.ts';
import { INJECTION_LABEL, MIRROR_POD_ANNOTATION } from '../api/keys.ts';
import type { Pod } from '../api/kubernetes.ts';
import { provenanceOperations, withProvenance } from '../core/admission/patch.ts';
import { allowed, asPod, denied } from '../core/admission/review.ts';
import { asLatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import type { Logger } from '../ports/logger.ts';
import type { NamespaceLookup } from '../stores/namespace-lookup.ts';
import type { NamespaceSummary } from '../stores/views.ts';
import type { PodReview, PodReviewer } from './pod-review.ts';

export interface AdmitterOptions {
  readonly namespaces: NamespaceLookup;
  readonly reviewPod: PodReviewer;
  readonly logger: Logger;
}

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
      return denied(request.uid, `latchkey: ${describePod(request, name)}: ${error.message} [${error.code}]`);
    }
  };
}

async function admit(
  request: AdmissionRequest,
  { namespaces, reviewPod, logger }: AdmitterOptions,
  signal: AbortSignal,
): Promise<AdmissionResponse> {
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
  const { decision } = review;
  const { namespace: namespaceName } = request;
  if (decision.allowed) logger.debug('pod admitted', { namespace: namespaceName, pod: name, status: decision.status });
  else logger.info('pod denied', { namespace: namespaceName, pod: name, code: decision.code });
  return answer(request, review);
}

function answer(request: AdmissionRequest, { pod, operations, decision }: PodReview): AdmissionResponse {
  const { warnings, auditAnnotations } = decision;
  if (!decision.allowed) return denied(request.uid, decision.message, { warnings, auditAnnotations });
  const notes = { warnings, auditAnnotations: { ...auditAnnotations, status: decision.status } };
  // Nothing but ephemeralContainers may change through that subresource, so provenance goes to the audit log only.
  if (isEphemeral(request)) return allowed(request.uid, operations, notes);
  const provenance = provenanceOperations(pod, withProvenance(pod, decision.status, decision.versions));
  return allowed(request.uid, [...operations, ...provenance], notes);
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
