import { asLatchkeyError } from '../../core/errors.ts';
import { retryWaitMs, type RetryPolicy } from '../../core/store/retry-policy.ts';
import type { Timing } from '../../ports/timing.ts';

/** Repeats a call for one caller, as the policy says. @throws LatchkeyError what the last try threw. */
export async function repeated<T>(
  policy: RetryPolicy,
  timing: Timing,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T> {
  const firstTriedAtMs = timing.now();
  for (let retries = 0; ; retries += 1) {
    try {
      return await call();
    } catch (cause) {
      const error = asLatchkeyError(cause);
      const sinceFirstMs = timing.now() - firstTriedAtMs;
      const waitMs = retryWaitMs(policy, { error, retries, sinceFirstMs, chance: timing.chance() });
      if (waitMs !== undefined) await timing.pause(waitMs, signal);
      if (waitMs === undefined || signal.aborted) throw error;
    }
  }
}
