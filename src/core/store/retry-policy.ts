import type { SecretStore } from '../../api/external-secrets.ts';
import { parseDurationMs } from '../duration.ts';
import { LatchkeyError } from '../errors.ts';

/** How often a failed call to a store's backend is repeated, and how long before that is waited. */
export interface RetryPolicy {
  readonly maxRetries: number;
  /** The same wait each time; `undefined` = twice as long each time. */
  readonly intervalMs: number | undefined;
}

/** A call that failed, so many retries after it was first tried. */
export interface FailedTry {
  readonly error: LatchkeyError;
  readonly retries: number;
  readonly sinceFirstMs: number;
  /** From 0 to 1: where in its range the wait falls. */
  readonly chance: number;
}

const DEFAULT_MAX_RETRIES = 3;
/** More only hammers a backend that the circuit breaker is about to leave alone. */
const MOST_RETRIES = 10;
const FIRST_WAIT_MS = 100;
const SHORTEST_WAIT_MS = 10;
/**
 * No retry starts later than this after the first try. Many callers with as many deadlines wait for one call, so this
 * stands for the time that a pod has: 6.75 s, less what the last try may take. Who has to wait longer is told at once.
 */
const RETRIES_WITHIN_MS = 5_000;

/**
 * What `spec.retrySettings` says, for every provider.
 * @throws LatchkeyError `InvalidProviderConfig` when the interval is no duration.
 */
export function retryPolicyOf({ spec: { retrySettings = {} } }: SecretStore): RetryPolicy {
  const { maxRetries = DEFAULT_MAX_RETRIES, retryInterval = '' } = retrySettings;
  const intervalMs = retryInterval === '' ? undefined : parseDurationMs(retryInterval);
  if (retryInterval !== '' && intervalMs === undefined) {
    throw new LatchkeyError('InvalidProviderConfig', 'spec.retrySettings.retryInterval is not a duration such as 10s');
  }
  return { maxRetries: Math.min(maxRetries, MOST_RETRIES), intervalMs };
}

/**
 * How long to wait before a failed call is repeated, ms; `undefined` when it is not to be. What a backend asks for with
 * Retry-After comes before our own wait, whose jitter keeps replicas from coming back at the same moment.
 */
export function retryWaitMs(policy: RetryPolicy, failed: FailedTry): number | undefined {
  const { error, retries, sinceFirstMs, chance } = failed;
  if (!error.isOutage || retries >= policy.maxRetries) return undefined;
  const backOffMs = FIRST_WAIT_MS * 2 ** retries * (0.5 + chance / 2);
  const waitMs = Math.max(policy.intervalMs ?? backOffMs, SHORTEST_WAIT_MS) + (error.retryAfterMs ?? 0);
  return sinceFirstMs + waitMs > RETRIES_WITHIN_MS ? undefined : waitMs;
}
