import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { NamespaceLookup } from '../../../../src/stores/namespace-lookup.ts';
import { createViews, type Views } from '../../../../src/stores/views.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { handClock } from './support/clock.ts';
import { clusterIsDown, observed, type ObservedCluster } from './support/observed-cluster.ts';

const signal = AbortSignal.timeout(60_000);
const namespace = make.namespace('shop') as unknown as KubernetesObject;
let folder: FolderCluster;
let cluster: ObservedCluster;
let views: Views;
let lookup: NamespaceLookup;

beforeEach(() => {
  folder = new FolderCluster(handClock());
  cluster = observed(folder);
  views = createViews(cluster);
  lookup = new NamespaceLookup(cluster, views);
});

describe('a Namespace', () => {
  it('that the cache knows costs no API call', async () => {
    folder.load(namespace);
    await views.start(signal);
    cluster.forget();
    assert.equal((await lookup.find('shop', signal))?.name, 'shop');
    assert.deepEqual(cluster.calls, []);
  });

  it('that was nowhere is found at once when the watch brings it', async () => {
    await views.start(signal);
    assert.equal(await lookup.find('shop', signal), undefined);
    folder.load(namespace);
    cluster.forget();
    assert.equal((await lookup.find('shop', signal))?.name, 'shop');
    assert.deepEqual(cluster.calls, []);
  });

  it('that could not be asked for is not taken for missing', async () => {
    folder.load(namespace);
    cluster.before = clusterIsDown;
    await assert.rejects(lookup.find('shop', signal), /could not be asked/);
    cluster.before = () => undefined;
    assert.equal((await lookup.find('shop', signal))?.name, 'shop');
  });

  it('without a name is not asked for', async () => {
    assert.equal(await lookup.find('', signal), undefined);
    assert.deepEqual(cluster.calls, []);
  });

  const ends: Readonly<Record<string, [changes: make.Manifest, isTerminating: boolean]>> = {
    'is not terminating as long as nobody deletes it': [{}, false],
    'is terminating when its phase says so': [{ status: { phase: 'Terminating' } }, true],
    'is terminating from the moment of its deletion': [
      { metadata: { name: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' } },
      true,
    ],
  };
  for (const [what, [changes, isTerminating]] of Object.entries(ends)) {
    it(what, async () => {
      folder.load({ ...namespace, ...changes });
      assert.equal((await lookup.find('shop', signal))?.isTerminating, isTerminating);
    });
  }
});
