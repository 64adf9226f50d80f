import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import { laterMergers, rightfulClaimant, targetName } from '../../../../src/core/external-secret/target-name.ts';

function externalSecret(name: string, metadata: object = {}, target?: string): ExternalSecret {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name, uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    spec: target === undefined ? {} : { target: { name: target } },
  };
}

describe('the name of a target', () => {
  it('is the one it is given', () => assert.equal(targetName(externalSecret('db', {}, 'other')), 'other'));
  it('is the ExternalSecret’s when none is given', () => assert.equal(targetName(externalSecret('db')), 'db'));
  it('is the ExternalSecret’s when it is empty', () => assert.equal(targetName(externalSecret('db', {}, '')), 'db'));
});

describe('of several claimants the rightful one', () => {
  const older = externalSecret('z-older', { creationTimestamp: '2025-01-01T00:00:00Z' });
  const a = externalSecret('a');
  const b = externalSecret('b');
  const going = { deletionTimestamp: '2026-01-02T00:00:00Z' };

  const cases: Readonly<Record<string, readonly [readonly ExternalSecret[], string | undefined, string | undefined]>> =
    {
      'is nobody when nobody claims': [[], 'uid-a', undefined],
      'is the only one': [[a], undefined, 'a'],
      'is the Secret’s controller': [[older, a, b], 'uid-b', 'b'],
      'is the older one when the controller does not claim': [[a, b, older], 'uid-gone', 'z-older'],
      'is the older one when nobody controls': [[a, b, older], undefined, 'z-older'],
      'is the first by name among those of one age': [[b, a], undefined, 'a'],
      'is not the older one that is being deleted': [
        [{ ...older, metadata: { ...older.metadata, ...going } }, b],
        undefined,
        'b',
      ],
      'is not the controller that is being deleted': [[externalSecret('a', going), b], 'uid-a', 'b'],
      'is nobody when all are being deleted': [[externalSecret('a', going)], 'uid-a', undefined],
      'is not one without a uid because the Secret has no controller': [
        [externalSecret('b', { uid: undefined }), a],
        undefined,
        'a',
      ],
    };
  for (const [name, [claimants, controllerUid, want]] of Object.entries(cases)) {
    it(name, () => assert.equal(rightfulClaimant(claimants, controllerUid)?.metadata.name, want));
  }

  it('does not depend on the order in which they are known', () => {
    const claimant = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      creationTimestamp: fc.constantFrom('2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
      isGoing: fc.boolean(),
    });
    const claimants = fc.uniqueArray(claimant, { selector: ({ name }) => name });
    fc.assert(
      fc.property(claimants, fc.constantFrom('uid-a', 'uid-b', undefined), (list, controllerUid) => {
        const known = list.map(({ name, creationTimestamp, isGoing }) =>
          externalSecret(name, { creationTimestamp, ...(isGoing ? going : {}) }),
        );
        assert.equal(
          rightfulClaimant(known, controllerUid)?.metadata.name,
          rightfulClaimant(known.toReversed(), controllerUid)?.metadata.name,
        );
      }),
    );
  });
});

describe('those that add to a Secret after one', () => {
  const merger = (name: string, metadata: object = {}): ExternalSecret => ({
    ...externalSecret(name, metadata),
    spec: { target: { name: 'db', creationPolicy: 'Merge' } },
  });
  const maker = externalSecret('db');
  const going = merger('b-going', { deletionTimestamp: '2026-01-02T00:00:00Z' });
  const all = [merger('c'), maker, going, merger('a-b'), merger('ab'), merger('B')];
  const after = (subject: ExternalSecret): readonly string[] =>
    laterMergers(subject, all).map(({ metadata }) => metadata.name);

  it('are all, by name, for the one that makes it', () => assert.deepEqual(after(maker), ['B', 'a-b', 'ab', 'c']));
  it('are those that follow by name for one that adds too', () => assert.deepEqual(after(merger('a-b')), ['ab', 'c']));
  it('are none for the last', () => assert.deepEqual(after(merger('c')), []));
});
