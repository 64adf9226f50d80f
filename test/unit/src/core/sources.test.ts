import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExternalSecret, ExternalSecretSpec } from '../../../../src/api/external-secrets.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import {
  describeStores,
  namedStores,
  remoteKeysOf,
  storeKeysOf,
} from '../../../../src/core/external-secret/sources.ts';

const externalSecret = (spec: ExternalSecretSpec): ExternalSecret => ({
  ...{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name: 'es', namespace: 'shop' } },
  spec,
});
const from = (name: string, kind?: 'ClusterSecretStore'): object => ({
  sourceRef: { storeRef: { name, ...(kind && { kind }) } },
});
const entry = (key: string, source: object = {}): { secretKey: string; remoteRef: { key: string } } => ({
  ...{ secretKey: 'k', remoteRef: { key } },
  ...source,
});
const store = { name: 'store' };

describe('the stores of an ExternalSecret', () => {
  const cases: Readonly<Record<string, readonly [ExternalSecretSpec, string]>> = {
    'is the default one': [{ secretStoreRef: store, data: [entry('a')] }, 'SecretStore "store"'],
    'is a cluster store where it says so': [
      { secretStoreRef: { ...store, kind: 'ClusterSecretStore' }, data: [entry('a')] },
      'ClusterSecretStore "store"',
    ],
    'are those of its entries, each once, dataFrom first': [
      {
        secretStoreRef: store,
        data: [entry('a', from('b')), entry('b'), entry('c', from('b'))],
        dataFrom: [{ extract: { key: 'd' }, ...from('c', 'ClusterSecretStore') }],
      },
      'ClusterSecretStore "c" and SecretStore "b" and SecretStore "store"',
    ],
    'are not the default one when every entry has its own': [
      { secretStoreRef: store, data: [entry('a', from('b'))] },
      'SecretStore "b"',
    ],
    'need no default one when every entry has its own': [{ data: [entry('a', from('b'))] }, 'SecretStore "b"'],
    'are apart when they differ in kind alone': [
      { secretStoreRef: store, data: [entry('a'), entry('b', from('store', 'ClusterSecretStore'))] },
      'SecretStore "store" and ClusterSecretStore "store"',
    ],
  };
  for (const [what, [spec, stores]] of Object.entries(cases)) {
    it(what, () => assert.equal(describeStores(externalSecret(spec)), stores));
  }

  it('are in its own namespace unless they are the cluster’s', () => {
    const keys = storeKeysOf(
      externalSecret({ secretStoreRef: store, data: [entry('a'), entry('b', from('c', 'ClusterSecretStore'))] }),
    );
    assert.deepEqual(
      keys.map(({ namespace }) => namespace),
      ['shop', undefined],
    );
  });

  const nameless: Readonly<Record<string, readonly [ExternalSecretSpec, string]>> = {
    'the default': [{ data: [entry('a')] }, 'spec.secretStoreRef.name is missing, so no store can be asked'],
    'an empty default': [
      { secretStoreRef: { name: '' }, data: [entry('a')] },
      'spec.secretStoreRef.name is missing, so no store can be asked',
    ],
    'an entry': [
      { secretStoreRef: store, data: [entry('a', from(''))] },
      'sourceRef.storeRef.name is missing, so no store can be asked',
    ],
  };
  for (const [what, [spec, sentence]] of Object.entries(nameless)) {
    it(`cannot be told when ${what} names none`, () => {
      const object = externalSecret(spec);
      assert.throws(() => storeKeysOf(object), new LatchkeyError('InvalidExternalSecret', sentence));
      assert.deepEqual([namedStores(object), describeStores(object)], [[], 'no store']);
    });
  }
});

describe('the keys that an ExternalSecret names', () => {
  it('are those of extract and data; what find gives is not known yet', () => {
    const spec: ExternalSecretSpec = {
      dataFrom: [{ extract: { key: 'a' } }, { find: { name: { regexp: '.*' } } }],
      data: [entry('b'), entry('a')],
    };
    assert.deepEqual(remoteKeysOf(externalSecret(spec)), ['a', 'b', 'a']);
  });
});
