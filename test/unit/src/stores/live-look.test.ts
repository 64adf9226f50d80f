import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { LiveLook } from '../../../../src/stores/live-look.ts';
import { NamespaceLookup } from '../../../../src/stores/namespace-lookup.ts';
import { createViews, type Views } from '../../../../src/stores/views.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { handClock, type HandClock } from './support/clock.ts';
import { clusterIsDown, observed, type ObservedCluster } from './support/observed-cluster.ts';
import { database } from './support/world.ts';

let clock: HandClock;
let folder: FolderCluster;
let cluster: ObservedCluster;
/** Never started: what a cache looks like before the watch has brought anything. */
let views: Views;

beforeEach(() => {
  clock = handClock();
  folder = new FolderCluster(clock);
  cluster = observed(folder);
  views = createViews(cluster);
});

describe('the look past the cache for ExternalSecrets', () => {
  it('finds what the watch has not brought yet', async () => {
    folder.load(database() as unknown as KubernetesObject);
    await new LiveLook(cluster, views, clock).refresh('shop');
    assert.equal(views.targets.claimants('shop', 'db').length, 1);
  });

  it('is shared by all who ask at once, and taken at most once a second in a namespace', async () => {
    const look = new LiveLook(cluster, views, clock);
    await Promise.all([look.refresh('shop'), look.refresh('shop'), look.refresh('bank')]);
    assert.equal(cluster.calls.length, 2);
    clock.advance(999);
    await look.refresh('shop');
    assert.equal(cluster.calls.length, 2);
    clock.advance(1);
    await look.refresh('shop');
    assert.equal(cluster.calls.length, 3);
  });

  it('that failed is taken again by the next one', async () => {
    const look = new LiveLook(cluster, views, clock);
    cluster.before = clusterIsDown;
    await assert.rejects(look.refresh('shop'), /could not be asked/);
    cluster.before = () => undefined;
    await look.refresh('shop');
    assert.equal(cluster.calls.length, 2);
  });
});

describe('a Namespace that the cache does not know', () => {
  const signal = AbortSignal.timeout(60_000);

  it('is asked for once and then known', async () => {
    folder.load(make.namespace('shop') as unknown as KubernetesObject);
    const lookup = new NamespaceLookup(cluster, views);
    for (let round = 0; round < 3; round += 1) assert.equal((await lookup.find('shop', signal))?.name, 'shop');
    assert.deepEqual(cluster.calls, ['get Namespace']);
  });

  it('and that does not exist is not asked for again at once', async () => {
    const lookup = new NamespaceLookup(cluster, views);
    for (let round = 0; round < 3; round += 1) assert.equal(await lookup.find('nowhere', signal), undefined);
    assert.deepEqual(cluster.calls, ['get Namespace']);
  });
});
