import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import type { KubernetesObject, Secret } from '../../../../src/api/kubernetes.ts';
import { clusterSecretStores, externalSecrets, namespaces, secrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { externalSecret, fakeStore, namespace, toYamlDocuments } from '../../../support/latchkey/manifests.ts';
import { createTemporaryDirectory } from '../../../support/process/temporary-directory.ts';

const NOW = '2026-01-01T12:00:00.000Z';
const key = { namespace: 'shop', name: 'db' };

function handClock(): { now(): number; advance(ms: number): void } {
  let nowMs = Date.parse(NOW);
  return { now: () => nowMs, advance: (ms) => void (nowMs += ms) };
}

function newCluster(...manifests: readonly object[]): FolderCluster {
  const cluster = new FolderCluster(handClock());
  for (const manifest of manifests) cluster.load(manifest as KubernetesObject);
  return cluster;
}

function secret(changes: object = {}, metadata: object = {}): Secret {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { ...key, ...metadata }, ...changes };
}

const es = (remoteKey = 'prod/db', metadata: object = {}): object => {
  const manifest = externalSecret({ ...key, data: { password: remoteKey } });
  return { ...manifest, metadata: { ...(manifest['metadata'] as object), ...metadata } };
};

async function found(cluster: FolderCluster): Promise<ExternalSecret> {
  const object = await cluster.get(externalSecrets, key);
  assert.ok(object !== undefined);
  return object;
}

async function secretOf(cluster: FolderCluster): Promise<Secret> {
  const object = await cluster.get(secrets, key);
  assert.ok(object !== undefined);
  return object;
}

describe('an object from a manifest', () => {
  it('gets what an API server fills in', async () => {
    const { metadata } = await found(newCluster(es()));
    assert.match(metadata.uid ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.deepEqual([metadata.creationTimestamp, metadata.generation, metadata.resourceVersion], [NOW, 1, '1']);
  });

  it('keeps what the manifest says itself', async () => {
    const own = { uid: 'own-uid', creationTimestamp: '2020-01-01T00:00:00Z', generation: 5, labels: { a: 'b' } };
    const { metadata } = await found(newCluster(es('prod/db', own)));
    assert.deepEqual({ ...metadata, resourceVersion: undefined }, { ...key, ...own, resourceVersion: undefined });
  });

  it('has the same uid in every run, and another one than its neighbours', async () => {
    const uid = async (...manifests: readonly object[]): Promise<readonly (string | undefined)[]> =>
      (await newCluster(...manifests).list(externalSecrets)).map(({ metadata }) => metadata.uid);
    const other = externalSecret({ name: 'db', namespace: 'other', data: {} });
    const [first] = await uid(es());
    const both = await uid(other, es());
    assert.equal(both[1], first);
    assert.notEqual(both[0], first);
  });

  it('without a namespace is in default, unless its kind has none', async () => {
    const nameless = { ...secret(), metadata: { name: 'db' } };
    const cluster = newCluster(nameless, namespace('shop'), {
      ...fakeStore('store', 'x', {}),
      kind: 'ClusterSecretStore',
      metadata: { name: 'store', namespace: 'ignored' },
    });
    assert.ok((await cluster.get(secrets, { namespace: 'default', name: 'db' })) !== undefined);
    assert.equal((await cluster.get(namespaces, { name: 'shop' }))?.metadata.namespace, undefined);
    assert.equal((await cluster.list(clusterSecretStores)).length, 1);
  });

  it('of an older version of our API is found under the served one', async () => {
    const cluster = newCluster({ ...es(), apiVersion: 'external-secrets.io/v1beta1' });
    assert.equal((await found(cluster)).apiVersion, 'external-secrets.io/v1');
  });

  it('has stringData as data, over what data says', async () => {
    const cluster = newCluster(
      secret({ data: { a: btoa('fake-old'), b: btoa('fake-b') }, stringData: { a: 'fake-new', ä: 'fake-ä' } }),
    );
    const stored = await secretOf(cluster);
    assert.deepEqual(stored.data, {
      a: btoa('fake-new'),
      b: btoa('fake-b'),
      ä: Buffer.from('fake-ä').toString('base64'),
    });
    assert.ok(!('stringData' in stored));
  });

  it('that is read again unchanged stays as it is', async () => {
    const cluster = newCluster(es());
    cluster.load(es() as KubernetesObject);
    assert.equal((await found(cluster)).metadata.resourceVersion, '1');
  });

  it('whose spec changes has the next generation and the same uid and birth', async () => {
    const clock = handClock();
    const cluster = new FolderCluster(clock);
    cluster.load(es() as KubernetesObject);
    const before = await found(cluster);
    clock.advance(60_000);
    cluster.load(es('prod/other') as KubernetesObject);
    const after = await found(cluster);
    assert.deepEqual([before.metadata.generation, after.metadata.generation], [1, 2]);
    assert.equal(after.metadata.uid, before.metadata.uid);
    assert.equal(after.metadata.creationTimestamp, before.metadata.creationTimestamp);
  });

  it('whose labels change has the same generation and another version', async () => {
    const cluster = newCluster(es(), es('prod/db', { labels: { team: 'shop' } }));
    const { metadata } = await found(cluster);
    assert.deepEqual([metadata.generation, metadata.resourceVersion, metadata.labels], [1, '2', { team: 'shop' }]);
  });

  it('that changes keeps the status that was written', async () => {
    const cluster = newCluster(es());
    await cluster.patchStatus(externalSecrets, key, { refreshTime: NOW });
    cluster.load(es('prod/other') as KubernetesObject);
    assert.equal((await found(cluster)).status?.refreshTime, NOW);
  });
});

describe('a list', () => {
  const cluster = newCluster(
    secret({}, { labels: { team: 'shop' } }),
    secret({}, { name: 'tls' }),
    secret({}, { namespace: 'other', labels: { team: 'shop' } }),
    es(),
  );
  const cases: Readonly<Record<string, readonly [{ namespace?: string; labelSelector?: string }, readonly string[]]>> =
    {
      'has every object of its kind': [{}, ['shop/db', 'shop/tls', 'other/db']],
      'of a namespace has only those': [{ namespace: 'shop' }, ['shop/db', 'shop/tls']],
      'by label has only those': [{ labelSelector: 'team=shop' }, ['shop/db', 'other/db']],
      'by both has only those': [{ namespace: 'other', labelSelector: 'team=shop' }, ['other/db']],
      'by another value has none': [{ labelSelector: 'team=hr' }, []],
    };
  for (const [name, [options, want]] of Object.entries(cases)) {
    it(name, async () => {
      const listed = await cluster.list(secrets, options);
      assert.deepEqual(
        listed.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
        want,
      );
    });
  }
});

describe('a write', () => {
  it('creates what is not there, completed', async () => {
    const cluster = newCluster();
    const written = await cluster.create(secrets, secret({ data: { a: 'eA==' } }));
    assert.ok(written.outcome === 'written');
    assert.equal(written.object.metadata.resourceVersion, '1');
    assert.deepEqual(await cluster.get(secrets, key), written.object);
  });

  it('that creates what is there is a conflict and changes nothing', async () => {
    const cluster = newCluster(secret({ data: { a: 'eA==' } }));
    assert.deepEqual(await cluster.create(secrets, secret()), { outcome: 'conflict' });
    assert.deepEqual((await secretOf(cluster)).data, { a: 'eA==' });
  });

  it('replaces the version that was read', async () => {
    const cluster = newCluster(secret({ data: { a: 'eA==' } }));
    const read = await secretOf(cluster);
    const written = await cluster.update(secrets, { ...read, data: { b: 'eQ==' } });
    assert.ok(written.outcome === 'written');
    assert.equal(written.object.metadata.resourceVersion, '2');
    assert.deepEqual((await secretOf(cluster)).data, { b: 'eQ==' });
  });

  const stale: Readonly<Record<string, (cluster: FolderCluster) => Promise<Secret>>> = {
    'an older version': async (cluster) => {
      const read = await secretOf(cluster);
      await cluster.update(secrets, { ...read, data: { winner: 'eA==' } });
      return read;
    },
    'no version': async (cluster) => {
      const { resourceVersion: _, ...metadata } = (await secretOf(cluster)).metadata;
      return { ...secret(), metadata };
    },
    'what is not there': async () => secret({}, { name: 'gone', resourceVersion: '1' }),
  };
  for (const [name, prepare] of Object.entries(stale)) {
    it(`against ${name} is a conflict and changes nothing`, async () => {
      const cluster = newCluster(secret({ data: { a: 'eA==' } }));
      const object = await prepare(cluster);
      const before = await secretOf(cluster);
      assert.deepEqual(await cluster.update(secrets, { ...object, data: { loser: 'eQ==' } }), { outcome: 'conflict' });
      assert.deepEqual(await secretOf(cluster), before);
    });
  }

  it('is lost by all but one of several that read the same version', async () => {
    const cluster = newCluster(secret());
    const read = await secretOf(cluster);
    const outcomes = await Promise.all(
      ['a', 'b', 'c'].map((name) => cluster.update(secrets, { ...read, data: { [name]: 'eA==' } })),
    );
    assert.deepEqual(outcomes.map(({ outcome }) => outcome).toSorted(), ['conflict', 'conflict', 'written']);
  });

  it('by apply needs no version', async () => {
    const cluster = newCluster(secret());
    await cluster.apply(secrets, secret({ data: { a: 'eA==' } }));
    assert.deepEqual((await secretOf(cluster)).data, { a: 'eA==' });
  });

  it('of a status leaves the spec, its generation and what else the status says', async () => {
    const cluster = newCluster({ ...es(), status: { binding: { name: 'db' } } });
    const before = await found(cluster);
    const after = await cluster.patchStatus(externalSecrets, key, { refreshTime: NOW });
    assert.deepEqual(after?.status, { binding: { name: 'db' }, refreshTime: NOW });
    assert.deepEqual([after?.spec, after?.metadata.generation], [before.spec, before.metadata.generation]);
    assert.notEqual(after?.metadata.resourceVersion, before.metadata.resourceVersion);
  });

  it('of the status of nothing is nothing', async () => {
    assert.equal(await newCluster().patchStatus(externalSecrets, key, { refreshTime: NOW }), undefined);
  });
});

describe('an informer', () => {
  const nameOf = ({ metadata }: Secret): string => `${metadata.name}@${metadata.resourceVersion}`;

  it('has synced once it has started, with what is there', async () => {
    const informer = newCluster(secret()).informer(secrets, { reduce: nameOf });
    assert.equal(informer.hasSynced, false);
    assert.equal(informer.get(key), undefined);
    await informer.start(new AbortController().signal);
    assert.equal(informer.hasSynced, true);
    assert.deepEqual([...informer.values()], ['db@1']);
  });

  it('follows writes until it is stopped', async () => {
    const cluster = newCluster(secret());
    const stopping = new AbortController();
    const informer = cluster.informer(secrets, { reduce: nameOf });
    await informer.start(stopping.signal);
    await cluster.apply(secrets, secret({ data: { a: 'eA==' } }));
    assert.equal(informer.get(key), 'db@2');
    stopping.abort();
    await cluster.apply(secrets, secret({ data: { b: 'eA==' } }));
    assert.equal(informer.get(key), 'db@2');
  });

  it('by label takes in nothing else', async () => {
    const cluster = newCluster(secret());
    const informer = cluster.informer(secrets, { labelSelector: 'team=shop', reduce: nameOf });
    await informer.start(new AbortController().signal);
    await cluster.create(secrets, secret({}, { name: 'ours', labels: { team: 'shop' } }));
    assert.deepEqual([...informer.values()], ['ours@2']);
  });
});

describe('a folder of manifests', () => {
  it('is a cluster', async () => {
    await using temporary = await createTemporaryDirectory('folder');
    await writeFile(join(temporary.path, '1.yaml'), toYamlDocuments(namespace('shop'), { ...es() }));
    await writeFile(join(temporary.path, '2.json'), JSON.stringify(secret()));
    const cluster = newCluster();
    await cluster.loadPaths([temporary.path]);
    const objects = [
      await cluster.get(namespaces, { name: 'shop' }),
      await cluster.get(externalSecrets, key),
      await cluster.get(secrets, key),
    ];
    assert.deepEqual(
      objects.map((object) => object?.metadata.resourceVersion),
      ['1', '2', '3'],
    );
  });

  it('that holds a file with a mistake is refused naming it', async () => {
    await using temporary = await createTemporaryDirectory('folder');
    await writeFile(join(temporary.path, 'bad.yaml'), 'kind: "planted');
    await assert.rejects(newCluster().loadPaths([temporary.path]), /bad\.yaml: document 1 is not YAML/);
  });
});
