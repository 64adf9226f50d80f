import type { AdmissionRequest, AdmissionResponse, AdmissionReview, PatchOperation } from '../../api/admission.ts';
import type { Pod } from '../../api/kubernetes.ts';

/** Why a body is no AdmissionReview; the caller answers 400 with it. */
export class NotAnAdmissionReview extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotAnAdmissionReview';
  }
}

/**
 * Reads `admission.k8s.io/v1`. Only the envelope is judged here: the pod inside stays raw JSON.
 * @throws NotAnAdmissionReview with one sentence that names the field, never its content.
 */
export function decodeReview(body: string): AdmissionRequest {
  const review = parseObject(body);
  if (review['kind'] !== 'AdmissionReview' || review['apiVersion'] !== 'admission.k8s.io/v1') {
    throw new NotAnAdmissionReview('the body is not an AdmissionReview of admission.k8s.io/v1');
  }
  const request = review['request'];
  if (!isObject(request)) throw new NotAnAdmissionReview('the AdmissionReview has no request');
  for (const field of ['uid', 'operation'] as const) {
    if (typeof request[field] !== 'string' || request[field] === '') {
      throw new NotAnAdmissionReview(`request.${field} of the AdmissionReview is missing`);
    }
  }
  if (!isObject(request['resource']) || !isObject(request['kind'])) {
    throw new NotAnAdmissionReview('request.kind or request.resource of the AdmissionReview is missing');
  }
  return request as unknown as AdmissionRequest;
}

/** The pod of a request, or undefined when the object is none. */
export function asPod(object: unknown): Pod | undefined {
  if (!isObject(object) || !isObject(object['spec'])) return undefined;
  const metadata = object['metadata'];
  if (!isObject(metadata) || !isTextMap(metadata['annotations']) || !isTextMap(metadata['labels'])) return undefined;
  return object as unknown as Pod;
}

export function encodeReview(response: AdmissionResponse): AdmissionReview {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
}

interface Notes {
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

export function allowed(uid: string, patch: readonly PatchOperation[], notes: Notes = {}): AdmissionResponse {
  const patched =
    patch.length === 0
      ? {}
      : { patchType: 'JSONPatch' as const, patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
  return { uid, allowed: true, ...patched, ...notesOf(notes) };
}

/** 403, always: client-go retries 429 and 5xx inside the caller, which would hide the sentence. */
export function denied(uid: string, message: string, notes: Notes = {}): AdmissionResponse {
  return { uid, allowed: false, status: { code: 403, reason: 'Forbidden', message }, ...notesOf(notes) };
}

function notesOf({ warnings = [], auditAnnotations = {} }: Notes): Notes {
  return {
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(Object.keys(auditAnnotations).length === 0 ? {} : { auditAnnotations }),
  };
}

function parseObject(body: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // V8's message quotes the text around the mistake, which may be a value.
    throw new NotAnAdmissionReview('the body is not JSON');
  }
  if (!isObject(parsed)) throw new NotAnAdmissionReview('the body is not a JSON object');
  return parsed;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextMap(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string');
}
