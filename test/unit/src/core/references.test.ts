import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../../../src/api/kubernetes.ts';
import { needsOf } from '../../../../src/core/admission/needs.ts';
import { addedEphemeralNames } from '../../../../src/core/admission/containers.ts';
import { findReferences } from '../../../../src/core/admission/references.ts';

const podOf = (spec: object): Pod => ({ metadata: { name: 'web' }, spec });
const key = (name: string, of: string, more: object = {}): object => ({
  name: of.toUpperCase(),
  valueFrom: { secretKeyRef: { name, key: of, ...more } },
});

describe('a pod refers to', () => {
  const cases: Readonly<
    Record<string, { spec: object; want: readonly (readonly [string, readonly string[], boolean])[] }>
  > = {
    'a key by env': {
      spec: { containers: [{ name: 'a', env: [key('db', 'password')] }] },
      want: [['db', ['password'], false]],
    },
    'an optional key by env': {
      spec: { containers: [{ name: 'a', env: [key('db', 'password', { optional: true })] }] },
      want: [['db', ['password'], true]],
    },
    'a whole Secret by envFrom': {
      spec: { containers: [{ name: 'a', envFrom: [{ secretRef: { name: 'db' } }, { configMapRef: { name: 'c' } }] }] },
      want: [['db', [], false]],
    },
    'Secrets of init, native sidecar and ephemeral containers': {
      spec: {
        initContainers: [
          { name: 'i', env: [key('one', 'k')] },
          { name: 's', restartPolicy: 'Always', env: [key('two', 'k')] },
        ],
        containers: [],
        ephemeralContainers: [{ name: 'e', env: [key('three', 'k')] }],
      },
      want: [
        ['one', ['k'], false],
        ['two', ['k'], false],
        ['three', ['k'], false],
      ],
    },
    'the items of a Secret volume': {
      spec: { volumes: [{ name: 'v', secret: { secretName: 'db', items: [{ key: 'a' }, { key: 'b' }] } }] },
      want: [['db', ['a', 'b'], false]],
    },
    'each source of a projected volume': {
      spec: {
        volumes: [
          {
            name: 'v',
            projected: {
              sources: [{ secret: { name: 'x', optional: true } }, { configMap: {} }, { secret: { name: 'y' } }],
            },
          },
        ],
      },
      want: [
        ['x', [], true],
        ['y', [], false],
      ],
    },
    'the Secrets of volume plug-ins': {
      spec: {
        volumes: [
          { name: '1', azureFile: { secretName: 'azure' } },
          { name: '2', cephfs: { secretRef: { name: 'ceph' } } },
          { name: '3', cinder: { secretRef: { name: 'cinder' } } },
          { name: '4', flexVolume: { secretRef: { name: 'flex' } } },
          { name: '5', iscsi: { secretRef: { name: 'iscsi' } } },
          { name: '6', rbd: { secretRef: { name: 'rbd' } } },
          { name: '7', scaleIO: { secretRef: { name: 'scale' } } },
          { name: '8', storageos: { secretRef: { name: 'storage' } } },
          { name: '9', csi: { nodePublishSecretRef: { name: 'csi' } } },
        ],
      },
      want: ['azure', 'ceph', 'cinder', 'flex', 'iscsi', 'rbd', 'scale', 'storage', 'csi'].map((name) => [
        name,
        [],
        false,
      ]),
    },
    'pull secrets': { spec: { imagePullSecrets: [{ name: 'pull' }, { name: '' }, {}] }, want: [['pull', [], false]] },
    'nothing when what should be lists are none': {
      spec: { containers: { env: 1 }, initContainers: 'x', volumes: [null, 3], imagePullSecrets: [null] },
      want: [],
    },
  };
  for (const [sentence, { spec, want }] of Object.entries(cases)) {
    it(sentence, () => {
      const found = findReferences(podOf(spec)).map(({ secretName, keys, isOptional }) => [
        secretName,
        keys,
        isOptional,
      ]);
      assert.deepEqual(found, want);
    });
  }

  it('the Secrets of added ephemeral containers only, when those are updated', () => {
    const before = podOf({ containers: [], ephemeralContainers: [{ name: 'old', env: [key('old', 'k')] }] });
    const after = podOf({
      containers: [{ name: 'a', env: [key('main', 'k')] }],
      ephemeralContainers: [
        { name: 'old', env: [key('old', 'k')] },
        { name: 'new', env: [key('new', 'k')] },
      ],
    });
    assert.deepEqual(
      findReferences(after, addedEphemeralNames(after, before)).map(({ secretName }) => secretName),
      ['new'],
    );
  });
});

describe('the needs of a pod', () => {
  it('join all references to one Secret, and are optional only when each of them is', () => {
    const spec = {
      containers: [{ name: 'a', env: [key('db', 'user', { optional: true }), key('db', 'password')], envFrom: [] }],
      volumes: [{ name: 'v', secret: { secretName: 'extra', optional: true, items: [{ key: 'x' }] } }],
    };
    const needs = needsOf(findReferences(podOf(spec)));
    assert.deepEqual(
      needs.map(({ secretName, keys, isOptional }) => ({ secretName, keys, isOptional })),
      [
        { secretName: 'db', keys: ['password'], isOptional: false },
        { secretName: 'extra', keys: [], isOptional: true },
      ],
    );
  });
});
