import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { SecretStore } from '../../../../src/api/external-secrets.ts';
import { ERROR_CODES, LatchkeyError, type ErrorCode } from '../../../../src/core/errors.ts';
import { retryPolicyOf, retryWaitMs, type FailedTry } from '../../../../src/core/store/retry-policy.ts';

const storeWith = (retrySettings?: SecretStore['spec']['retrySettings']): SecretStore => ({
  apiVersion: 'external-secrets.io/v1',
  kind: 'SecretStore',
  metadata: { name: 'store' },
  spec: { provider: {}, ...(retrySettings && { retrySettings }) },
});
const failed = (
  more: Partial<FailedTry> & { readonly code?: ErrorCode; readonly retryAfterMs?: number },
): FailedTry => {
  const { code = 'BackendUnavailable', retryAfterMs, ...rest } = more;
  const error = new LatchkeyError(code, 'the test backend fails', retryAfterMs === undefined ? {} : { retryAfterMs });
  return { error, retries: 0, sinceFirstMs: 0, chance: 1, ...rest };
};
const byDefault = retryPolicyOf(storeWith());
const waitsMs = (policy = byDefault): readonly (number | undefined)[] =>
  [0, 1, 2, 3].map((retries) => retryWaitMs(policy, failed({ retries })));

describe('the retries of a store', () => {
  it('are three, after twice as long each time, when the store does not say', () => {
    assert.deepEqual(waitsMs(), [100, 200, 400, undefined]);
  });

  it('are as many as the store says, each after the interval that it says', () => {
    assert.deepEqual(waitsMs(retryPolicyOf(storeWith({ maxRetries: 2, retryInterval: '1s' }))), [
      ...[1_000, 1_000],
      ...[undefined, undefined],
    ]);
  });

  it('are none when the store says 0', () => {
    assert.equal(waitsMs(retryPolicyOf(storeWith({ maxRetries: 0 })))[0], undefined);
  });

  it('do not hammer the backend, whatever the store says', () => {
    const policy = retryPolicyOf(storeWith({ maxRetries: 2_000_000_000, retryInterval: '0s' }));
    assert.deepEqual([policy.maxRetries, retryWaitMs(policy, failed({}))], [10, 10]);
  });

  it('cannot be read from an interval that is no duration', () => {
    assert.throws(
      () => retryPolicyOf(storeWith({ retryInterval: 'soon' })),
      (error) => error instanceof LatchkeyError && error.code === 'InvalidProviderConfig',
    );
  });

  it('fall into the upper half of their range, by chance', () => {
    assert.deepEqual(
      [0, 0.5, 1].map((chance) => retryWaitMs(byDefault, failed({ chance }))),
      [50, 75, 100],
    );
  });
});

describe('a failed call', () => {
  const repeated: readonly ErrorCode[] = ['BackendThrottled', 'BackendTimeout', 'BackendUnavailable'];

  it('is repeated only when the backend is down, slow or asks to slow down', () => {
    const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).filter(
      (code) => retryWaitMs(byDefault, failed({ code })) !== undefined,
    );
    assert.deepEqual(codes.toSorted(), repeated);
  });

  it('is repeated no sooner than the backend asks for', () => {
    assert.equal(retryWaitMs(byDefault, failed({ code: 'BackendThrottled', retryAfterMs: 2_000 })), 2_100);
  });

  it('is not repeated when the backend asks for more time than a pod has', () => {
    assert.equal(retryWaitMs(byDefault, failed({ code: 'BackendThrottled', retryAfterMs: 7_000 })), undefined);
  });

  it('is never repeated later than five seconds after the first try, nor before Retry-After', () => {
    fc.assert(
      fc.property(
        fc.record({
          code: fc.constantFrom(...repeated),
          retries: fc.nat(12),
          sinceFirstMs: fc.nat(10_000),
          chance: fc.double({ min: 0, max: 1, noNaN: true }),
          retryAfterMs: fc.nat(10_000),
        }),
        fc.option(fc.nat(10_000), { nil: undefined }),
        (tried, intervalMs) => {
          const waitMs = retryWaitMs({ maxRetries: 10, intervalMs }, failed(tried));
          if (waitMs === undefined) return;
          assert.ok(tried.sinceFirstMs + waitMs <= 5_000);
          assert.ok(waitMs >= tried.retryAfterMs + (intervalMs ?? 0));
        },
      ),
    );
  });
});
