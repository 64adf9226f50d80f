import type { ExternalSecret, ExternalSecretStatus } from '../../api/external-secrets.ts';
import type { Condition } from '../../api/kubernetes.ts';
import type { LatchkeyError } from '../errors.ts';
import type { SyncRecord } from '../refresh/freshness.ts';
import { targetName } from './target-name.ts';

/** What one attempt to sync came to. */
export type SyncOutcome = SyncRecord | { readonly error: LatchkeyError };

/**
 * The status to merge-patch after an attempt, with upstream's words for what went well and our own sentence for what
 * did not; `undefined` when the status says so already.
 */
export function statusAfter(
  externalSecret: ExternalSecret,
  outcome: SyncOutcome,
  nowMs: number,
): ExternalSecretStatus | undefined {
  const conditions = externalSecret.status?.conditions ?? [];
  const ready = readyCondition(outcome);
  const before = conditions.find(({ type }) => type === 'Ready');
  const isSame = before?.status === ready.status && before.reason === ready.reason && before.message === ready.message;
  if ('error' in outcome && isSame) return undefined;
  const lastTransitionTime = before?.status === ready.status ? before.lastTransitionTime : undefined;
  const next = { ...ready, lastTransitionTime: lastTransitionTime ?? timestamp(nowMs) };
  const others = conditions.filter(({ type }) => type !== 'Ready');
  if ('error' in outcome) return { conditions: [...others, next] };
  return {
    refreshTime: timestamp(outcome.fetchStartedAtMs),
    syncedResourceVersion: outcome.syncedResourceVersion,
    binding: { name: targetName(externalSecret) },
    conditions: [...others, next],
  };
}

function readyCondition(outcome: SyncOutcome): Condition {
  if (!('error' in outcome)) {
    if (outcome.removed !== undefined) {
      const message = 'secret deleted due to DeletionPolicy=Delete';
      return { type: 'Ready', status: 'True', reason: 'SecretDeleted', message };
    }
    return { type: 'Ready', status: 'True', reason: 'SecretSynced', message: 'secret synced' };
  }
  const { conditionReason, message, code } = outcome.error;
  return { type: 'Ready', status: 'False', reason: conditionReason, message: `${message} [${code}]` };
}

/** RFC 3339 in whole seconds, as metav1.Time. Rounded down: a Secret never looks younger than it is. */
function timestamp(ms: number): string {
  return new Date(Math.floor(ms / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
}
