import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  ExternalSecret,
  LabelSelector,
  SecretStore,
  SecretStoreRef,
  StoreCondition,
} from '../../../../src/api/external-secrets.ts';
import { LatchkeyError, type ErrorCode } from '../../../../src/core/errors.ts';
import { storeKeysOf } from '../../../../src/core/external-secret/sources.ts';
import { assertStoreAccess, selects } from '../../../../src/core/store/store-access.ts';
import { describeStore, type StoreKey } from '../../../../src/core/store/store-key.ts';

const clusterKey: StoreKey = { kind: 'ClusterSecretStore', name: 'vault', namespace: undefined };
const shop = { name: 'shop', labels: { team: 'sales', env: 'prod' } };

function externalSecret(secretStoreRef?: SecretStoreRef): ExternalSecret {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: 'db', namespace: 'shop' },
    spec: secretStoreRef === undefined ? {} : { secretStoreRef },
  };
}

function store(conditions?: readonly StoreCondition[]): SecretStore {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ClusterSecretStore',
    metadata: { name: 'vault' },
    spec: { provider: {}, ...(conditions !== undefined && { conditions }) },
  };
}

function hasCode(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof LatchkeyError && error.code === code && message.test(error.message);
}

describe('the store of an ExternalSecret', () => {
  const namespaced: StoreKey = { kind: 'SecretStore', name: 'vault', namespace: 'shop' };
  const cases: Readonly<Record<string, readonly [SecretStoreRef, StoreKey]>> = {
    'is a SecretStore of its own namespace when no kind is named': [{ name: 'vault' }, namespaced],
    'is one when the kind is empty': [{ name: 'vault', kind: '' }, namespaced],
    'is one when the kind says so': [{ name: 'vault', kind: 'SecretStore' }, namespaced],
    'is a ClusterSecretStore of no namespace': [{ name: 'vault', kind: 'ClusterSecretStore' }, clusterKey],
  };
  for (const [name, [ref, want]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(storeKeysOf(externalSecret(ref)), [want]));
  }

  const nameless: Readonly<Record<string, SecretStoreRef | undefined>> = {
    'without a reference': undefined,
    'without a name': { kind: 'SecretStore' },
    'with an empty name': { name: '' },
  };
  for (const [name, ref] of Object.entries(nameless)) {
    it(`cannot be asked ${name}`, () => {
      assert.throws(
        () => storeKeysOf(externalSecret(ref)),
        hasCode('InvalidExternalSecret', /spec\.secretStoreRef\.name is missing/),
      );
    });
  }

  it('is described by kind and printable name', () => {
    assert.equal(describeStore({ ...clusterKey, name: 'va\nult' }), 'ClusterSecretStore "va?ult"');
  });
});

describe('a ClusterSecretStore', () => {
  const open: Readonly<Record<string, readonly StoreCondition[] | undefined>> = {
    'without conditions': undefined,
    'with an empty list of conditions': [],
    'that names the namespace': [{ namespaces: ['other', 'shop'] }],
    'that selects it by label': [{ namespaceSelector: { matchLabels: { team: 'sales' } } }],
    'with an empty selector, which selects all': [{ namespaceSelector: {} }],
    'whose second condition fits': [{ namespaces: ['other'] }, { namespaces: ['shop'] }],
    'whose condition fits by one of its members': [
      { namespaces: ['other'], namespaceSelector: { matchLabels: { team: 'sales' } } },
    ],
    'with a regular expression that matches anywhere in the name': [{ namespaceRegexes: ['^x', 'ho'] }],
    'with a regular expression beside a condition that fits': [{ namespaceRegexes: ['x'] }, { namespaces: ['shop'] }],
    'with a regular expression in a condition that fits otherwise': [{ namespaceRegexes: ['x'], namespaces: ['shop'] }],
  };
  for (const [name, conditions] of Object.entries(open)) {
    it(`${name} may be used`, () => assertStoreAccess(clusterKey, store(conditions), shop));
  }

  const closed: Readonly<Record<string, readonly StoreCondition[]>> = {
    'that names other namespaces': [{ namespaces: ['shopping', 'SHOP', ''] }],
    'that selects other labels': [{ namespaceSelector: { matchLabels: { team: 'hr' } } }],
    'that wants one label more': [{ namespaceSelector: { matchLabels: { team: 'sales', tier: 'gold' } } }],
    'with a condition that says nothing': [{}],
    'whose regular expressions do not match': [{ namespaceRegexes: ['^hop', 'SHOP'] }],
    'with empty lists only': [{ namespaces: [], namespaceRegexes: [] }],
    'with several conditions that do not fit': [
      { namespaces: ['other'] },
      { namespaceSelector: { matchLabels: { team: 'hr' } } },
    ],
  };
  for (const [name, conditions] of Object.entries(closed)) {
    it(`${name} is forbidden, and the sentence names the namespace`, async () => {
      await assert.rejects(
        assertStoreAccess(clusterKey, store(conditions), shop),
        hasCode('StoreForbidden', /spec\.conditions do not allow namespace "shop"/),
      );
    });
  }

  it('with a regular expression that cannot be read is refused, with the field’s path', async () => {
    await assert.rejects(
      assertStoreAccess(clusterKey, store([{ namespaces: ['other'] }, { namespaceRegexes: ['x', '(?=shop)'] }]), shop),
      hasCode('InvalidProviderConfig', /^spec\.conditions\[1\]\.namespaceRegexes\[1\] is not a regular expression/),
    );
  });
});

describe('a SecretStore', () => {
  it('is its namespace’s own, whatever its conditions say', async () => {
    const key: StoreKey = { kind: 'SecretStore', name: 'vault', namespace: 'shop' };
    await assertStoreAccess(key, store([{ namespaces: ['other'] }]), shop);
  });
});

describe('a label selector', () => {
  const expression = (key: string, operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', values?: string[]) => ({
    matchExpressions: [{ key, operator, ...(values === undefined ? {} : { values }) }],
  });
  const cases: Readonly<Record<string, readonly [LabelSelector, boolean]>> = {
    'that is empty': [{}, true],
    'by a label that is there': [{ matchLabels: { env: 'prod' } }, true],
    'by another value': [{ matchLabels: { env: 'test' } }, false],
    'by a label that is missing': [{ matchLabels: { tier: 'gold' } }, false],
    'by an empty value of a label that is missing': [{ matchLabels: { tier: '' } }, false],
    'In with the value': [expression('env', 'In', ['test', 'prod']), true],
    'In without the value': [expression('env', 'In', ['test']), false],
    'In without any value': [expression('env', 'In'), false],
    'In for a missing label': [expression('tier', 'In', ['gold']), false],
    'NotIn with the value': [expression('env', 'NotIn', ['prod']), false],
    'NotIn without the value': [expression('env', 'NotIn', ['test']), true],
    'NotIn for a missing label': [expression('tier', 'NotIn', ['gold']), true],
    'Exists for a label that is there': [expression('env', 'Exists'), true],
    'Exists for a missing label': [expression('tier', 'Exists'), false],
    'DoesNotExist for a label that is there': [expression('env', 'DoesNotExist'), false],
    'DoesNotExist for a missing label': [expression('tier', 'DoesNotExist'), true],
    'Exists for the name of an object member': [expression('constructor', 'Exists'), false],
    'by labels and expressions that all fit': [
      { matchLabels: { env: 'prod' }, ...expression('team', 'In', ['sales']) },
      true,
    ],
    'by labels that fit and an expression that does not': [
      { matchLabels: { env: 'prod' }, ...expression('team', 'NotIn', ['sales']) },
      false,
    ],
    'by an expression that fits and labels that do not': [
      { matchLabels: { env: 'test' }, ...expression('team', 'Exists') },
      false,
    ],
  };
  for (const [name, [selector, want]] of Object.entries(cases)) {
    it(`${name} ${want ? 'selects' : 'does not select'}`, () => assert.equal(selects(selector, shop.labels), want));
  }
});
