import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LatchkeyError, type ErrorCode } from '../../../../src/core/errors.ts';
import { retryAfterMs } from '../../../../src/core/refresh/retry.ts';
import { TokenBucket } from '../../../../src/core/refresh/token-bucket.ts';

const HOUR_MS = 3_600_000;

/** Pauses of an object that fails each time it is tried, until two hours have passed. */
function pauses(code: ErrorCode, intervalMs: number, random: number): number[] {
  const found: number[] = [];
  let nowMs = 0;
  for (let count = 1; nowMs < 2 * HOUR_MS && count < 1_000; count += 1) {
    const pauseMs = retryAfterMs(
      new LatchkeyError(code, 'it failed'),
      { count, sinceMs: 0 },
      intervalMs,
      nowMs,
      random,
    );
    found.push(pauseMs);
    nowMs += pauseMs;
  }
  return found;
}

describe('an object that keeps failing', () => {
  it('is tried after 1, 2, 4 … 120 s for five minutes, then at its own interval', () => {
    const seconds = pauses('SecretNotFound', HOUR_MS, 1).map((ms) => ms / 1_000);
    assert.deepEqual(seconds, [1, 2, 4, 8, 16, 32, 64, 120, 120, 3_600, 3_600]);
  });

  it('is tried at half of that at the earliest, so that those that failed together come apart', () => {
    assert.deepEqual(pauses('BackendUnavailable', HOUR_MS, 0).slice(0, 3), [500, 1_000, 2_000]);
  });

  it('is not tried faster than every two minutes in the long run, however short its interval', () => {
    assert.equal(pauses('BackendUnavailable', 5_000, 1).at(-1), 120_000);
  });

  it('is tried every two minutes at most when it is credentials that are missing: looking asks no backend', () => {
    assert.equal(pauses('CredentialsNotFound', HOUR_MS, 1).at(-1), 120_000);
  });

  it('waits as long as the backend asked for, up to 30 s', () => {
    const asked = (ms: number): number => {
      const error = new LatchkeyError('BackendThrottled', 'slow down', { retryAfterMs: ms });
      return retryAfterMs(error, { count: 1, sinceMs: 0 }, HOUR_MS, 0, 0.5);
    };
    assert.deepEqual([asked(20_000), asked(86_400_000)], [20_000, 30_000]);
  });

  for (const code of ['InvalidExternalSecret', 'Unsupported', 'StoreNotFound', 'TargetForbidden'] as const) {
    it(`is looked at rarely when a change can mend it, which is seen: ${code}`, () => {
      assert.equal(pauses(code, 1_000, 1)[0], 600_000);
      assert.equal(pauses(code, 1_000, 0)[0], 300_000);
      assert.equal(pauses(code, HOUR_MS, 1)[0], HOUR_MS);
    });
  }
});

describe('a token bucket', () => {
  it('lets its rate through in each second, and no more in any', () => {
    const bucket = new TokenBucket(20);
    const turns = Array.from({ length: 100 }, () => bucket.turnAtMs(10_000));
    for (let fromMs = 10_000; fromMs <= 14_000; fromMs += 250) {
      assert.equal(turns.filter((ms) => ms >= fromMs && ms < fromMs + 1_000).length, 20);
    }
  });

  it('saves nothing up while it rests', () => {
    const bucket = new TokenBucket(10);
    bucket.turnAtMs(0);
    assert.deepEqual(
      [1, 2, 3].map(() => bucket.turnAtMs(3_600_000)),
      [3_600_000, 3_600_100, 3_600_200],
    );
  });

  it('keeps nobody waiting who comes rarely', () => {
    const bucket = new TokenBucket(1);
    assert.deepEqual([bucket.turnAtMs(0), bucket.turnAtMs(5_000)], [0, 5_000]);
  });
});
