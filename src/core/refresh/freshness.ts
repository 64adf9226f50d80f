import type { ExternalSecret } from '../../api/external-secrets.ts';
import { parseDurationMs } from '../duration.ts';
import { isOwning } from '../target/build-secret.ts';
import { syncedResourceVersion } from '../target/object-hash.ts';
import type { SecretSummary } from '../target/secret-summary.ts';
import { mayRefresh } from './sync-windows.ts';

/** What this process knows of its own last successful sync of one ExternalSecret, before the status shows it. */
export interface SyncRecord {
  readonly syncedResourceVersion: string;
  readonly fetchStartedAtMs: number;
  /** Deletion policy Delete left no Secret; `uid` of the one that there was. */
  readonly removed?: { readonly uid: string | undefined };
  /** Why no Secret was written where one might be expected. */
  readonly unwritten?: Unwritten;
}

/**
 * `retained`: the stores gave no key at all, and deletion policy Retain leaves the Secret as it is; `no-target`: creation
 * policy Merge, and there is no Secret to add keys to; `not-wanted`: creation policy None.
 */
export type Unwritten = 'retained' | 'no-target' | 'not-wanted';

/** `fresh`: start now. `stale`: usable, but a newer value is due. `unusable`: missing, tampered,
 * lacking a key, or of an older spec. */
export type Freshness =
  | { readonly verdict: 'fresh' }
  | { readonly verdict: 'stale'; readonly ageMs: number; readonly limitMs: number }
  | { readonly verdict: 'unusable'; readonly reason: string; readonly missingKey?: string };

export interface FreshnessQuestion {
  readonly externalSecret: ExternalSecret;
  readonly secret: SecretSummary | undefined;
  readonly lastSync: SyncRecord | undefined;
  /** Keys that the pod names. */
  readonly keys: readonly string[];
  readonly maxAgeMs: number | undefined;
  /** Another controller refreshes it, at its own pace: the interval alone does not make it stale. */
  readonly isForeignStore: boolean;
  readonly nowMs: number;
}

export const DEFAULT_REFRESH_INTERVAL_MS = 3_600_000;
/** Less would be a loop, paid for by the backend and by everybody else. */
const SHORTEST_REFRESH_INTERVAL_MS = 1_000;
/** How much longer than its interval a Secret of another controller counts as fresh. */
const FOREIGN_PATIENCE = 1.2;
/** `max-age: 0s` accepts a fetch that started up to this long before the request came. */
export const ALWAYS_FRESH_TOLERANCE_MS = 1_000;

/** Judges one Secret against its ExternalSecret, by the rules of contracts §1. */
export function judgeFreshness(question: FreshnessQuestion): Freshness {
  const { externalSecret, secret, keys } = question;
  const flaw = flawOf(question);
  if (flaw !== undefined || secret === undefined) return { verdict: 'unusable', reason: flaw ?? 'does not exist' };
  const missing = keys.find((key) => !secret.keys.has(key));
  if (missing !== undefined) return { verdict: 'unusable', reason: `has no key "${missing}"`, missingKey: missing };
  const ageMs = ageOf(question);
  const ownLimitMs = ageLimitMs(externalSecret, question.maxAgeMs);
  const isPatient = question.isForeignStore && question.maxAgeMs === undefined;
  const limitMs = isPatient ? ownLimitMs * FOREIGN_PATIENCE : ownLimitMs;
  if (ageMs <= Math.max(limitMs, question.maxAgeMs === 0 ? ALWAYS_FRESH_TOLERANCE_MS : 0)) return { verdict: 'fresh' };
  // A closed window holds back what the interval calls for, and never what the pod asks for.
  const { syncWindows } = externalSecret.spec;
  const isHeldBack = question.maxAgeMs === undefined && syncWindows !== undefined;
  if (isHeldBack && !mayRefresh(syncWindows, question.nowMs)) return { verdict: 'fresh' };
  return { verdict: 'stale', ageMs, limitMs };
}

/** Age up to which a Secret counts as fresh, in ms; Infinity = no limit. */
export function ageLimitMs(externalSecret: ExternalSecret, maxAgeMs: number | undefined): number {
  const { refreshPolicy } = externalSecret.spec;
  if (unrefreshable(externalSecret) !== undefined) return Infinity;
  if (maxAgeMs !== undefined) return maxAgeMs;
  if (refreshPolicy === 'OnChange') return Infinity;
  const intervalMs = refreshIntervalMs(externalSecret);
  return intervalMs <= 0 ? Infinity : intervalMs;
}

/** As the manifest says or leaves it, but no less than a second; zero or less = the Secret is made once. */
export function refreshIntervalMs({ spec: { refreshInterval } }: ExternalSecret): number {
  const intervalMs = refreshInterval === undefined ? DEFAULT_REFRESH_INTERVAL_MS : parseDurationMs(refreshInterval);
  return intervalMs === undefined || intervalMs <= 0 ? 0 : Math.max(intervalMs, SHORTEST_REFRESH_INTERVAL_MS);
}

/** Why no age limit has any effect, in the words of the manifest; `undefined` = it has one. */
export function unrefreshable({ spec }: ExternalSecret): string | undefined {
  if (spec.refreshPolicy === 'CreatedOnce') return 'refreshPolicy CreatedOnce';
  return spec.target?.immutable === true ? 'target.immutable' : undefined;
}

function flawOf({ externalSecret, secret, lastSync }: FreshnessQuestion): string | undefined {
  if (secret === undefined) return 'does not exist';
  // The cache hears of it a little later.
  if (lastSync?.removed?.uid === secret.uid) return 'was deleted';
  if (!secret.isManaged || (isOwning(externalSecret) && secret.controllerUid !== externalSecret.metadata.uid)) {
    return 'was not made by this ExternalSecret';
  }
  if (!secret.isIntact) return 'was changed by someone else';
  // What it was made from does not matter any more: it can only be deleted.
  if (secret.isImmutable) return undefined;
  const wanted = syncedResourceVersion(externalSecret.metadata);
  const made = [lastSync?.syncedResourceVersion, externalSecret.status?.syncedResourceVersion];
  return made.includes(wanted) ? undefined : 'was made from an older version of the ExternalSecret';
}

function ageOf({ externalSecret, lastSync, nowMs }: FreshnessQuestion): number {
  const recorded = Date.parse(externalSecret.status?.refreshTime ?? '');
  const refreshedAtMs = Math.max(
    Number.isNaN(recorded) || recorded > nowMs ? -Infinity : recorded,
    lastSync?.fetchStartedAtMs ?? -Infinity,
  );
  return nowMs - refreshedAtMs;
}
