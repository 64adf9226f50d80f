import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubernetesObject, Secret } from '../../../../src/api/kubernetes.ts';
import { externalSecrets, secrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { readOnly } from '../../../../src/cluster/read-only-cluster.ts';
import { externalSecret } from '../../../support/latchkey/manifests.ts';

const key = { namespace: 'shop', name: 'db' };
const stored: Secret = { apiVersion: 'v1', kind: 'Secret', metadata: key, data: { a: 'eA==' } };
const options = { signal: new AbortController().signal, fieldManager: 'test' };

function newFolder(): FolderCluster {
  const folder = new FolderCluster({ now: () => 0 });
  folder.load(stored);
  folder.load(externalSecret({ ...key, data: {} }) as unknown as KubernetesObject);
  return folder;
}

describe('a cluster that is only read', () => {
  it('gives what is there', async () => {
    const folder = newFolder();
    const cluster = readOnly(folder);
    assert.deepEqual(await cluster.get(secrets, key, options), await folder.get(secrets, key));
    assert.deepEqual(await cluster.list(secrets, options), await folder.list(secrets));
    assert.equal(await cluster.get(secrets, { namespace: 'shop', name: 'nowhere' }, options), undefined);
  });

  it('is followed like any other', async () => {
    const folder = newFolder();
    const informer = readOnly(folder).informer(secrets, { reduce: ({ metadata }) => metadata.name });
    await informer.start(options.signal);
    await folder.create(secrets, { ...stored, metadata: { namespace: 'shop', name: 'new' } });
    assert.deepEqual([...informer.values()], ['db', 'new']);
  });

  const added: Secret = { ...stored, metadata: { namespace: 'shop', name: 'new' } };
  const changed: Secret = { ...stored, data: { b: 'eQ==' } };
  const cluster = (folder: FolderCluster): ReturnType<typeof readOnly> => readOnly(folder);
  const writes: Readonly<Record<string, readonly [(folder: FolderCluster) => Promise<unknown>, answer: unknown]>> = {
    'a create': [(f) => cluster(f).create(secrets, added, options), { outcome: 'written', object: added }],
    'a create of what is there': [(f) => cluster(f).create(secrets, changed, options), { outcome: 'conflict' }],
    'an update': [(f) => cluster(f).update(secrets, changed, options), { outcome: 'written', object: changed }],
    'an apply': [(f) => cluster(f).apply(secrets, changed, options), changed],
    'a status': [(f) => cluster(f).patchStatus(externalSecrets, key, { refreshTime: 'x' }, options), undefined],
  };
  for (const [name, [write, answer]] of Object.entries(writes)) {
    it(`answers ${name} as a cluster would, and it goes nowhere`, async () => {
      const folder = newFolder();
      const contents = async (): Promise<unknown> => [await folder.list(secrets), await folder.list(externalSecrets)];
      const before = structuredClone(await contents());
      assert.deepEqual(await write(folder), answer);
      assert.deepEqual(await contents(), before);
    });
  }
});
