import type { ErrorCode, LatchkeyError } from '../errors.ts';

/** How often, and since when, one object has failed in a row. */
export interface Failures {
  readonly count: number;
  readonly sinceMs: number;
}

/**
 * A change mends these: of manifest, store, namespace, the target, who else claims it. Nearly all such changes are seen and
 * acted on at once; the rest, such as a Secret deleted that was never ours, a mount made at the backend, is found by a rare look.
 */
const MENDED_BY_CHANGE: readonly ErrorCode[] = [
  'InvalidExternalSecret',
  'InvalidProviderConfig',
  'StoreForbidden',
  'StoreNotFound',
  'TargetForbidden',
  'Unsupported',
];

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 120_000;
const RARE_LOOK_MS = 600_000;
/** What a backend asks for beyond this is not believed: a proxy's `Retry-After` may say a day. */
const LONGEST_ASKED_MS = 30_000;
/** So long a failure may be a passing one; after that it is tried no more often than what does not fail. */
const FIRST_MINUTES_MS = 300_000;

/**
 * How long a failed object rests before it is tried again, ms, unless something changes before. Doubling pauses in the first
 * minutes, its own interval after them.
 *
 * @param intervalMs of the object itself.
 * @param random from 0 to 1, so that what failed together does not come back together.
 */
export function retryAfterMs(
  error: LatchkeyError,
  { count, sinceMs }: Failures,
  intervalMs: number,
  nowMs: number,
  random: number,
): number {
  const share = 0.5 + random / 2;
  if (MENDED_BY_CHANGE.includes(error.code)) return Math.max(RARE_LOOK_MS, intervalMs) * share;
  // Credentials are not followed, and looking for them asks no backend.
  const mayBeOften = error.code === 'CredentialsNotFound';
  const doublingMs = Math.min(FIRST_PAUSE_MS * 2 ** (count - 1), LONGEST_PAUSE_MS) * share;
  const pauseMs = Math.max(doublingMs, Math.min(error.retryAfterMs ?? 0, LONGEST_ASKED_MS));
  return mayBeOften || nowMs - sinceMs < FIRST_MINUTES_MS ? pauseMs : Math.max(pauseMs, intervalMs);
}
