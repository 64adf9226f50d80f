import { decodeReview, encodeReview } from '../core/admission/review.ts';
import type { AdmissionReview } from '../api/admission.ts';
import { parseDurationMs } from '../core/duration.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Admitter } from './admitter.ts';

/** The API server's default, used when the query names no timeout. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** Kept back for the answer's way home; the API server rounds the timeout it sends *up* to a whole second. */
const RESERVE_MS = 1_250;
const SHORTEST_DEADLINE_MS = 250;

export type MutateHandler = (body: string, timeout: string | undefined) => Promise<AdmissionReview>;

/** AdmissionReview text in, AdmissionReview out, within the time the API server gives. @throws NotAnAdmissionReview */
export function createMutateHandler(admit: Admitter, metrics: Metrics): MutateHandler {
  return async (body, timeout) => {
    const startedAtMs = performance.now();
    const seconds = (): number => (performance.now() - startedAtMs) / 1_000;
    // Not AbortSignal.timeout: that fires, seconds later, for every request that was answered in time, too.
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), deadlineMs(timeout));
    try {
      const request = decodeReview(body);
      const response = await admit(request, deadline.signal);
      metrics.admission(response.allowed ? 'allowed' : 'denied', seconds());
      return encodeReview(response);
    } catch (error) {
      metrics.admission('error', seconds());
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Time for the work, from the `timeout` query that the API server sends (`10s`). */
export function deadlineMs(timeout: string | undefined): number {
  const given = timeout === undefined ? undefined : parseDurationMs(timeout);
  const timeoutMs = given === undefined || given <= 0 ? DEFAULT_TIMEOUT_MS : Math.min(given, 30_000);
  return Math.max(timeoutMs - RESERVE_MS, SHORTEST_DEADLINE_MS);
}
