import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decide, type Decision, type JudgedNeed, type NeedOutcome } from '../../../../src/core/admission/decision.ts';
import { needsOf } from '../../../../src/core/admission/needs.ts';
import type { FreshnessPolicy } from '../../../../src/core/admission/policy.ts';
import { ERROR_CODES, LatchkeyError, type ErrorCode } from '../../../../src/core/errors.ts';

const POD = 'pod "shop/web"';
const denying: FreshnessPolicy = {
  maxAgeMs: undefined,
  isMaxAgeOwn: false,
  staleIfErrorMs: 86_400_000,
  onFailure: 'deny',
};
const allowing: FreshnessPolicy = { ...denying, onFailure: 'allow' };

const fresh: NeedOutcome = { state: 'fresh', externalSecret: 'db', version: '00000000000000aa' };
const stale: NeedOutcome = {
  state: 'stale',
  externalSecret: 'db',
  version: '00000000000000bb',
  ageMs: 5_400_000,
  error: new LatchkeyError('BackendUnavailable', 'the backend does not answer'),
};
const wouldFetch: NeedOutcome = { state: 'wouldFetch', externalSecret: 'db', reason: 'does not exist' };
const unmanaged: NeedOutcome = { state: 'unmanaged' };
const absent: NeedOutcome = { state: 'absent' };

function failed(code: ErrorCode = 'SecretNotFound', message = 'there is no secret "prod/db"'): NeedOutcome {
  return {
    state: 'failed',
    source: { externalSecret: 'db', store: 'SecretStore "vault"' },
    error: new LatchkeyError(code, message),
  };
}

function judged(outcome: NeedOutcome, { isOptional = false, secretName = 'db-credentials' } = {}): JudgedNeed {
  const [need] = needsOf([
    { secretName, keys: ['password'], isOptional, kind: 'env', place: 'env DB_PASSWORD of container "app"' },
  ]);
  assert.ok(need !== undefined);
  return { need, outcome };
}

function decideOn(each: readonly JudgedNeed[], policy = denying, isAudit = false): Decision {
  return decide(each, policy, { pod: POD, isAudit });
}

/** What a pod gets to see of a decision, in one word. */
function verdict(decision: Decision): string {
  return decision.allowed ? decision.status : `denied ${decision.code}`;
}

describe('a pod', () => {
  const cases: Readonly<Record<string, { needs: readonly JudgedNeed[]; want: string }>> = {
    'without references is admitted as such': { needs: [], want: 'no-references' },
    'whose Secret is fresh is admitted': { needs: [judged(fresh)], want: 'fresh' },
    'with an older value is admitted as stale': { needs: [judged(stale)], want: 'stale' },
    'with a fresh and an older value is stale': { needs: [judged(fresh), judged(stale)], want: 'stale' },
    'in a dry run has the status of the real one': { needs: [judged(wouldFetch)], want: 'fresh' },
    'with a Secret that nobody manages is admitted': { needs: [judged(unmanaged)], want: 'fresh' },
    'whose Secret nobody makes is admitted and waits': { needs: [judged(absent)], want: 'pending' },
    'with an older value beside a missing one waits': { needs: [judged(stale), judged(absent)], want: 'pending' },
    'with a failure is denied': { needs: [judged(failed())], want: 'denied SecretNotFound' },
    'with one failure among good ones is denied': {
      needs: [judged(fresh), judged(unmanaged), judged(failed('StoreForbidden'))],
      want: 'denied StoreForbidden',
    },
    'with two failures is denied with the code of the first': {
      needs: [judged(failed('KeyMissing')), judged(failed('BackendTimeout'))],
      want: 'denied KeyMissing',
    },
    'with an optional failure is admitted': { needs: [judged(failed(), { isOptional: true })], want: 'fresh' },
    'whose optional Secret nobody makes does not wait': {
      needs: [judged(absent, { isOptional: true })],
      want: 'fresh',
    },
    'with an optional failure before a required one is denied with the code of the required one': {
      needs: [judged(failed('BackendTimeout'), { isOptional: true }), judged(failed('KeyMissing'))],
      want: 'denied KeyMissing',
    },
  };
  for (const [name, { needs, want }] of Object.entries(cases)) {
    it(name, () => assert.equal(verdict(decideOn(needs)), want));
  }

  const lenient: Readonly<Record<string, readonly [FreshnessPolicy, boolean]>> = {
    'that says on-failure: allow': [allowing, false],
    'in an audited namespace': [denying, true],
    'that says both': [allowing, true],
  };
  for (const [name, [policy, isAudit]] of Object.entries(lenient)) {
    it(`${name} is admitted in spite of a failure, waits, and is told so`, () => {
      const decision = decideOn([judged(failed('KeyMissing'))], policy, isAudit);
      assert.equal(verdict(decision), 'pending');
      assert.equal(decision.warnings.length, 1);
      assert.match(
        decision.warnings[0] ?? '',
        /^latchkey: admitted although pod "shop\/web" needs Secret .* \[KeyMissing\]$/,
      );
    });
  }
});

const outcomes = fc.oneof(
  fc.constantFrom(fresh, stale, wouldFetch, unmanaged, absent),
  fc.constantFrom(...(Object.keys(ERROR_CODES) as ErrorCode[])).map((code) => failed(code)),
);
const needs = fc.array(fc.record({ outcome: outcomes, isOptional: fc.boolean() }), { maxLength: 6 });

describe('whatever comes of the needs', () => {
  it('only a required failure denies', () => {
    fc.assert(
      fc.property(needs, (list) => {
        const decision = decideOn(list.map(({ outcome, isOptional }) => judged(outcome, { isOptional })));
        const isFatal = list.some(({ outcome, isOptional }) => outcome.state === 'failed' && !isOptional);
        assert.equal(decision.allowed, !isFatal);
      }),
    );
  });

  it('optional references never deny', () => {
    fc.assert(
      fc.property(fc.array(outcomes), (list) => {
        assert.ok(decideOn(list.map((outcome) => judged(outcome, { isOptional: true }))).allowed);
      }),
    );
  });

  it('neither on-failure: allow nor audit denies, and each failure has a warning with its code', () => {
    fc.assert(
      fc.property(
        needs,
        fc.constantFrom([allowing, false] as const, [denying, true] as const),
        (list, [policy, audit]) => {
          const decision = decideOn(
            list.map(({ outcome, isOptional }) => judged(outcome, { isOptional })),
            policy,
            audit,
          );
          assert.ok(decision.allowed);
          for (const { outcome } of list) {
            if (outcome.state !== 'failed') continue;
            assert.ok(decision.warnings.some((warning) => warning.endsWith(`[${outcome.error.code}]`)));
          }
        },
      ),
    );
  });

  it('every warning is one line that begins with our name', () => {
    fc.assert(
      fc.property(needs, (list) => {
        const { warnings } = decideOn(
          list.map(({ outcome, isOptional }) => judged(outcome, { isOptional })),
          allowing,
        );
        for (const warning of warnings) assert.match(warning, /^latchkey: [^\n]+$/);
      }),
    );
  });
});

describe('a denial', () => {
  function messageOf(needs: readonly JudgedNeed[]): string {
    const decision = decideOn(needs);
    assert.ok(!decision.allowed);
    return decision.message;
  }

  it('names pod, Secret, place, ExternalSecret, store, cause and code in one sentence', () => {
    assert.equal(
      messageOf([judged(failed())]),
      'latchkey: pod "shop/web" needs Secret "db-credentials" (env DB_PASSWORD of container "app"), ' +
        'made by ExternalSecret "db" from SecretStore "vault": there is no secret "prod/db" [SecretNotFound]',
    );
  });

  it('tells every failure, not only the first', () => {
    const message = messageOf([
      judged(failed('KeyMissing'), { secretName: 'first' }),
      judged(failed('BackendTimeout'), { secretName: 'second' }),
    ]);
    assert.match(message, /"first".*\[KeyMissing\]; .*"second".*\[BackendTimeout\]$/);
  });

  it('tells three failures of fifty in full, and how many more there are of which kind', () => {
    const all = Array.from({ length: 50 }, (_, index) =>
      judged(failed(index % 2 === 0 ? 'KeyMissing' : 'BackendTimeout'), { secretName: `secret-${index}` }),
    );
    const message = messageOf(all);
    assert.deepEqual(message.match(/needs Secret "[^"]+"/g), [
      ...['needs Secret "secret-0"', 'needs Secret "secret-1"', 'needs Secret "secret-2"'],
    ]);
    assert.match(message, /; 47 more of its Secrets fail too \[BackendTimeout, KeyMissing\]$/);
  });

  it('names the place that must have the Secret, not one that could do without', () => {
    const [need] = needsOf([
      { secretName: 'db', keys: [], isOptional: true, kind: 'envFrom', place: 'envFrom of container "sidecar"' },
      { secretName: 'db', keys: [], isOptional: false, kind: 'volume', place: 'volume "tls"' },
    ]);
    assert.ok(need !== undefined);
    assert.match(messageOf([{ need, outcome: failed() }]), /\(volume "tls"\)/);
  });

  it('does not pass on control characters of names', () => {
    const message = messageOf([judged(failed(), { secretName: 'db\u001b[31m\n' })]);
    assert.match(message, /Secret "db\?\[31m\?"/);
  });

  it('still warns about the rest of the pod', () => {
    const decision = decideOn([judged(failed()), judged(stale)]);
    assert.equal(decision.allowed, false);
    assert.equal(decision.warnings.length, 1);
  });
});

describe('a warning', () => {
  const cases: Readonly<Record<string, readonly [JudgedNeed, readonly string[]]>> = {
    'says how old a value is that serves all the same, and why': [
      judged(stale),
      [
        'latchkey: Secret "db-credentials" is 1h30m old and used all the same: the backend does not answer [BackendUnavailable]',
      ],
    ],
    'says what a dry run would fetch': [
      judged(wouldFetch),
      ['latchkey: dry run: Secret "db-credentials" does not exist and would be fetched for ExternalSecret "db"'],
    ],
    'says that nobody makes a Secret': [
      judged(absent),
      [
        'latchkey: Secret "db-credentials" does not exist and no ExternalSecret makes it: the pod waits until it does [SecretUnmanaged]',
      ],
    ],
    'says that an optional Secret could not be had': [
      judged(failed(), { isOptional: true }),
      [
        'latchkey: optional Secret "db-credentials" could not be brought up to date: there is no secret "prod/db" [SecretNotFound]',
      ],
    ],
    'is not given for a fresh Secret': [judged(fresh), []],
    'is not given for a Secret that nobody manages': [judged(unmanaged), []],
    'says why a Secret that no ExternalSecret makes could not be looked at, and admits the pod': [
      judged({ state: 'unmanaged', error: new LatchkeyError('ClusterForbidden', 'it may not be read') }),
      [
        'latchkey: Secret "db-credentials", which no ExternalSecret makes, could not be looked at: it may not be read [ClusterForbidden]',
      ],
    ],
    'is not given for an optional Secret that nobody makes': [judged(absent, { isOptional: true }), []],
  };
  for (const [name, [need, want]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(decideOn([need]).warnings, want));
  }
});

describe('audit annotations', () => {
  const cases: Readonly<Record<string, readonly [readonly JudgedNeed[], Readonly<Record<string, string>>]>> = {
    'are none when all is fresh': [[judged(fresh), judged(unmanaged), judged(absent), judged(wouldFetch)], {}],
    'name each older value and its code': [
      [judged(stale, { secretName: 'a' }), judged(stale, { secretName: 'b' })],
      { stale: 'a=BackendUnavailable,b=BackendUnavailable' },
    ],
    'name each failure, also optional ones': [
      [judged(failed('KeyMissing'), { secretName: 'a' }), judged(failed(), { secretName: 'b', isOptional: true })],
      { failed: 'a=KeyMissing,b=SecretNotFound' },
    ],
    'keep both apart': [
      [judged(failed('KeyMissing'), { secretName: 'a' }), judged(stale, { secretName: 'b' })],
      { stale: 'b=BackendUnavailable', failed: 'a=KeyMissing' },
    ],
  };
  for (const [name, [needs, want]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(decideOn(needs).auditAnnotations, want));
  }
});

describe('versions', () => {
  const cases: Readonly<Record<string, readonly [readonly JudgedNeed[], Readonly<Record<string, string>>]>> = {
    'are those of fresh and older values, by ExternalSecret': [
      [judged(fresh), judged({ ...stale, externalSecret: 'tls' })],
      { db: '00000000000000aa', tls: '00000000000000bb' },
    ],
    'hold a placeholder in a dry run': [[judged(wouldFetch)], { db: 'dry-run' }],
    'leave out what no ExternalSecret makes': [[judged(unmanaged), judged(absent)], {}],
    'leave out an optional failure': [[judged(failed(), { isOptional: true })], {}],
  };
  for (const [name, [needs, want]] of Object.entries(cases)) {
    it(name, () => {
      const decision = decideOn(needs);
      assert.ok(decision.allowed);
      assert.deepEqual(decision.versions, want);
    });
  }
});
