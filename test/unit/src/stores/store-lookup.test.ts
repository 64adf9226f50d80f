import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError, type ErrorCode } from '../../../../src/core/errors.ts';
import { StoreLookup, type PermittedStore } from '../../../../src/stores/store-lookup.ts';
import { createViews, isForeignIn, type NamespaceSummary, type Views } from '../../../../src/stores/views.ts';
import type { Manifest } from '../../../support/latchkey/manifests.ts';
import { handClock } from './support/clock.ts';
import { clusterIsDown, observed, type ObservedCluster } from './support/observed-cluster.ts';
import { database, store } from './support/world.ts';

const signal = AbortSignal.timeout(60_000);
const shop: NamespaceSummary = { name: 'shop', labels: { team: 'sales' }, annotations: {}, isTerminating: false };
let folder: FolderCluster;
let cluster: ObservedCluster;
let views: Views;

beforeEach(() => {
  folder = new FolderCluster(handClock());
  cluster = observed(folder);
  views = createViews(cluster);
});

function load(...manifests: readonly Manifest[]): void {
  for (const manifest of manifests) folder.load(manifest as unknown as KubernetesObject);
}

function clusterStore(conditions?: readonly Manifest[]): Manifest {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ClusterSecretStore',
    metadata: { name: 'store' },
    spec: { provider: { test: {} }, ...(conditions === undefined ? {} : { conditions }) },
  };
}

async function find(secretStoreRef: Manifest): Promise<PermittedStore> {
  const externalSecret = database({ secretStoreRef }) as unknown as ExternalSecret;
  const [found] = await new StoreLookup(cluster, views).find(externalSecret, shop, signal);
  assert.ok(found);
  return found;
}

const failsWith =
  (code: ErrorCode, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof LatchkeyError && error.code === code && message.test(error.message);

const clusterRef = { name: 'store', kind: 'ClusterSecretStore' };

describe('the store of an ExternalSecret', () => {
  it('is read live when the cache does not know it, and then known', async () => {
    load(store('store'));
    await find({ name: 'store' });
    assert.equal((await find({ name: 'store' })).store.metadata.name, 'store');
    assert.deepEqual(cluster.calls, ['get SecretStore']);
  });

  it('costs no API call when the cache knows it', async () => {
    load(store('store'), clusterStore());
    await views.start(signal);
    cluster.forget();
    await find({ name: 'store' });
    await find(clusterRef);
    assert.deepEqual(cluster.calls, []);
  });

  it('is a SecretStore when no kind is named', async () => {
    load(store('store'), clusterStore());
    const { storeKey } = await find({ name: 'store', kind: '' });
    assert.deepEqual(storeKey, { kind: 'SecretStore', name: 'store', namespace: 'shop' });
  });

  it('is a ClusterSecretStore, without a namespace, when that kind is named', async () => {
    load(store('store'), clusterStore());
    const found = await find(clusterRef);
    assert.deepEqual(found.storeKey, { kind: 'ClusterSecretStore', name: 'store', namespace: undefined });
    assert.equal(found.store.kind, 'ClusterSecretStore');
  });

  it('is never a SecretStore of another namespace', async () => {
    load(store('store', 'bank'));
    await assert.rejects(find({ name: 'store' }), failsWith('StoreNotFound', /SecretStore in namespace "shop"$/));
  });

  it('is never a ClusterSecretStore that only has the name of the missing SecretStore', async () => {
    load(clusterStore());
    await assert.rejects(find({ name: 'store' }), failsWith('StoreNotFound', /no such SecretStore/));
  });

  it('that does not exist is asked for again each time, so that it is found once it is there', async () => {
    await assert.rejects(find(clusterRef), failsWith('StoreNotFound', /^there is no such ClusterSecretStore$/));
    load(clusterStore());
    assert.equal((await find(clusterRef)).store.metadata.name, 'store');
  });

  it('that is not named makes the ExternalSecret invalid', async () => {
    await assert.rejects(find({}), failsWith('InvalidExternalSecret', /spec\.secretStoreRef\.name is missing/));
    assert.deepEqual(cluster.calls, []);
  });

  it('is not called missing when the API server could not be asked', async () => {
    cluster.before = clusterIsDown;
    await assert.rejects(find({ name: 'store' }), failsWith('ClusterUnavailable', /could not be asked/));
  });
});

describe('a ClusterSecretStore', () => {
  const conditions: readonly [what: string, conditions: readonly Manifest[] | undefined, code?: ErrorCode][] = [
    ['without conditions serves every namespace', undefined],
    ['with an empty list of conditions serves every namespace', []],
    ['serves a namespace that it names', [{ namespaces: ['bank', 'shop'] }]],
    ['serves a namespace that it selects', [{ namespaceSelector: { matchLabels: { team: 'sales' } } }]],
    ['serves a namespace that any one of its conditions allows', [{ namespaces: ['bank'] }, { namespaces: ['shop'] }]],
    ['refuses a namespace that it does not name', [{ namespaces: ['bank'] }], 'StoreForbidden'],
    [
      'refuses a namespace that it does not select',
      [{ namespaceSelector: { matchLabels: { team: 'hr' } } }],
      'StoreForbidden',
    ],
    ['refuses everyone by a condition that allows nothing', [{}], 'StoreForbidden'],
    ['serves a namespace that a regular expression matches anywhere', [{ namespaceRegexes: ['^x$', 'ho'] }]],
    ['refuses a namespace that no regular expression matches', [{ namespaceRegexes: ['^hop'] }], 'StoreForbidden'],
    ['refuses an expression that cannot be read', [{ namespaceRegexes: ['('] }], 'InvalidProviderConfig'],
  ];
  for (const [what, list, code] of conditions) {
    it(what, async () => {
      load(clusterStore(list));
      if (code === undefined) assert.ok(await find(clusterRef));
      else await assert.rejects(find(clusterRef), failsWith(code, /spec\.conditions/));
    });
  }
});

describe('a SecretStore', () => {
  it('is not bound by conditions, which count in cluster stores only', async () => {
    const spec = { provider: { test: {} }, conditions: [{ namespaces: ['bank'] }] };
    load({ ...store('store'), spec });
    assert.ok(await find({ name: 'store' }));
  });
});

describe('an ExternalSecret', () => {
  const isOthers = async (controllerClass: string | undefined, spec: Manifest = {}): Promise<boolean> => {
    load({ ...store('theirs'), spec: { controller: 'other', provider: { test: {} } } }, store('store'));
    await views.start(signal);
    return isForeignIn(views, database(spec) as unknown as ExternalSecret, controllerClass);
  };

  it('is ours while its store says nothing else, also while there is none yet', async () => {
    assert.equal(await isOthers('default'), false);
    assert.equal(await isOthers('default', { secretStoreRef: { name: 'gone' } }), false);
  });

  it('is another controller’s when its store says so', async () => {
    assert.equal(await isOthers('default', { secretStoreRef: { name: 'theirs' } }), true);
  });

  it('is another controller’s in any case where only pods are admitted', async () => {
    assert.equal(await isOthers(undefined), true);
    assert.equal(await isOthers(undefined, { secretStoreRef: { name: 'gone' } }), true);
  });
});
