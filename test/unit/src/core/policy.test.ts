import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshnessPolicy, type FreshnessPolicy } from '../../../../src/core/admission/policy.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';

type Annotations = Readonly<Record<string, string>>;

const MAX_AGE = 'latchkey.dev/max-age';
const STALE_IF_ERROR = 'latchkey.dev/stale-if-error';
const ON_FAILURE = 'latchkey.dev/on-failure';
const defaults = { staleIfErrorMs: 7_000 };
const silent: FreshnessPolicy = { maxAgeMs: undefined, isMaxAgeOwn: false, staleIfErrorMs: 7_000, onFailure: 'deny' };

describe('the policy', () => {
  const cases: Readonly<
    Record<string, { pod?: Annotations; namespace?: Annotations; want: Partial<FreshnessPolicy> }>
  > = {
    'of a silent pod is the operator’s': { want: {} },
    'is the pod’s': {
      pod: { [MAX_AGE]: '30s', [STALE_IF_ERROR]: '1m', [ON_FAILURE]: 'allow' },
      want: { maxAgeMs: 30_000, isMaxAgeOwn: true, staleIfErrorMs: 60_000, onFailure: 'allow' },
    },
    'is the namespace’s when the pod says nothing': {
      namespace: { [MAX_AGE]: '30s', [STALE_IF_ERROR]: '1m', [ON_FAILURE]: 'allow' },
      want: { maxAgeMs: 30_000, staleIfErrorMs: 60_000, onFailure: 'allow' },
    },
    'is the pod’s where both say something': {
      pod: { [MAX_AGE]: '5s', [ON_FAILURE]: 'deny' },
      namespace: { [MAX_AGE]: '30s', [ON_FAILURE]: 'allow' },
      want: { maxAgeMs: 5_000, isMaxAgeOwn: true, onFailure: 'deny' },
    },
    'is taken key by key': {
      pod: { [MAX_AGE]: '5s' },
      namespace: { [STALE_IF_ERROR]: '2s' },
      want: { isMaxAgeOwn: true, maxAgeMs: 5_000, staleIfErrorMs: 2_000 },
    },
    'is none where the pod’s value is empty, whatever the namespace says': {
      pod: { [MAX_AGE]: '', [STALE_IF_ERROR]: '', [ON_FAILURE]: '' },
      namespace: { [MAX_AGE]: '30s', [STALE_IF_ERROR]: '1m', [ON_FAILURE]: 'allow' },
      want: {},
    },
    'is not troubled by a bad namespace value that the pod replaces': {
      pod: { [MAX_AGE]: '5s' },
      namespace: { [MAX_AGE]: 'soon' },
      want: { isMaxAgeOwn: true, maxAgeMs: 5_000 },
    },
    'tells zero from nothing': {
      pod: { [MAX_AGE]: '0s', [STALE_IF_ERROR]: '0s' },
      want: { isMaxAgeOwn: true, maxAgeMs: 0, staleIfErrorMs: 0 },
    },
    'forgives space around a duration': { pod: { [MAX_AGE]: ' 30s\n' }, want: { isMaxAgeOwn: true, maxAgeMs: 30_000 } },
    'ignores what is none of it': { pod: { 'latchkey.dev/other': 'soon' }, want: {} },
  };
  for (const [name, { pod, namespace, want }] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(freshnessPolicy(pod, namespace, defaults), { ...silent, ...want }));
  }

  const bad: readonly [key: string, value: string][] = [
    [MAX_AGE, 'soon'],
    [MAX_AGE, '30'],
    [MAX_AGE, '-1s'],
    [MAX_AGE, '1d'],
    [MAX_AGE, '1 h'],
    [STALE_IF_ERROR, 'never'],
    [STALE_IF_ERROR, '-24h'],
    [ON_FAILURE, 'ignore'],
    [ON_FAILURE, 'Allow'],
  ];
  for (const [key, value] of bad) {
    for (const where of ['pod', 'namespace'] as const) {
      it(`cannot be read from ${key}: "${value}" of the ${where}, and says which annotation it is`, () => {
        const annotations = { [key]: value };
        assert.throws(
          () =>
            freshnessPolicy(
              where === 'pod' ? annotations : undefined,
              where === 'namespace' ? annotations : undefined,
              defaults,
            ),
          (error) => {
            assert.ok(error instanceof LatchkeyError);
            assert.equal(error.code, 'InvalidAnnotation');
            assert.ok(error.message.includes(`annotation ${key} is "${value}"`));
            return true;
          },
        );
      });
    }
  }

  it('shows a long or unprintable value cut and cleaned', () => {
    assert.throws(
      () => freshnessPolicy({ [MAX_AGE]: `\u001b[31m${'x'.repeat(1_000)}` }, undefined, defaults),
      (error) => {
        assert.ok(error instanceof LatchkeyError);
        assert.match(error.message, /is "\?\[31mx+…"/);
        assert.ok(error.message.length < 150);
        return true;
      },
    );
  });
});
