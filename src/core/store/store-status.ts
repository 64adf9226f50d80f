import type { SecretStore, StoreStatus } from '../../api/external-secrets.ts';
import type { Condition } from '../../api/kubernetes.ts';
import { parseDurationMs, timestamp } from '../duration.ts';
import { LatchkeyError } from '../errors.ts';

/** What a look at a store came to. `unknown`: its credentials come from the namespace of whoever uses it. */
export type StoreVerdict = 'valid' | 'unknown' | { readonly error: LatchkeyError };

/** How often a store is looked at that does not say. */
const DEFAULT_REFRESH_INTERVAL_MS = 300_000;
/** Each look is a call to the backend. */
const SHORTEST_REFRESH_INTERVAL_MS = 10_000;

/**
 * How often a store is to be looked at, ms: `spec.refreshInterval` in seconds or as a Go duration; unset and 0 = the default,
 * and never less than 10 s.
 * @throws LatchkeyError `InvalidProviderConfig`
 */
export function storeRefreshIntervalMs({ spec: { refreshInterval = 0 } }: SecretStore): number {
  const intervalMs = typeof refreshInterval === 'number' ? refreshInterval * 1_000 : parseDurationMs(refreshInterval);
  if (intervalMs === undefined || intervalMs < 0) {
    throw new LatchkeyError(
      'InvalidProviderConfig',
      'spec.refreshInterval is neither seconds nor a duration such as 5m',
    );
  }
  return intervalMs === 0 ? DEFAULT_REFRESH_INTERVAL_MS : Math.max(intervalMs, SHORTEST_REFRESH_INTERVAL_MS);
}

/** The status to merge-patch after a look at a store, in upstream's words; `undefined` when it says so already. */
export function storeStatusAfter(
  { status }: SecretStore,
  verdict: StoreVerdict,
  nowMs: number,
): StoreStatus | undefined {
  const ready = readyCondition(verdict);
  const conditions = status?.conditions ?? [];
  const before = conditions.find(({ type }) => type === 'Ready');
  if (before?.status === ready.status && before.reason === ready.reason && before.message === ready.message) {
    return undefined;
  }
  const lastTransitionTime = before?.status === ready.status ? before.lastTransitionTime : undefined;
  return {
    ...(typeof verdict === 'string' && { capabilities: 'ReadOnly' }),
    conditions: [
      ...conditions.filter(({ type }) => type !== 'Ready'),
      { ...ready, lastTransitionTime: lastTransitionTime ?? timestamp(nowMs) },
    ],
  };
}

function readyCondition(verdict: StoreVerdict): Condition {
  if (verdict === 'valid') return { type: 'Ready', status: 'True', reason: 'Valid', message: 'store validated' };
  if (verdict === 'unknown') {
    const message = 'could not determine validation status: credentials come from the namespace of each ExternalSecret';
    return { type: 'Ready', status: 'True', reason: 'ValidationUnknown', message };
  }
  const { message, code } = verdict.error;
  return { type: 'Ready', status: 'False', reason: 'InvalidProviderConfig', message: `${message} [${code}]` };
}
