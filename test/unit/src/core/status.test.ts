import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExternalSecret, ExternalSecretStatus } from '../../../../src/api/external-secrets.ts';
import type { Condition } from '../../../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { statusAfter, type SyncOutcome } from '../../../../src/core/external-secret/status.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00.900Z');
const NOW = '2026-01-01T12:00:00Z';
const BEFORE = '2026-01-01T09:00:00Z';

const synced: SyncOutcome = { syncedResourceVersion: '3-abc', fetchStartedAtMs: NOW_MS - 5_000 };
const notFound: SyncOutcome = { error: new LatchkeyError('SecretNotFound', 'there is no secret "prod/db"') };

const ready: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'SecretSynced',
  message: 'secret synced',
  lastTransitionTime: BEFORE,
};
const notReady: Condition = {
  type: 'Ready',
  status: 'False',
  reason: 'SecretSyncedError',
  message: 'there is no secret "prod/db" [SecretNotFound]',
  lastTransitionTime: BEFORE,
};
const deleted: Condition = { type: 'Deleted', status: 'False', lastTransitionTime: BEFORE };

function externalSecret(status?: ExternalSecretStatus, targetName?: string): ExternalSecret {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: 'db', namespace: 'shop' },
    spec: targetName === undefined ? {} : { target: { name: targetName } },
    ...(status === undefined ? {} : { status }),
  };
}

function statusOf(status: ExternalSecretStatus | undefined, outcome: SyncOutcome): ExternalSecretStatus | undefined {
  return statusAfter(externalSecret(status), outcome, NOW_MS);
}

describe('the status after a success', () => {
  it('has when the fetch began, the version of the spec, the Secret and Ready in upstream’s words', () => {
    assert.deepEqual(statusAfter(externalSecret(undefined, 'db-credentials'), synced, NOW_MS), {
      refreshTime: '2026-01-01T11:59:55Z',
      syncedResourceVersion: '3-abc',
      binding: { name: 'db-credentials' },
      conditions: [{ ...ready, lastTransitionTime: NOW }],
    });
  });

  it('never makes a Secret look younger than it is', () => {
    const status = statusOf(undefined, { syncedResourceVersion: '1-a', fetchStartedAtMs: NOW_MS });
    assert.ok(Date.parse(status?.refreshTime ?? '') <= NOW_MS);
  });

  it('is written again when it was Ready before, with the time since when', () => {
    assert.deepEqual(statusOf({ conditions: [ready] }, synced)?.conditions, [ready]);
  });

  it('became Ready now when it was not before', () => {
    assert.equal(statusOf({ conditions: [notReady] }, synced)?.conditions?.[0]?.lastTransitionTime, NOW);
  });
});

describe('the status after a failure', () => {
  it('tells the sentence and the code, and leaves what went well before', () => {
    const before = { refreshTime: BEFORE, syncedResourceVersion: '2-old', conditions: [ready] };
    assert.deepEqual(statusOf(before, notFound), { conditions: [{ ...notReady, lastTransitionTime: NOW }] });
  });

  it('is not written again when it says so already', () => {
    assert.equal(statusOf({ conditions: [deleted, notReady] }, notFound), undefined);
  });

  it('is written with the old time when only the sentence is new', () => {
    const other: SyncOutcome = { error: new LatchkeyError('StoreNotFound', 'there is no SecretStore "vault"') };
    assert.deepEqual(statusOf({ conditions: [notReady] }, other)?.conditions, [
      { ...notReady, message: 'there is no SecretStore "vault" [StoreNotFound]' },
    ]);
  });

  it('says Unsupported where upstream would have done something else', () => {
    const error = new LatchkeyError('Unsupported', 'spec.target.template.data is not supported yet');
    assert.equal(statusOf(undefined, { error })?.conditions?.[0]?.reason, 'Unsupported');
  });
});

describe('any status', () => {
  for (const [name, outcome] of Object.entries({ success: synced, failure: notFound })) {
    it(`keeps conditions of other types after a ${name}`, () => {
      const conditions = statusOf({ conditions: [deleted, ready] }, outcome)?.conditions ?? [];
      assert.deepEqual(conditions[0], deleted);
      assert.equal(conditions.filter(({ type }) => type === 'Ready').length, 1);
    });
  }
});
