import type { ExternalSecret } from '../../api/external-secrets.ts';
import { absenceIn } from '../external-secret/status.ts';
import { createdByOf, isOwning } from '../target/build-secret.ts';
import { syncedResourceVersion } from '../target/object-hash.ts';
import type { SecretSummary } from '../target/secret-summary.ts';
import { ageLimitMs, refreshIntervalMs, type SyncRecord } from './freshness.ts';
import { jitter } from './jitter.ts';
import { mayRefreshFrom } from './sync-windows.ts';

/**
 * Why an ExternalSecret is to be synced: it never was; its spec, labels or annotations changed; its Secret is missing or was
 * changed; what it depends on changed; its interval passes. `restored`: the Secret came back from a backup or its status was
 * lost, and the two only have to be joined again.
 */
export type Cause = 'new' | 'changed' | 'broken' | 'restored' | 'outdated' | 'aged';

/** Milliseconds since the epoch; Infinity = when something changes. */
export interface Due {
  readonly atMs: number;
  readonly cause: Cause;
}

export interface ScheduleQuestion {
  readonly externalSecret: ExternalSecret;
  readonly secret: SecretSummary | undefined;
  readonly lastSync: SyncRecord | undefined;
  /** Since when a sync has to have started to count, because a store or credential changed then. */
  readonly outdatedSinceMs?: number;
  readonly nowMs: number;
}

/** Whoever changes a Secret over and over, such as another controller, gets it repaired no more often than this. */
const REPAIR_SPACING_MS = 2_000;
/** A Secret that policy Merge adds keys to is looked for so often: nobody tells when one comes into being. */
const TARGET_AWAITED_MS = 60_000;

/**
 * When a controller is to sync an ExternalSecret next, by upstream's rules: a restart changes nothing, since the status says
 * when it was done last.
 */
export function nextSync(question: ScheduleQuestion): Due {
  const { externalSecret, outdatedSinceMs = -Infinity, nowMs } = question;
  const { refreshPolicy, syncWindows } = externalSecret.spec;
  if (isRestored(question)) return { atMs: nowMs, cause: 'restored' };
  const syncedAtMs = lastSyncedAtMs(question);
  if (syncedAtMs === undefined) return { atMs: nowMs, cause: 'new' };
  if (isBroken(question)) {
    return { atMs: Math.max(nowMs, repairedAtMs(question) + REPAIR_SPACING_MS), cause: 'broken' };
  }
  const isPeriodic = refreshPolicy !== 'OnChange';
  if (refreshPolicy === 'CreatedOnce' || (isPeriodic && refreshIntervalMs(externalSecret) <= 0)) {
    return { atMs: Infinity, cause: 'aged' };
  }
  if (!isOfThisSpec(question)) return { atMs: nowMs, cause: 'changed' };
  if (syncedAtMs < outdatedSinceMs) return { atMs: nowMs, cause: 'outdated' };
  const dueAtMs = syncedAtMs + waitOf(question);
  if (syncWindows === undefined || dueAtMs === Infinity) return { atMs: dueAtMs, cause: 'aged' };
  const openAtMs = mayRefreshFrom(syncWindows, Math.max(dueAtMs, nowMs));
  // Held up until now, it is as late as it would be without windows: a window that opens lets nobody rush in.
  return { atMs: openAtMs === nowMs ? dueAtMs : openAtMs, cause: 'aged' };
}

/** Start of the last successful fetch as far as anybody knows; a time that is yet to come is no time. */
function lastSyncedAtMs({ externalSecret, lastSync, nowMs }: ScheduleQuestion): number | undefined {
  const known = [Date.parse(externalSecret.status?.refreshTime ?? ''), lastSync?.fetchStartedAtMs ?? Number.NaN];
  const past = known.filter((ms) => ms <= nowMs);
  return past.length === 0 ? undefined : Math.max(...past);
}

function waitOf(question: ScheduleQuestion): number {
  const { externalSecret } = question;
  const limitMs = ageLimitMs(externalSecret, undefined);
  const isAwaiting = absenceOf(question) === 'no-target' && question.secret === undefined;
  // A little early, so that in steady state no pod finds its Secret too old.
  return (isAwaiting ? Math.min(limitMs, TARGET_AWAITED_MS) : limitMs) * jitter(externalSecret.metadata.uid ?? '');
}

function isOfThisSpec({ externalSecret, lastSync }: ScheduleQuestion): boolean {
  const made = [lastSync?.syncedResourceVersion, externalSecret.status?.syncedResourceVersion];
  return made.includes(syncedResourceVersion(externalSecret.metadata));
}

/** Is the Secret not what the last sync left? */
function isBroken(question: ScheduleQuestion): boolean {
  const { externalSecret, secret, lastSync } = question;
  // The cache hears of a deletion a little later.
  if (secret === undefined || secret.uid === lastSync?.removed?.uid) return absenceOf(question) === undefined;
  if (!secret.isManaged || !secret.isIntact) return true;
  return isOwning(externalSecret) && secret.controllerUid !== externalSecret.metadata.uid;
}

function repairedAtMs({ externalSecret, lastSync }: ScheduleQuestion): number {
  const isOfThisSpec = lastSync?.syncedResourceVersion === syncedResourceVersion(externalSecret.metadata);
  return isOfThisSpec ? lastSync.fetchStartedAtMs : -Infinity;
}

/** Why there need be no Secret. */
function absenceOf({ externalSecret, lastSync }: ScheduleQuestion): ReturnType<typeof absenceIn> {
  // Another replica may have synced it since.
  const isNewest = !(Date.parse(externalSecret.status?.refreshTime ?? '') > (lastSync?.fetchStartedAtMs ?? -Infinity));
  if (isNewest && lastSync?.removed !== undefined) return 'removed';
  return (isNewest ? lastSync?.unwritten : undefined) ?? absenceIn(externalSecret);
}

/**
 * Is the Secret this ExternalSecret's, with nothing but the bond between them lost? Either it came from a backup and names an
 * owner that is no more, or the status was never written. One that a controller wrote in this cluster for an owner that is no
 * more is another matter: that owner was replaced, and its successor may want something else.
 */
function isRestored({ externalSecret, secret, lastSync }: ScheduleQuestion): boolean {
  const { metadata, status } = externalSecret;
  if (secret === undefined || lastSync !== undefined || !secret.isManaged || !secret.isIntact) return false;
  if (!isOwning(externalSecret) || secret.createdBy !== createdByOf(externalSecret)) return false;
  if (secret.controllerUid === undefined || (metadata.generation ?? 1) > 1) return false;
  if (secret.controllerUid !== metadata.uid) return secret.writtenAtMs === undefined;
  return status?.refreshTime === undefined && status?.syncedResourceVersion === undefined;
}
