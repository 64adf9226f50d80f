import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExternalSecret } from '../../../../../src/api/external-secrets.ts';
import { generatedExternalSecret } from '../../../../../src/core/inline/generated.ts';
import { generatedNamesUsedBy, unusedGenerated } from '../../../../../src/core/inline/usage.ts';

const HOUR_MS = 3_600_000;
const nowMs = Date.parse('2026-11-24T12:00:00Z');
const reference = { storeKind: 'SecretStore', storeName: 'store', key: 'prod/db', property: '', version: '' } as const;
const wanted = generatedExternalSecret(reference, 'uid-1', 'shop');
const { name } = wanted.metadata;

function made(agoHours: number, labels = wanted.metadata.labels): ExternalSecret {
  const creationTimestamp = new Date(nowMs - agoHours * HOUR_MS).toISOString();
  return { ...wanted, metadata: { ...wanted.metadata, ...(labels && { labels }), creationTimestamp } };
}

describe('a generated ExternalSecret', () => {
  it('is used by a pod that refers to its Secret', () => {
    const env = [
      { name: 'A', valueFrom: { secretKeyRef: { name, key: 'value' } } },
      { name: 'B', valueFrom: { secretKeyRef: { name: 'latchkey-db', key: 'value' } } },
      { name: 'C', valueFrom: { secretKeyRef: { name, key: 'value' } } },
    ];
    assert.deepEqual(generatedNamesUsedBy({ metadata: {}, spec: { containers: [{ name: 'app', env }] } }), [name]);
  });

  const cases: readonly (readonly [
    what: string,
    object: ExternalSecret,
    usedHoursAgo: number | undefined,
    isUnused: boolean,
  ])[] = [
    ['made a moment ago stays', made(0), undefined, false],
    ['made two days ago and never seen in use goes', made(48), undefined, true],
    ['last used 23 hours ago stays', made(480), 23, false],
    ['last used 25 hours ago goes', made(480), 25, true],
    ['without our mark is somebody else’s and stays', made(48, {}), undefined, false],
  ];
  for (const [what, object, usedHoursAgo, isUnused] of cases) {
    it(what, () => {
      const used = new Map(usedHoursAgo === undefined ? [] : [[name, nowMs - usedHoursAgo * HOUR_MS]]);
      assert.deepEqual(unusedGenerated([object], used, nowMs), isUnused ? [object] : []);
    });
  }
});
