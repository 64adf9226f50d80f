/** What becomes of pods and statuses when a store may not be used, is somebody else's, or is one of several. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { externalSecrets } from '../../src/api/resources.ts';
import * as make from '../support/latchkey/manifests.ts';
import { startReconciling, type Reconciling } from '../support/latchkey/reconciling.ts';
import { ScriptedBackend, scriptedStore } from '../support/latchkey/scripted-backend.ts';

const SYNCED = 'True SecretSynced: secret synced';
const PERMITTED_KEYS = 'externalsecrets.kubernetes-client.io/permitted-key-name';
const PERMITTED_ROLES = 'iam.amazonaws.com/permitted';
const INLINE_KEYS = 'latchkey.dev/inline-keys';
const ENABLED = { 'latchkey.dev/injection': 'enabled' };

const backend = new ScriptedBackend();
let world: Reconciling;

before(async () => {
  world = await startReconciling(backend.registry);
});

beforeEach(() => {
  backend.failure = undefined;
});

after(async () => {
  await world?.stop();
});

const namespace = (name: string, annotations: Readonly<Record<string, string>>, labels = {}): make.Manifest => ({
  ...{ apiVersion: 'v1', kind: 'Namespace' },
  metadata: { name, labels: { ...ENABLED, ...labels }, annotations },
});

function clusterStore(name: string, spec: make.Manifest, annotations: make.Manifest = {}): make.Manifest {
  const data = ['a', 'team-a/db', 'team-b/db', 'team-a/sub/db'].map((key) => ({ key, value: `of ${key}` }));
  return {
    ...{ apiVersion: 'external-secrets.io/v1', kind: 'ClusterSecretStore', metadata: { name, annotations } },
    spec: { provider: { fake: { data } }, ...spec },
  };
}

const fromCluster = (name: string, inNamespace: string, store: string, spec: make.Manifest = {}): make.Manifest =>
  make.externalSecret({
    ...{ name, namespace: inNamespace, data: { key: 'a' } },
    spec: { secretStoreRef: { kind: 'ClusterSecretStore', name: store }, ...spec },
  });

const admit = (inNamespace: string, secretName: string, keys: readonly string[] = ['key']): Promise<string> =>
  world.admit(make.podWith('web', inNamespace, secretName, keys));

/** A denial without what comes before its cause. */
const causeOf = (denial: string): string => denial.replace(/^latchkey: .* from \w+ "[^"]*"(?: and \w+ "[^"]*")*: /, '');

describe('a store of another controller', () => {
  const foreign = (name: string): make.Manifest => ({
    ...make.fakeStore(name, 'foreign', {}),
    spec: { controller: 'other', provider: { fake: { data: [{ key: 'a', value: 'theirs' }] } } },
  });

  it('serves pods, and nothing is written to the status of the ExternalSecret', async () => {
    await world.apply(namespace('foreign', {}), foreign('store'));
    await world.apply(make.externalSecret({ name: 'es', namespace: 'foreign', data: { key: 'a' } }));
    assert.equal(await admit('foreign', 'es'), 'allowed');
    assert.equal((await world.secret('foreign', 'es'))?.data?.['key'], btoa('theirs'));
    assert.equal((await world.externalSecret('foreign', 'es')).status, undefined);
  });

  it('denies a pod for what it lacks, with no word in the status either', async () => {
    await world.apply(make.externalSecret({ name: 'lacks', namespace: 'foreign', data: { key: 'gone' } }));
    assert.match(await admit('foreign', 'lacks'), /\[SecretNotFound\]$/);
    assert.equal((await world.externalSecret('foreign', 'lacks')).status, undefined);
  });

  it('gets no status of its own', async () => {
    assert.equal(await world.syncStore({ kind: 'SecretStore', namespace: 'foreign', name: 'store' }), '');
  });

  it('keeps the status of an ExternalSecret clear of us when another of its stores is not there', async () => {
    const mixed = [
      { secretKey: 'key', remoteRef: { key: 'a' } },
      { secretKey: 'gone', remoteRef: { key: 'a' }, sourceRef: { storeRef: { name: 'not-there' } } },
    ];
    await world.apply(make.externalSecret({ name: 'mixed', namespace: 'foreign', data: {}, spec: { data: mixed } }));
    assert.equal(await world.sync('foreign', 'mixed'), 'StoreNotFound');
    assert.equal((await world.externalSecret('foreign', 'mixed')).status, undefined);
  });

  it('keeps it clear of us when a cluster store of theirs does not let the namespace in', async () => {
    await world.apply(clusterStore('theirs', { controller: 'other', conditions: [{ namespaces: ['elsewhere'] }] }));
    await world.apply(fromCluster('shut', 'foreign', 'theirs'));
    assert.match(await admit('foreign', 'shut'), /\[StoreForbidden\]$/);
    assert.equal(await world.sync('foreign', 'shut'), 'StoreForbidden');
    assert.equal((await world.externalSecret('foreign', 'shut')).status, undefined);
  });
});

describe('a cluster store whose conditions are taken away', () => {
  const conditions = {
    'by name': { namespaces: ['let-in'] },
    'by label': { namespaceSelector: { matchLabels: { tier: 'inner' } } },
    'by expression': { namespaceSelector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] } },
    'by regular expression': { namespaceRegexes: ['^let-.n$'] },
  };
  const sentence = 'its spec.conditions do not allow namespace "let-in" [StoreForbidden]';

  for (const [how, condition] of Object.entries(conditions)) {
    it(`${how} denies the next pod, with its Secret still there, and the status says why`, async () => {
      const name = how.replaceAll(' ', '-');
      await world.apply(namespace('let-in', {}, { tier: 'inner' }));
      await world.apply(clusterStore(name, { conditions: [{ namespaces: ['nobody'] }, condition] }));
      await world.apply(fromCluster(name, 'let-in', name));
      assert.equal(await admit('let-in', name), 'allowed');
      const secret = await world.secret('let-in', name);
      await world.apply(clusterStore(name, { conditions: [{ namespaces: ['nobody'] }] }));
      assert.equal(causeOf(await admit('let-in', name)), sentence);
      assert.equal(await world.sync('let-in', name), 'StoreForbidden');
      assert.equal(await world.status('let-in', name), `False SecretSyncedError: ${sentence}`);
      assert.deepEqual(await world.secret('let-in', name), secret);
      await world.apply(clusterStore(name, {}));
      assert.equal(await admit('let-in', name), 'allowed');
    });
  }

  it('by the namespace’s losing its label denies the next pod', async () => {
    await world.apply(namespace('let-in', {}, { tier: 'inner' }));
    await world.apply(
      clusterStore('label', { conditions: [{ namespaceSelector: { matchLabels: { tier: 'inner' } } }] }),
    );
    await world.apply(fromCluster('label', 'let-in', 'label'));
    assert.equal(await admit('let-in', 'label'), 'allowed');
    await world.apply(namespace('let-in', {}));
    assert.equal(causeOf(await admit('let-in', 'label')), sentence);
  });

  it('in favour of an expression that cannot be read lets nobody in by it, and says which it is', async () => {
    await world.apply(clusterStore('unreadable', { conditions: [{ namespaceRegexes: ['^let-in$(?=x)'] }] }));
    await world.apply(fromCluster('unreadable', 'let-in', 'unreadable'));
    assert.equal(
      causeOf(await admit('let-in', 'unreadable')),
      'spec.conditions[0].namespaceRegexes[0] is not a regular expression of at most 1024 characters [InvalidProviderConfig]',
    );
  });
});

describe('an ExternalSecret of several stores', () => {
  const entries = (second: string): make.Manifest => ({
    dataFrom: [{ extract: { key: 'document' }, sourceRef: { storeRef: { name: 'scripted' } } }],
    data: [
      { secretKey: 'own', remoteRef: { key: 'a' } },
      { secretKey: 'other', remoteRef: { key: 'a' }, sourceRef: { storeRef: { name: second } } },
    ],
  });

  before(async () => {
    backend.values.set('document', Buffer.from('{"own":"overridden","extracted":"x"}'));
    await world.apply(
      namespace('several', {}),
      make.fakeStore('store', 'several', { a: 'first' }),
      make.fakeStore('second', 'several', { a: 'second' }),
      make.fakeStore('empty', 'several', {}),
      scriptedStore('scripted', 'several'),
    );
  });

  it('takes each entry from its own store; data wins over dataFrom', async () => {
    const spec = entries('second');
    await world.apply(make.externalSecret({ name: 'all', namespace: 'several', data: {}, spec }));
    assert.equal(await admit('several', 'all', ['own', 'other', 'extracted']), 'allowed');
    assert.deepEqual((await world.secret('several', 'all'))?.data, {
      ...{ own: btoa('first'), other: btoa('second'), extracted: btoa('x') },
    });
    assert.equal(await world.status('several', 'all'), SYNCED);
  });

  it('is written not at all when one of them has not what it asks for', async () => {
    const spec = entries('empty');
    await world.apply(make.externalSecret({ name: 'lacking', namespace: 'several', data: {}, spec }));
    assert.equal(await world.sync('several', 'lacking'), 'SecretNotFound');
    assert.equal(
      await world.status('several', 'lacking'),
      'False SecretSyncedError: spec.data[1] (secretKey "other"): the fake provider has no secret "a" [SecretNotFound]',
    );
    assert.equal(await world.secret('several', 'lacking'), undefined);
  });

  it('is written not at all when one of them is not there', async () => {
    const spec = entries('nowhere');
    await world.apply(make.externalSecret({ name: 'astray', namespace: 'several', data: {}, spec }));
    assert.equal(await world.sync('several', 'astray'), 'StoreNotFound');
    assert.equal(
      await world.status('several', 'astray'),
      'False SecretSyncedError: SecretStore "nowhere": there is no such SecretStore in namespace "several" [StoreNotFound]',
    );
    assert.match(
      await admit('several', 'astray'),
      /made by ExternalSecret "astray" from SecretStore "scripted" and SecretStore "store" and SecretStore "nowhere": /,
    );
  });

  it('keeps its Secret, and names the store, when one of them is down', async () => {
    const before = await world.secret('several', 'all');
    backend.failure = 'BackendUnavailable';
    assert.equal(await world.sync('several', 'all'), 'BackendUnavailable');
    assert.equal(
      await world.status('several', 'all'),
      'False SecretSyncedError: spec.dataFrom[0].extract: the scripted backend does not answer [BackendUnavailable]',
    );
    assert.deepEqual(await world.secret('several', 'all'), before);
  });

  it('names the store whose credentials are not there', async () => {
    const tokenSecretRef = { name: 'nobody', key: 'token' };
    await world.apply(scriptedStore('locked', 'several', { tokenSecretRef }));
    const spec = entries('locked');
    await world.apply(make.externalSecret({ name: 'locked', namespace: 'several', data: {}, spec }));
    assert.equal(await world.sync('several', 'locked'), 'CredentialsNotFound');
    assert.equal(
      await world.status('several', 'locked'),
      'False SecretSyncedError: SecretStore "locked": Secret "several/nobody", named by spec.provider.scripted.tokenSecretRef, does not exist [CredentialsNotFound]',
    );
  });
});

describe('a namespace that permits some keys only', () => {
  const expression = 'team-a/.*';
  const refused = (key: string): string =>
    `annotation ${PERMITTED_KEYS} of namespace "limited" does not permit the key "${key}" [StoreForbidden]`;

  before(async () => {
    await world.apply(namespace('limited', { [PERMITTED_KEYS]: expression }));
    await world.apply(clusterStore('common', {}, { [INLINE_KEYS]: '.*' }));
    await world.apply(make.fakeStore('store', 'limited', { 'team-a/db': 'own', 'team-b/db': 'own' }));
  });

  const cases: Readonly<Record<string, make.Manifest>> = {
    data: { data: [{ secretKey: 'key', remoteRef: { key: 'team-b/db' } }] },
    'data, of metadata': { data: [{ secretKey: 'key', remoteRef: { key: 'team-b/db', metadataPolicy: 'Fetch' } }] },
    'dataFrom.extract': { data: [], dataFrom: [{ extract: { key: 'team-b/db' } }] },
    'an entry with a store of its own': {
      data: [{ secretKey: 'key', remoteRef: { key: 'team-b/db' }, sourceRef: { storeRef: { name: 'store' } } }],
    },
  };
  for (const [way, spec] of Object.entries(cases)) {
    it(`denies another key that is asked for by ${way}`, async () => {
      const name = way.replaceAll(/[^a-z]+/gi, '-').toLowerCase();
      await world.apply(fromCluster(name, 'limited', 'common', spec));
      assert.equal(causeOf(await admit('limited', name)), refused('team-b/db'));
      assert.equal(await world.sync('limited', name), 'StoreForbidden');
      assert.equal(await world.status('limited', name), `False SecretSyncedError: ${refused('team-b/db')}`);
      assert.equal(await world.secret('limited', name), undefined);
    });
  }

  it('lets its own keys through, by every way', async () => {
    const spec = {
      data: [{ secretKey: 'key', remoteRef: { key: 'team-a/db' } }],
      dataFrom: [{ find: { name: { regexp: 'sub' } }, rewrite: [{ regexp: { source: '.*/', target: '' } }] }],
    };
    await world.apply(fromCluster('own', 'limited', 'common', spec));
    assert.equal(await world.sync('limited', 'own'), 'created', await world.status('limited', 'own'));
    assert.deepEqual((await world.secret('limited', 'own'))?.data, {
      ...{ key: btoa('of team-a/db'), 'team-a_sub_db': btoa('of team-a/sub/db') },
    });
  });

  it('finds nothing else, and is not told that there is more', async () => {
    const spec = { data: [], dataFrom: [{ find: { name: { regexp: '.*' } } }] };
    await world.apply(fromCluster('find', 'limited', 'common', spec));
    assert.equal(await world.sync('limited', 'find'), 'created');
    assert.deepEqual(Object.keys((await world.secret('limited', 'find'))?.data ?? {}), ['team-a_db', 'team-a_sub_db']);
  });

  for (const key of [
    'xteam-a/db',
    'team-a/../team-b/db',
    'team-a//db',
    'team-a/./db',
    'team-a/..',
    'team-a/db\n',
    'TEAM-A/db',
    'team-a',
  ]) {
    it(`denies ${JSON.stringify(key)}`, async () => {
      const name = `trick-${Buffer.from(key).toString('hex')}`;
      await world.apply(fromCluster(name, 'limited', 'common', { data: [{ secretKey: 'key', remoteRef: { key } }] }));
      assert.equal(causeOf(await admit('limited', name)), refused(key.replace('\n', '?')));
    });
  }

  const inline = (key: string): make.Manifest => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'limited' } },
    spec: {
      containers: [{ name: 'app', image: 'app', env: [{ name: 'KEY', value: `latchkey+cluster://common/${key}` }] }],
    },
  });

  it('denies another key that an inline reference names, and leaves nothing behind', async () => {
    const list = {
      namespace: 'limited',
      labelSelector: 'latchkey.dev/inline=true',
      signal: AbortSignal.timeout(5_000),
    };
    assert.match(await world.admit(inline('team-b/db')), /does not permit the key "team-b\/db" \[StoreForbidden\]$/);
    assert.deepEqual(await world.cluster.list(externalSecrets, list), []);
    assert.equal(await world.admit(inline('team-a/db')), 'allowed');
    assert.equal((await world.cluster.list(externalSecrets, list)).length, 1);
  });

  it('takes a right away at the next pod, an inline one too', async () => {
    await world.apply(namespace('limited', { [PERMITTED_KEYS]: 'team-c/.*' }));
    assert.match(await world.admit(inline('team-a/db')), /does not permit the key "team-a\/db" \[StoreForbidden\]$/);
    assert.equal(causeOf(await admit('limited', 'own')), refused('team-a/db'));
    await world.apply(namespace('limited', { [PERMITTED_KEYS]: expression }));
  });

  it('permits none while its expression cannot be read', async () => {
    await world.apply(namespace('limited', { [PERMITTED_KEYS]: 'team-a/(' }));
    assert.equal(
      causeOf(await admit('limited', 'own')),
      `annotation ${PERMITTED_KEYS} of namespace "limited" is not a regular expression of at most 1024 characters [StoreForbidden]`,
    );
    await world.apply(namespace('limited', { [PERMITTED_KEYS]: '' }));
    assert.equal(causeOf(await admit('limited', 'own')), refused('team-a/db'));
    await world.apply(namespace('limited', { [PERMITTED_KEYS]: expression }));
  });
});

describe('a namespace that permits some AWS roles only', () => {
  const store = (name: string, changes: make.Manifest): make.Manifest => make.awsStore(name, 'roles', changes);
  const permitted = 'arn:aws:iam::123456789012:role/shop-.*';

  const cases: Readonly<Record<string, make.Manifest>> = {
    role: { role: 'arn:aws:iam::123456789012:role/admin' },
    'additional-roles': {
      role: 'arn:aws:iam::123456789012:role/shop-db',
      additionalRoles: ['arn:aws:iam::123456789012:role/admin'],
    },
  };
  for (const [field, changes] of Object.entries(cases)) {
    it(`denies another in ${field} before anything is asked for`, async () => {
      await world.apply(namespace('roles', { [PERMITTED_ROLES]: permitted }), store(field, changes));
      await world.apply(make.externalSecret({ name: field, namespace: 'roles', store: field, data: { key: 'a' } }));
      const sentence = `annotation ${PERMITTED_ROLES} of namespace "roles" does not permit the role "arn:aws:iam::123456789012:role/admin" [StoreForbidden]`;
      assert.equal(causeOf(await admit('roles', field)), sentence);
      assert.equal(await world.sync('roles', field), 'StoreForbidden');
      assert.equal(await world.status('roles', field), `False SecretSyncedError: ${sentence}`);
    });
  }
});
