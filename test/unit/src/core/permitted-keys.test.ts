import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { SecretStore } from '../../../../src/api/external-secrets.ts';
import type { Json } from '../../../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { assertKeysPermitted, assertRolesPermitted, permittedKeys } from '../../../../src/core/store/permitted-keys.ts';

const KEYS = 'externalsecrets.kubernetes-client.io/permitted-key-name';
const ROLES = 'iam.amazonaws.com/permitted';

const namespace = (annotation?: string, value = ''): { name: string; annotations: Record<string, string> } => ({
  name: 'shop',
  annotations: annotation === undefined ? {} : { [annotation]: value },
});

async function mayRead(expression: string, key: string): Promise<boolean> {
  const isPermitted = await permittedKeys(namespace(KEYS, expression));
  return isPermitted?.(key) ?? true;
}

describe('the keys of a namespace', () => {
  it('are not restricted without the annotation, and nobody is asked for them', async () => {
    assert.equal(await permittedKeys(namespace()), undefined);
    await assertKeysPermitted(namespace(), () => assert.fail('asked for'));
  });

  const cases: readonly (readonly [string, string, boolean])[] = [
    ['team-a/.*', 'team-a/db', true],
    ['team-a/.*', 'team-a/sub/db', true],
    ['team-a/.*', 'x/team-a/db', false],
    ['team-a/.*', 'team-a', false],
    ['team-a/db', 'team-a/db2', false],
    ['a|b', 'a', true],
    ['a|b', 'ab', false],
    ['a|b', 'xb', false],
    ['^a$', 'a', true],
    ['a', 'a\n', false],
    ['(?m)^a$', 'x\na', false],
    ['(?s).*', 'a\nb', false],
    ['(?i)team-a/.*', 'TEAM-A/db', true],
    ['.*', 'team-a/../team-b/db', false],
    ['.*', '../db', false],
    ['.*', 'db/..', false],
    ['.*', './db', false],
    ['.*', 'a//b', false],
    ['.*', 'a/b/', true],
    ['.*', 'a..b', true],
    ['.*', '.hidden/...', true],
    ['.*', 'a\0b', false],
    ['.*', 'a\u0085b', false],
    ['', '', true],
    ['', 'a', false],
  ];
  for (const [expression, key, expected] of cases) {
    it(`of ${JSON.stringify(expression)} ${expected ? 'have' : 'lack'} ${JSON.stringify(key)}`, async () => {
      assert.equal(await mayRead(expression, key), expected);
    });
  }

  it('are none while the expression cannot be read', async () => {
    const sentence = `annotation ${KEYS} of namespace "shop" is not a regular expression of at most 1024 characters`;
    await assert.rejects(permittedKeys(namespace(KEYS, '(')), new LatchkeyError('StoreForbidden', sentence));
  });

  it('name the first that is not among them', async () => {
    await assert.rejects(
      assertKeysPermitted(namespace(KEYS, 'a.*'), () => ['a1', 'b\n', 'c']),
      new LatchkeyError('StoreForbidden', `annotation ${KEYS} of namespace "shop" does not permit the key "b?"`),
    );
  });

  it('never have one that leaves the folder it seems to be in', async () => {
    const isPermitted = await permittedKeys(namespace(KEYS, 'team-a/.*'));
    fc.assert(
      fc.property(fc.array(fc.constantFrom('team-a', 'team-b', '..', '.', '', 'db'), { maxLength: 6 }), (segments) => {
        const key = segments.join('/');
        if (isPermitted?.(key) !== true) return;
        assert.ok(new URL(key, 'https://backend.example/').pathname.startsWith('/team-a/'));
      }),
    );
  });
});

describe('the AWS roles of a namespace', () => {
  const store = (provider: Readonly<Record<string, Json>>): SecretStore => ({
    ...{ apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name: 'store' } },
    spec: { provider },
  });
  const shop = 'arn:aws:iam::123456789012:role/shop-db';
  const admin = 'arn:aws:iam::123456789012:role/admin';
  const limited = namespace(ROLES, 'arn:aws:iam::123456789012:role/shop-.*');

  const allowed: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
    'a role that matches': { aws: { role: shop } },
    'several that match': { aws: { role: shop, additionalRoles: [shop] } },
    'no role at all': { aws: { region: 'eu-central-1' } },
    'an empty role': { aws: { role: '' } },
    'a section that is none': { aws: null },
    'another provider': { fake: { role: admin } },
  };
  for (const [what, provider] of Object.entries(allowed)) {
    it(`allow ${what}`, () => assert.doesNotReject(assertRolesPermitted(limited, store(provider))));
  }

  const refused: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
    'another role': { aws: { role: admin } },
    'another beside one that matches': { aws: { role: shop, additionalRoles: [shop, admin] } },
  };
  for (const [what, provider] of Object.entries(refused)) {
    it(`refuse ${what}`, () =>
      assert.rejects(
        assertRolesPermitted(limited, store(provider)),
        new LatchkeyError(
          'StoreForbidden',
          `annotation ${ROLES} of namespace "shop" does not permit the role "${admin}"`,
        ),
      ));
  }

  it('are not restricted without the annotation', () =>
    assert.doesNotReject(assertRolesPermitted(namespace(), store({ aws: { role: admin } }))));
});
