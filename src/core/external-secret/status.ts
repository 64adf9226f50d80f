import type { ExternalSecret, ExternalSecretStatus } from '../../api/external-secrets.ts';
import type { Condition } from '../../api/kubernetes.ts';
import { timestamp } from '../duration.ts';
import type { LatchkeyError } from '../errors.ts';
import type { SyncRecord, Unwritten } from '../refresh/freshness.ts';
import { targetName } from './target-name.ts';

const RETAINED = 'secret retained due to DeletionPolicy=Retain';

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
    ...(outcome.unwritten === undefined && { binding: { name: targetName(externalSecret) } }),
    conditions: [...others, next],
  };
}

function readyCondition(outcome: SyncOutcome): Condition {
  if (!('error' in outcome)) return { type: 'Ready', status: 'True', ...synced(outcome) };
  const { conditionReason, message, code } = outcome.error;
  return { type: 'Ready', status: 'False', reason: conditionReason, message: `${message} [${code}]` };
}

/** Upstream's words. */
function synced({ removed, unwritten }: SyncRecord): Pick<Condition, 'reason' | 'message'> {
  if (removed !== undefined) {
    return { reason: 'SecretDeleted', message: 'secret deleted due to DeletionPolicy=Delete' };
  }
  if (unwritten === 'no-target') {
    return { reason: 'SecretMissing', message: 'secret will not be created due to CreationPolicy=Merge' };
  }
  if (unwritten === 'retained') return { reason: 'SecretSynced', message: RETAINED };
  return { reason: 'SecretSynced', message: 'secret synced' };
}

/** Why there need be no Secret, as the status tells it: what {@link statusAfter} has written, read back. */
export function absenceIn({ spec, status }: ExternalSecret): 'removed' | Unwritten | undefined {
  if (spec.target?.creationPolicy === 'None') return 'not-wanted';
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (ready.reason === 'SecretDeleted') return 'removed';
  if (ready.reason === 'SecretMissing') return 'no-target';
  return ready.message === RETAINED ? 'retained' : undefined;
}
