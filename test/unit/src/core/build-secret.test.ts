import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ExternalSecret, ExternalSecretTarget } from '../../../../src/api/external-secrets.ts';
import type { Json, ManagedFields, OwnerReference, Secret } from '../../../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import { assertTargetAllowed, buildSecret, fieldManagerOf } from '../../../../src/core/target/build-secret.ts';
import { summarise } from '../../../../src/core/target/secret-summary.ts';

const MANAGED = 'reconcile.external-secrets.io/managed';
const CREATED_BY = 'reconcile.external-secrets.io/created-by';
const DATA_HASH = 'reconcile.external-secrets.io/data-hash';

function externalSecret(target?: ExternalSecretTarget, metadata: object = {}): ExternalSecret {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: 'db', namespace: 'shop', uid: 'es-uid', ...metadata },
    spec: target === undefined ? {} : { target },
  };
}

function existing(changes: object = {}, metadata: object = {}): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: { name: 'db', namespace: 'shop', uid: 'secret-uid', resourceVersion: '7', ...metadata },
    ...changes,
  };
}

const values = new Map([
  ['user', SecretValue.fromText('fake-user')],
  ['password', SecretValue.fromText('fake-password')],
]);
const us: OwnerReference = {
  apiVersion: 'external-secrets.io/v1',
  kind: 'ExternalSecret',
  name: 'db',
  uid: 'es-uid',
  blockOwnerDeletion: true,
  controller: true,
};
const somebody: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other-uid' };

describe('a new Secret', () => {
  const secret = buildSecret(externalSecret(), values, undefined);

  it('holds the values in base64', () => {
    assert.deepEqual(secret.data, { user: btoa('fake-user'), password: btoa('fake-password') });
  });

  it('has the name and namespace of its ExternalSecret', () => {
    assert.deepEqual(
      [secret.apiVersion, secret.kind, secret.metadata.name, secret.metadata.namespace],
      ['v1', 'Secret', 'db', 'shop'],
    );
  });

  it('has the name that the target says', () => {
    assert.equal(
      buildSecret(externalSecret({ name: 'db-credentials' }), values, undefined).metadata.name,
      'db-credentials',
    );
  });

  it('has no type unless the template says one, so that the API server fills it in', () => {
    assert.ok(!('type' in secret));
    const typed = buildSecret(externalSecret({ template: { type: 'kubernetes.io/tls' } }), values, undefined);
    assert.equal(typed.type, 'kubernetes.io/tls');
  });

  it('is controlled by its ExternalSecret', () => assert.deepEqual(secret.metadata.ownerReferences, [us]));

  it('carries upstream’s marks', () => {
    assert.deepEqual(Object.keys(secret.metadata.labels ?? {}).sort(), [CREATED_BY, MANAGED]);
    assert.equal(secret.metadata.labels?.[MANAGED], 'true');
    assert.match(secret.metadata.labels?.[CREATED_BY] ?? '', /^[0-9a-f]{56}$/);
    assert.match(secret.metadata.annotations?.[DATA_HASH] ?? '', /^[0-9a-f]{56}$/);
  });

  it('is marked apart from one that an ExternalSecret of the same name in another namespace makes', () => {
    const other = buildSecret(externalSecret({}, { namespace: 'other' }), values, undefined);
    assert.notEqual(other.metadata.labels?.[CREATED_BY], secret.metadata.labels?.[CREATED_BY]);
  });

  it('of policy Orphan belongs to nobody and does not say who made it', () => {
    const orphan = buildSecret(externalSecret({ creationPolicy: 'Orphan' }), values, undefined);
    assert.equal(orphan.metadata.ownerReferences, undefined);
    assert.deepEqual(orphan.metadata.labels, { [MANAGED]: 'true' });
  });
});

describe('the hash on a Secret', () => {
  const bytes = fc.uint8Array({ maxLength: 20 });
  const dataArbitrary = fc.dictionary(fc.stringMatching(/^[a-z._-]{1,8}$/), bytes, { noNullPrototype: true });
  const secretOf = (data: Readonly<Record<string, Uint8Array>>): Secret =>
    buildSecret(
      externalSecret(),
      new Map(Object.entries(data).map(([key, value]) => [key, new SecretValue(value)])),
      undefined,
    );

  it('is the hash of what it holds, whatever that is', () => {
    fc.assert(fc.property(dataArbitrary, (data) => assert.ok(summarise(secretOf(data)).isIntact)));
  });

  it('does not depend on the order of the keys', () => {
    const reversed = new Map([...values].toReversed());
    assert.equal(
      buildSecret(externalSecret(), reversed, undefined).metadata.annotations?.[DATA_HASH],
      buildSecret(externalSecret(), values, undefined).metadata.annotations?.[DATA_HASH],
    );
  });

  it('no longer fits once a value is changed by somebody else', () => {
    const secret = buildSecret(externalSecret(), values, undefined);
    assert.equal(summarise({ ...secret, data: { ...secret.data, user: btoa('fake-other') } }).isIntact, false);
  });
});

describe('labels and annotations', () => {
  const own = { labels: { team: 'shop' }, annotations: { note: 'hello' } };

  it('of the ExternalSecret are copied when there is no template', () => {
    const { metadata } = buildSecret(externalSecret({}, own), values, undefined);
    assert.equal(metadata.labels?.['team'], 'shop');
    assert.equal(metadata.annotations?.['note'], 'hello');
  });

  it('of the template are taken instead when there is one', () => {
    const template = { metadata: { labels: { from: 'template' }, annotations: { also: 'template' } } };
    const { metadata } = buildSecret(externalSecret({ template }, own), values, undefined);
    assert.deepEqual([metadata.labels?.['from'], metadata.labels?.['team']], ['template', undefined]);
    assert.deepEqual([metadata.annotations?.['also'], metadata.annotations?.['note']], ['template', undefined]);
  });

  it('are none but the marks when the template names none', () => {
    const { metadata } = buildSecret(externalSecret({ template: { type: 'Opaque' } }, own), values, undefined);
    assert.deepEqual(Object.keys(metadata.labels ?? {}).sort(), [CREATED_BY, MANAGED]);
    assert.deepEqual(Object.keys(metadata.annotations ?? {}), [DATA_HASH]);
  });

  it('cannot forge the marks', () => {
    const forged = { labels: { [MANAGED]: 'false', [CREATED_BY]: 'x' }, annotations: { [DATA_HASH]: 'x' } };
    assert.ok(summarise(buildSecret(externalSecret({}, forged), values, undefined)).isIntact);
    const { metadata } = buildSecret(externalSecret({}, forged), values, undefined);
    assert.equal(metadata.labels?.[MANAGED], 'true');
    assert.notEqual(metadata.labels?.[CREATED_BY], 'x');
  });

  const notCopied = [
    'kubectl.kubernetes.io/last-applied-configuration',
    'argocd.argoproj.io/tracking-id',
    'argocd.argoproj.io/sync-options',
    'kustomize.toolkit.fluxcd.io/name',
    'helm.toolkit.fluxcd.io/namespace',
    'toolkit.fluxcd.io/x',
    'meta.helm.sh/release-name',
    'velero.io/exclude-from-backup',
  ];
  for (const key of notCopied) {
    it(`do not take over ${key}, which would have a GitOps tool adopt the Secret`, () => {
      const { metadata } = buildSecret(
        externalSecret({}, { labels: { [key]: 'x' }, annotations: { [key]: 'x' } }),
        values,
        undefined,
      );
      assert.ok(!Object.hasOwn(metadata.labels ?? {}, key));
      assert.ok(!Object.hasOwn(metadata.annotations ?? {}, key));
    });
  }

  const copied = [
    'kubectl.kubernetes.io/restartedAt',
    'example.com/argocd.argoproj.io',
    'argoproj.io/x',
    'app.kubernetes.io/managed-by',
    'nottoolkit.fluxcd.io/x',
  ];
  for (const key of copied) {
    it(`take over ${key}`, () => {
      const { metadata } = buildSecret(externalSecret({}, { annotations: { [key]: 'x' } }), values, undefined);
      assert.equal(metadata.annotations?.[key], 'x');
    });
  }
});

describe('a Secret that is there already', () => {
  it('keeps fields that nobody here knows', () => {
    const current = existing({ later: { deep: [1] } }, { finalizers: ['example.com/keep'], managedFields: [{}] });
    const built = buildSecret(externalSecret(), values, current) as Secret & { later?: unknown };
    assert.deepEqual(built.later, { deep: [1] });
    assert.deepEqual(built.metadata.finalizers, ['example.com/keep']);
    assert.deepEqual((built.metadata as { managedFields?: unknown }).managedFields, [{}]);
  });

  it('is written against the version that was read', () => {
    assert.equal(buildSecret(externalSecret(), values, existing()).metadata.resourceVersion, '7');
  });

  it('keeps labels and annotations of others', () => {
    const current = existing({}, { labels: { theirs: 'x' }, annotations: { theirs: 'y' } });
    const { metadata } = buildSecret(externalSecret(), values, current);
    assert.deepEqual([metadata.labels?.['theirs'], metadata.annotations?.['theirs']], ['x', 'y']);
  });

  it('loses keys that the ExternalSecret does not make', () => {
    const current = existing({ data: { old: btoa('fake-old') } });
    assert.deepEqual(Object.keys(buildSecret(externalSecret(), values, current).data ?? {}), ['user', 'password']);
  });

  it('keeps its type', () => {
    assert.equal(
      buildSecret(externalSecret(), values, existing({ type: 'kubernetes.io/tls' })).type,
      'kubernetes.io/tls',
    );
  });

  it('keeps its other owners and gets us as controller, once', () => {
    const current = existing({}, { ownerReferences: [somebody, { ...us, name: 'renamed' }] });
    assert.deepEqual(buildSecret(externalSecret(), values, current).metadata.ownerReferences, [somebody, us]);
  });

  it('of policy Orphan keeps its other owners and loses us', () => {
    const current = existing({}, { labels: { [CREATED_BY]: 'x' }, ownerReferences: [us, somebody] });
    const { metadata } = buildSecret(externalSecret({ creationPolicy: 'Orphan' }), values, current);
    assert.deepEqual(metadata.ownerReferences, [somebody]);
    assert.ok(!Object.hasOwn(metadata.labels ?? {}, CREATED_BY));
  });

  it('of policy Orphan that only we owned belongs to nobody, so that it outlives us', () => {
    const current = existing({}, { ownerReferences: [us] });
    const { metadata } = buildSecret(externalSecret({ creationPolicy: 'Orphan' }), values, current);
    assert.equal(metadata.ownerReferences, undefined);
  });

  it('is left exactly as it is by the same values', () => {
    const first = buildSecret(externalSecret(), values, undefined);
    assert.deepEqual(buildSecret(externalSecret(), values, first), first);
  });

  it('is not changed in place', () => {
    const current = Object.freeze(existing({ data: Object.freeze({ old: 'eA==' }) }));
    const before = structuredClone(current);
    buildSecret(externalSecret(), values, current);
    assert.deepEqual(current, before);
  });
});

/** What `metadata.managedFields` says of one writer. */
function writtenBy(name: string, data: readonly string[], labels: readonly string[] = []): ManagedFields {
  const members = (names: readonly string[]): Record<string, Json> =>
    Object.fromEntries(names.map((each) => [`f:${each}`, {}]));
  return {
    manager: fieldManagerOf(name),
    operation: 'Update',
    fieldsV1: { 'f:data': members(data), 'f:metadata': { 'f:labels': members(labels) } },
  };
}

describe('a Secret that is added to', () => {
  const data = { other: btoa('theirs'), stale: btoa('ours'), user: btoa('old') };
  const managedFields = [writtenBy('db', ['stale', 'user'], ['gone'])];
  const current = existing({ data }, { managedFields, labels: { app: 'chart', gone: 'x', [CREATED_BY]: 'x' } });

  for (const creationPolicy of ['Merge', 'CreateOrMerge'] as const) {
    it(`by policy ${creationPolicy} keeps the keys of others, and loses those that we no longer make`, () => {
      const secret = buildSecret(externalSecret({ creationPolicy }), values, current);
      assert.deepEqual(secret.data, {
        ...{ other: btoa('theirs'), user: btoa('fake-user'), password: btoa('fake-password') },
      });
      assert.equal(summarise(secret).isIntact, true);
      assert.equal(secret.metadata.labels?.['app'], 'chart');
      assert.ok(!Object.hasOwn(secret.metadata.labels ?? {}, 'gone'));
    });
  }

  it('by policy Merge still says who has made it, unless that was us', () => {
    const target: ExternalSecretTarget = { creationPolicy: 'Merge' };
    assert.equal(buildSecret(externalSecret(target), values, current).metadata.labels?.[CREATED_BY], 'x');
    const own = buildSecret(externalSecret(), values, undefined);
    assert.ok(!Object.hasOwn(buildSecret(externalSecret(target), values, own).metadata.labels ?? {}, CREATED_BY));
  });

  it('keeps what another ExternalSecret adds later, also where both have a key or a label', () => {
    const later = { ...externalSecret(), metadata: { name: 'later', namespace: 'shop', uid: 'later-uid' } };
    const theirs = [...managedFields, writtenBy('later', ['password', 'added'], ['team'])];
    const both = existing(
      { data: { ...data, password: btoa('later'), added: btoa('later') } },
      { managedFields: theirs, labels: { team: 'later' } },
    );
    const owner = externalSecret({}, { labels: { team: 'ours', tier: 'ours' } });
    const secret = buildSecret(owner, values, both, [later]);
    assert.deepEqual(secret.data, { user: btoa('fake-user'), password: btoa('later'), added: btoa('later') });
    assert.deepEqual([secret.metadata.labels?.['team'], secret.metadata.labels?.['tier']], ['later', 'ours']);
    assert.deepEqual(buildSecret(owner, values, secret, [later]), secret);
    assert.deepEqual(buildSecret(owner, values, secret).data, {
      user: btoa('fake-user'),
      password: btoa('fake-password'),
    });
  });

  it('of no key at all has no data, as the API server has it', () => {
    const secret = buildSecret(externalSecret(), new Map(), existing());
    assert.ok(!Object.hasOwn(secret, 'data'));
    assert.equal(summarise(secret).isIntact, true);
  });

  it('keeps its owners in their order', () => {
    const { metadata } = buildSecret(externalSecret(), values, existing({}, { ownerReferences: [us, somebody] }));
    assert.deepEqual(metadata.ownerReferences, [us, somebody]);
  });

  it('never loses a key that somebody else has written, and is the same when it is built again', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const keys = fc.uniqueArray(key);
    fc.assert(
      fc.property(
        keys,
        keys,
        keys,
        fc.constantFrom('Merge' as const, 'CreateOrMerge' as const),
        (there, own, wanted, creationPolicy) => {
          const secret = existing(
            { data: Object.fromEntries(there.map((each) => [each, btoa('there')])) },
            { managedFields: [writtenBy('db', own)] },
          );
          const made = new Map(wanted.map((each) => [each, SecretValue.fromText('made')]));
          const built = buildSecret(externalSecret({ creationPolicy }), made, secret);
          const kept = there.filter((each) => !own.includes(each));
          assert.deepEqual(Object.keys(built.data ?? {}).toSorted(), [...new Set([...kept, ...wanted])].toSorted());
          assert.deepEqual(
            buildSecret(externalSecret({ creationPolicy }), made, { ...secret, ...built }).data,
            built.data,
          );
        },
      ),
    );
  });
});

describe('a target', () => {
  const fine: Readonly<Record<string, readonly [ExternalSecret, Secret | undefined]>> = {
    'that does not exist': [externalSecret(), undefined],
    'of type Opaque': [externalSecret(), existing()],
    'that nobody controls, which is adopted': [externalSecret(), existing({}, { ownerReferences: [somebody] })],
    'that we control': [externalSecret(), existing({}, { ownerReferences: [us] })],
    'of any other type that stays': [externalSecret(), existing({ type: 'kubernetes.io/dockerconfigjson' })],
    'whose type the template repeats': [
      externalSecret({ template: { type: 'kubernetes.io/tls' } }),
      existing({ type: 'kubernetes.io/tls' }),
    ],
  };
  for (const [name, [from, current]] of Object.entries(fine)) {
    it(`${name} may be written`, () => assert.doesNotThrow(() => assertTargetAllowed(from, current)));
  }

  const protectedTypes = ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token', 'helm.sh/release.v1'];
  const refused: Readonly<Record<string, readonly [ExternalSecret, Secret | undefined, RegExp]>> = {
    ...Object.fromEntries(
      protectedTypes.flatMap((type) => [
        [`that would become ${type}`, [externalSecret({ template: { type } }), undefined, /never written/]],
        [`that is ${type}`, [externalSecret(), existing({ type }), /never written/]],
        [
          `that is ${type} and would become Opaque`,
          [externalSecret({ template: { type: 'Opaque' } }), existing({ type }), /never written/],
        ],
      ]),
    ),
    'of a type that would change': [
      externalSecret({ template: { type: 'kubernetes.io/tls' } }),
      existing(),
      /type Opaque .* cannot be changed to kubernetes\.io\/tls: delete the Secret/,
    ],
    'that another object controls': [
      externalSecret(),
      existing({}, { ownerReferences: [{ ...somebody, controller: true }] }),
      /belongs to ConfigMap "other"/,
    ],
    'that another ExternalSecret of the same name controls': [
      externalSecret(),
      existing({}, { ownerReferences: [{ ...us, uid: 'uid-before' }] }),
      /belongs to ExternalSecret "db"/,
    ],
  };
  for (const [name, [from, current, message]] of Object.entries(refused)) {
    it(`${name} is never written`, () => {
      assert.throws(
        () => assertTargetAllowed(from, current),
        (error) => error instanceof LatchkeyError && error.code === 'TargetForbidden' && message.test(error.message),
      );
    });
  }
});

describe('the field manager', () => {
  it('of a short name is upstream’s', () => {
    assert.equal(fieldManagerOf('db'), 'externalsecrets.external-secrets.io/db');
  });

  it('of a name that fits by one character is not hashed, and one longer is', () => {
    const fitting = 63 - 'externalsecrets.external-secrets.io/'.length;
    assert.equal(fieldManagerOf('x'.repeat(fitting)).length, 63);
    assert.match(
      fieldManagerOf('x'.repeat(fitting + 1)),
      /^externalsecrets\.external-secrets\.io\/sha3\/[0-9a-f]{56}$/,
    );
  });

  it('never has more characters than the API server allows, and tells long names apart', () => {
    const names = fc.stringMatching(/^[a-z][a-z0-9.-]{0,252}$/);
    fc.assert(
      fc.property(names, names, (a, b) => {
        assert.ok(fieldManagerOf(a).length <= 128);
        assert.equal(fieldManagerOf(a) === fieldManagerOf(b), a === b);
      }),
    );
  });
});
