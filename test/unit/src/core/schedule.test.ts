import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExternalSecret, ExternalSecretSpec } from '../../../../src/api/external-secrets.ts';
import { jitter } from '../../../../src/core/refresh/jitter.ts';
import { nextSync, type Due, type ScheduleQuestion } from '../../../../src/core/refresh/schedule.ts';
import { createdByOf } from '../../../../src/core/target/build-secret.ts';
import { syncedResourceVersion } from '../../../../src/core/target/object-hash.ts';
import type { SecretSummary } from '../../../../src/core/target/secret-summary.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
const HOUR_MS = 3_600_000;
const metadata = { name: 'db', namespace: 'shop', uid: 'es-uid', generation: 1 };
const OWN_PART = jitter('es-uid');

/** Synced half an hour ago, unless the status says otherwise. */
function externalSecret(
  spec: ExternalSecretSpec = {},
  status: object = {},
  changes: Partial<ExternalSecret['metadata']> = {},
): ExternalSecret {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { ...metadata, ...changes },
    spec,
    status: { refreshTime: '2026-01-01T11:30:00Z', syncedResourceVersion: syncedResourceVersion(metadata), ...status },
  };
}

const without = (spec: ExternalSecretSpec = {}): ExternalSecret => ({ ...externalSecret(spec), status: {} });

const secret: SecretSummary = {
  namespace: 'shop',
  name: 'db',
  uid: 'secret-uid',
  resourceVersion: '7',
  type: 'Opaque',
  keys: new Set(['password']),
  isManaged: true,
  dataHash: 'hash',
  isIntact: true,
  isImmutable: false,
  controllerUid: 'es-uid',
  createdBy: createdByOf(externalSecret()),
  writtenAtMs: Date.parse('2026-01-01T11:30:00Z'),
  createdAtMs: Date.parse('2026-01-01T11:00:00Z'),
};

function due(given: Partial<ScheduleQuestion> = {}): Due {
  return nextSync({ externalSecret: externalSecret(), secret, lastSync: undefined, nowMs: NOW_MS, ...given });
}

const now = (cause: Due['cause']): Due => ({ atMs: NOW_MS, cause });
const never: Due = { atMs: Infinity, cause: 'aged' };
const aged = (at: string | number): Due => ({ atMs: typeof at === 'number' ? at : Date.parse(at), cause: 'aged' });
const AFTER_AN_HOUR = aged(Date.parse('2026-01-01T11:30:00Z') + HOUR_MS * OWN_PART);
const changed = { generation: 2 };
const recently = { syncedResourceVersion: syncedResourceVersion(metadata), fetchStartedAtMs: NOW_MS - 500 };

describe('an ExternalSecret is due', () => {
  const cases: Readonly<Record<string, readonly [Partial<ScheduleQuestion>, Due]>> = {
    'a little less than the default hour after its last sync': [{}, AFTER_AN_HOUR],
    'at once when it was never synced': [{ externalSecret: without(), secret: undefined }, now('new')],
    'at once when it says it was synced in time to come': [
      { externalSecret: externalSecret({}, { refreshTime: '2026-01-01T12:00:01Z' }) },
      now('new'),
    ],
    'by this process’s last sync when the status does not show it yet': [
      { externalSecret: without(), lastSync: recently },
      aged(NOW_MS - 500 + HOUR_MS * OWN_PART),
    ],
    'at once when its spec changed': [{ externalSecret: externalSecret({}, {}, changed) }, now('changed')],
    'at once when a label changed': [
      { externalSecret: externalSecret({}, {}, { labels: { team: 'a' } }) },
      now('changed'),
    ],
    'at once when an annotation changed, which is how a sync is forced': [
      { externalSecret: externalSecret({}, {}, { annotations: { 'force-sync': '1' } }) },
      now('changed'),
    ],
    'at once when its Secret is missing': [{ secret: undefined }, now('broken')],
    'at once when its Secret was tampered with': [{ secret: { ...secret, isIntact: false } }, now('broken')],
    'at once when its Secret got another owner': [{ secret: { ...secret, controllerUid: 'other' } }, now('broken')],
    'a moment later when its Secret is changed again and again': [
      { lastSync: recently, secret: { ...secret, isIntact: false } },
      { atMs: NOW_MS + 1_500, cause: 'broken' },
    ],
    'not for a Secret that its own deletion policy has removed': [
      {
        externalSecret: externalSecret(
          {},
          { conditions: [{ type: 'Ready', status: 'True', reason: 'SecretDeleted' }] },
        ),
        secret: undefined,
      },
      AFTER_AN_HOUR,
    ],
    'not for a Secret that this process has removed and the cache still knows': [
      { lastSync: { ...recently, removed: { uid: 'secret-uid' } } },
      aged(NOW_MS - 500 + HOUR_MS * OWN_PART),
    ],
    'not for a missing Secret that nobody asks for': [
      { externalSecret: externalSecret({ target: { creationPolicy: 'None' } }), secret: undefined },
      AFTER_AN_HOUR,
    ],
    'within a minute when it waits for a Secret to add keys to': [
      {
        externalSecret: externalSecret({ target: { creationPolicy: 'Merge' } }),
        secret: undefined,
        lastSync: { ...recently, unwritten: 'no-target' },
      },
      aged(NOW_MS - 500 + 60_000 * OWN_PART),
    ],
    'at once when a store it uses changed after its last sync': [{ outdatedSinceMs: NOW_MS - 1 }, now('outdated')],
    'not for a store that changed before its last sync': [{ outdatedSinceMs: NOW_MS - HOUR_MS }, AFTER_AN_HOUR],
  };
  for (const [name, [given, want]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(due(given), want));
  }
});

describe('a refresh policy', () => {
  const once: ExternalSecretSpec = { refreshPolicy: 'CreatedOnce' };
  const onChange: ExternalSecretSpec = { refreshPolicy: 'OnChange' };
  const zero: ExternalSecretSpec = { refreshInterval: '0s' };
  for (const [name, spec] of Object.entries({ CreatedOnce: once, 'Periodic with interval 0': zero })) {
    it(`${name} syncs once and never again, whatever changes`, () => {
      assert.deepEqual(due({ externalSecret: without(spec), secret: undefined }), now('new'));
      assert.deepEqual(due({ externalSecret: externalSecret(spec) }), never);
      assert.deepEqual(due({ externalSecret: externalSecret(spec, {}, changed), outdatedSinceMs: NOW_MS }), never);
    });
    it(`${name} repairs what was tampered with all the same`, () => {
      const question = { externalSecret: externalSecret(spec), secret: { ...secret, isIntact: false } };
      assert.deepEqual(due(question), now('broken'));
    });
  }
  it('OnChange waits for a change', () => {
    assert.deepEqual(due({ externalSecret: externalSecret(onChange) }), never);
    assert.deepEqual(due({ externalSecret: externalSecret(onChange, {}, changed) }), now('changed'));
  });
  it('means nothing for the interval of an immutable Secret', () => {
    assert.deepEqual(due({ externalSecret: externalSecret({ target: { immutable: true } }) }), never);
  });
});

describe('sync windows', () => {
  const hourly = { refreshInterval: '10m' };
  it('put a due refresh off until one opens', () => {
    const syncWindows = { kind: 'allow', windows: [{ schedule: '0 22 * * *', duration: '2h' }] } as const;
    assert.deepEqual(due({ externalSecret: externalSecret({ ...hourly, syncWindows }) }), aged('2026-01-01T22:00:00Z'));
  });
  it('put a due refresh off until the last one that forbids it has closed', () => {
    const windows = [
      { schedule: '0 12 * * *', duration: '1h' },
      { schedule: '30 12 * * *', duration: '1h' },
    ];
    const syncWindows = { kind: 'deny', windows } as const;
    const question = { externalSecret: externalSecret({ ...hourly, syncWindows }) };
    assert.deepEqual(due(question), aged(Date.parse('2026-01-01T13:30:00Z') + 1));
  });
  it('that are open make it no less late', () => {
    const syncWindows = { kind: 'allow', windows: [{ schedule: '0 12 * * *', duration: '2h' }] } as const;
    const question = { externalSecret: externalSecret({ ...hourly, syncWindows }) };
    assert.deepEqual(due(question), aged(Date.parse('2026-01-01T11:30:00Z') + 600_000 * OWN_PART));
  });
  it('that never open leave the refresh out', () => {
    const syncWindows = { kind: 'allow', windows: [{ schedule: 'never', duration: '1h' }] } as const;
    assert.deepEqual(due({ externalSecret: externalSecret({ ...hourly, syncWindows }) }), never);
  });
  it('do not hold up a changed spec', () => {
    const syncWindows = { kind: 'allow', windows: [{ schedule: '0 22 * * *', duration: '2h' }] } as const;
    assert.deepEqual(due({ externalSecret: externalSecret({ syncWindows }, {}, changed) }), now('changed'));
  });
});

describe('after a restore', () => {
  const restored: SecretSummary = { ...secret, controllerUid: 'uid-before', writtenAtMs: undefined };
  it('a Secret from a backup is given back to its ExternalSecret', () => {
    assert.deepEqual(due({ externalSecret: without(), secret: restored }), now('restored'));
    assert.deepEqual(due({ secret: restored }), now('restored'));
  });
  it('a Secret whose ExternalSecret lost its status is taken for what it is', () => {
    assert.deepEqual(due({ externalSecret: without() }), now('restored'));
  });
  it('a Secret that was written here for an ExternalSecret that has been replaced is none', () => {
    assert.deepEqual(due({ externalSecret: without(), secret: { ...secret, controllerUid: 'before' } }), now('new'));
  });
  it('a Secret that another ExternalSecret made is none', () => {
    assert.deepEqual(due({ externalSecret: without(), secret: { ...restored, createdBy: 'other' } }), now('new'));
  });
  it('a spec that has been changed since counts', () => {
    const edited = { ...without(), metadata: { ...metadata, generation: 2 } };
    assert.deepEqual(due({ externalSecret: edited }), now('new'));
  });
});

describe('the part of its interval that an object waits', () => {
  const parts = Array.from({ length: 1_000 }, (_, index) => jitter(`uid-${index}`));
  it('is always the same', () => assert.equal(jitter('uid-1'), parts[1]));
  it('is spread evenly from 0.9 to 1', () => {
    assert.ok(parts.every((part) => part >= 0.9 && part < 1));
    const counts = Array.from(
      { length: 10 },
      (_, tenth) => parts.filter((part) => Math.floor((part - 0.9) * 100) === tenth).length,
    );
    assert.ok(Math.min(...counts) > 50, `counts by tenth: ${counts.join()}`);
  });
});
