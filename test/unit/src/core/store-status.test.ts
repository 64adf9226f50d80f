import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SecretStore, StoreStatus } from '../../../../src/api/external-secrets.ts';
import type { Condition } from '../../../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import {
  storeRefreshIntervalMs,
  storeStatusAfter,
  type StoreVerdict,
} from '../../../../src/core/store/store-status.ts';

const NOW_MS = Date.parse('2026-01-02T00:00:00Z');
const EARLIER = '2026-01-01T00:00:00Z';
const NOW = '2026-01-02T00:00:00Z';

const store = (status?: StoreStatus, refreshInterval?: number | string): SecretStore => ({
  ...{ apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name: 'store' } },
  spec: { provider: {}, ...(refreshInterval !== undefined && { refreshInterval }) },
  ...(status && { status }),
});
const error = { error: new LatchkeyError('BackendAuthFailed', 'the backend refused the token') };
const valid: Condition = { type: 'Ready', status: 'True', reason: 'Valid', message: 'store validated' };
const refused: Condition = {
  ...{ type: 'Ready', status: 'False', reason: 'InvalidProviderConfig' },
  message: 'the backend refused the token [BackendAuthFailed]',
};
const unknown: Condition = {
  ...{ type: 'Ready', status: 'True', reason: 'ValidationUnknown' },
  message: 'could not determine validation status: credentials come from the namespace of each ExternalSecret',
};

describe('the status of a store', () => {
  const first: readonly (readonly [StoreVerdict, object])[] = [
    ['valid', { capabilities: 'ReadOnly', conditions: [{ ...valid, lastTransitionTime: NOW }] }],
    ['unknown', { capabilities: 'ReadOnly', conditions: [{ ...unknown, lastTransitionTime: NOW }] }],
    [error, { conditions: [{ ...refused, lastTransitionTime: NOW }] }],
  ];
  for (const [verdict, status] of first) {
    it(`says ${typeof verdict === 'string' ? verdict : 'what is wrong'}`, () => {
      assert.deepEqual(storeStatusAfter(store(), verdict, NOW_MS), status);
    });
  }

  for (const [verdict, condition] of [
    ['valid', valid],
    ['unknown', unknown],
    [error, refused],
  ] as const) {
    it(`is not written again when it says ${condition.reason} already`, () => {
      const before = { conditions: [{ ...condition, lastTransitionTime: EARLIER }] };
      assert.equal(storeStatusAfter(store(before), verdict, NOW_MS), undefined);
    });
  }

  it('keeps the time of the change while it stays True, and other conditions', () => {
    const other = { type: 'Other', status: 'True' } as const;
    const before = { conditions: [other, { ...valid, lastTransitionTime: EARLIER }] };
    assert.deepEqual(storeStatusAfter(store(before), 'unknown', NOW_MS)?.conditions, [
      other,
      { ...unknown, lastTransitionTime: EARLIER },
    ]);
    assert.deepEqual(storeStatusAfter(store(before), error, NOW_MS)?.conditions, [
      other,
      { ...refused, lastTransitionTime: NOW },
    ]);
  });
});

describe('how often a store is looked at', () => {
  const good: readonly (readonly [number | string | undefined, number])[] = [
    [undefined, 300_000],
    [0, 300_000],
    ['0s', 300_000],
    [60, 60_000],
    ['1h30m', 5_400_000],
  ];
  for (const [interval, expected] of good) {
    it(`is every ${expected} ms for ${interval}`, () =>
      assert.equal(storeRefreshIntervalMs(store(undefined, interval)), expected));
  }
  for (const interval of [-1, '-5m', '5 minutes', '', '60']) {
    it(`cannot be ${JSON.stringify(interval)}`, () => {
      assert.throws(
        () => storeRefreshIntervalMs(store(undefined, interval)),
        new LatchkeyError('InvalidProviderConfig', 'spec.refreshInterval is neither seconds nor a duration such as 5m'),
      );
    });
  }
});
