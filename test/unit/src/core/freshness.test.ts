import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExternalSecret, ExternalSecretSpec } from '../../../../src/api/external-secrets.ts';
import { judgeFreshness, type FreshnessQuestion } from '../../../../src/core/refresh/freshness.ts';
import { syncedResourceVersion } from '../../../../src/core/target/object-hash.ts';
import type { SecretSummary } from '../../../../src/core/target/secret-summary.ts';

const NOW_MS = Date.parse('2026-01-01T12:00:00Z');
const metadata = { name: 'db', namespace: 'shop', uid: 'es-uid', generation: 3 };

function externalSecret(spec: ExternalSecretSpec = {}, status: object = {}): ExternalSecret {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata,
    spec,
    status: { refreshTime: '2026-01-01T11:30:00Z', syncedResourceVersion: syncedResourceVersion(metadata), ...status },
  };
}

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
  createdBy: undefined,
  writtenAtMs: undefined,
  createdAtMs: undefined,
};

const usual: FreshnessQuestion = {
  externalSecret: externalSecret(),
  secret,
  lastSync: undefined,
  keys: ['password'],
  maxAgeMs: undefined,
  isForeignStore: false,
  nowMs: NOW_MS,
};

describe('a Secret is judged', () => {
  const cases: Readonly<Record<string, { given: Partial<FreshnessQuestion>; want: 'fresh' | 'stale' | 'unusable' }>> = {
    'fresh when it is half an hour old and the interval is the default hour': { given: {}, want: 'fresh' },
    'unusable when it is missing': { given: { secret: undefined }, want: 'unusable' },
    'unusable when nobody marked it as managed': {
      given: { secret: { ...secret, isManaged: false } },
      want: 'unusable',
    },
    'unusable when another object controls it': {
      given: { secret: { ...secret, controllerUid: 'other' } },
      want: 'unusable',
    },
    'fresh without an owner when the creation policy is Orphan': {
      given: {
        externalSecret: externalSecret({ target: { creationPolicy: 'Orphan' } }),
        secret: { ...secret, controllerUid: undefined },
      },
      want: 'fresh',
    },
    'unusable when its data was tampered with': { given: { secret: { ...secret, isIntact: false } }, want: 'unusable' },
    'unusable when it lacks a key that the pod names': { given: { keys: ['password', 'user'] }, want: 'unusable' },
    'unusable when it was made from an older spec': {
      given: { externalSecret: externalSecret({}, { syncedResourceVersion: '2-old' }) },
      want: 'unusable',
    },
    'unusable when nothing says what it was made from': {
      given: { externalSecret: { ...externalSecret(), status: {} } },
      want: 'unusable',
    },
    'stale when it is older than the refresh interval': {
      given: { externalSecret: externalSecret({ refreshInterval: '10m' }) },
      want: 'stale',
    },
    'fresh when this process synced it after the status was written': {
      given: {
        externalSecret: externalSecret({ refreshInterval: '10m' }),
        lastSync: { syncedResourceVersion: syncedResourceVersion(metadata), fetchStartedAtMs: NOW_MS - 1_000 },
      },
      want: 'fresh',
    },
    'stale when its refresh time lies in the future': {
      given: { externalSecret: externalSecret({}, { refreshTime: '2026-01-02T00:00:00Z' }) },
      want: 'stale',
    },
    'stale when the pod accepts less than the interval': { given: { maxAgeMs: 60_000 }, want: 'stale' },
    'fresh when the pod accepts more than the interval': {
      given: { externalSecret: externalSecret({ refreshInterval: '10m' }), maxAgeMs: 7_200_000 },
      want: 'fresh',
    },
    'fresh at any age when it is created once': {
      given: { externalSecret: externalSecret({ refreshPolicy: 'CreatedOnce', refreshInterval: '1s' }), maxAgeMs: 0 },
      want: 'fresh',
    },
    'fresh at any age when it follows changes only': {
      given: { externalSecret: externalSecret({ refreshPolicy: 'OnChange', refreshInterval: '1s' }) },
      want: 'fresh',
    },
    'stale when it follows changes only and the pod sets a maximum age': {
      given: { externalSecret: externalSecret({ refreshPolicy: 'OnChange' }), maxAgeMs: 60_000 },
      want: 'stale',
    },
    'fresh at any age when the interval is zero': {
      given: { externalSecret: externalSecret({ refreshInterval: '0' }) },
      want: 'fresh',
    },
    'stale for max-age 0s when the fetch began two seconds before the request': {
      given: {
        maxAgeMs: 0,
        lastSync: { syncedResourceVersion: syncedResourceVersion(metadata), fetchStartedAtMs: NOW_MS - 2_000 },
      },
      want: 'stale',
    },
    'fresh for max-age 0s when the fetch began half a second before the request': {
      given: {
        maxAgeMs: 0,
        lastSync: { syncedResourceVersion: syncedResourceVersion(metadata), fetchStartedAtMs: NOW_MS - 500 },
      },
      want: 'fresh',
    },
  };
  for (const [sentence, { given, want }] of Object.entries(cases)) {
    it(sentence, () => assert.equal(judgeFreshness({ ...usual, ...given }).verdict, want));
  }
});
