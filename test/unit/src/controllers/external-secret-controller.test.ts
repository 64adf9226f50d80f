import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Secret } from '../../../../src/api/kubernetes.ts';
import { externalSecrets, secrets } from '../../../../src/api/resources.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { database, pod, store } from '../stores/support/world.ts';
import { createReconciling, type Reconciling, type ReconcilingOptions } from './reconciling.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A world in which the Secret `db` has been made by the reconciler alone. */
async function synced(spec: make.Manifest = {}, options: ReconcilingOptions = {}): Promise<Reconciling> {
  const world = await createReconciling(options);
  world.backend.values.set('prod/db', 'first');
  world.apply(database(spec));
  await world.pass(0);
  assert.equal(await world.value('db', 'password'), 'first');
  world.backend.asked.splice(0);
  return world;
}

async function readyReason({ externalSecret }: Reconciling, name = 'db'): Promise<string | undefined> {
  const ready = (await externalSecret(name))?.status?.conditions?.find(({ type }) => type === 'Ready');
  return ready && `${ready.status} ${ready.reason}`;
}

/** Other than `world.apply`, as a change of the spec that the API server counts. */
async function edit(world: Reconciling, name: string, spec: make.Manifest): Promise<void> {
  const current = await world.externalSecret(name);
  assert.ok(current);
  const generation = (current.metadata.generation ?? 1) + 1;
  const metadata = { ...current.metadata, generation };
  await world.folder.update(externalSecrets, { ...current, metadata, spec: { ...current.spec, ...spec } });
}

async function deleteExternalSecret(world: Reconciling, name: string): Promise<void> {
  const current = await world.externalSecret(name);
  assert.ok(current);
  await world.folder.delete(externalSecrets, current);
}

async function changeSecret(world: Reconciling, change: (secret: Secret) => Secret): Promise<void> {
  const current = await world.secret('db');
  assert.ok(current);
  await world.folder.update(secrets, change(current));
}

describe('the reconciler', () => {
  it('makes the Secret of an ExternalSecret that no pod asks for, and says so in its status', async () => {
    const world = await synced();
    assert.equal(await readyReason(world), 'True SecretSynced');
  });

  it('fetches again when nine tenths of the interval or a little more have passed', async () => {
    const world = await synced();
    world.backend.values.set('prod/db', 'second');
    await world.pass(0.9 * HOUR_MS - 1);
    assert.equal(await world.value('db', 'password'), 'first');
    await world.pass(0.1 * HOUR_MS);
    assert.equal(await world.value('db', 'password'), 'second');
    assert.equal(world.backend.asked.length, 1);
  });

  it('does nothing while nothing is due', async () => {
    const world = await synced();
    world.cluster.forget();
    await world.pass(0.8 * HOUR_MS);
    assert.deepEqual(world.backend.asked, []);
    assert.deepEqual(world.cluster.calls, []);
  });

  it('fetches nothing within the interval after a restart', async () => {
    const world = await synced();
    await world.stopLeading();
    await world.pass(10 * MINUTE_MS);
    world.lead();
    await world.pass(10 * MINUTE_MS);
    assert.deepEqual(world.backend.asked, []);
    await world.pass(HOUR_MS);
    assert.equal(world.backend.asked.length, 1);
  });

  it('works only as the leader', async () => {
    const world = await createReconciling({ isLeading: false });
    world.backend.values.set('prod/db', 'first');
    world.apply(database());
    await world.pass(HOUR_MS);
    assert.deepEqual(world.backend.asked, []);
    world.lead();
    await world.pass(0);
    assert.equal(await world.value('db', 'password'), 'first');
  });

  for (const [what, spec] of Object.entries({
    'refreshInterval 0': { refreshInterval: '0s' },
    'refreshPolicy CreatedOnce': { refreshPolicy: 'CreatedOnce' },
  })) {
    it(`fetches once only with ${what}`, async () => {
      const world = await synced(spec);
      await world.pass(48 * HOUR_MS);
      assert.deepEqual(world.backend.asked, []);
    });
  }

  it('syncs at once when the spec changes', async () => {
    const world = await synced({ refreshPolicy: 'OnChange' });
    world.backend.values.set('prod/other', 'of the other key');
    await edit(world, 'db', { data: [{ secretKey: 'password', remoteRef: { key: 'prod/other' } }] });
    await world.pass(0);
    assert.equal(await world.value('db', 'password'), 'of the other key');
  });

  it('syncs at once when somebody annotates it with force-sync', async () => {
    const world = await synced();
    world.backend.values.set('prod/db', 'second');
    const current = await world.externalSecret('db');
    assert.ok(current);
    const annotations = { 'force-sync': '1' };
    await world.folder.update(externalSecrets, { ...current, metadata: { ...current.metadata, annotations } });
    await world.pass(0);
    assert.equal(await world.value('db', 'password'), 'second');
  });

  it('puts a Secret right that somebody changed', async () => {
    const world = await synced();
    await world.pass(MINUTE_MS);
    await changeSecret(world, (secret) => ({ ...secret, data: { password: 'Zm9yZ2Vk' } }));
    await world.pass(0);
    assert.equal(await world.value('db', 'password'), 'first');
  });

  it('makes a Secret anew that somebody deleted', async () => {
    const world = await synced();
    await world.pass(MINUTE_MS);
    const secret = await world.secret('db');
    assert.ok(secret);
    await world.folder.delete(secrets, secret);
    await world.pass(0);
    assert.equal(await world.value('db', 'password'), 'first');
  });

  it('repairs a Secret that is changed in a loop once in two seconds at most', async () => {
    const world = await synced();
    for (let round = 0; round < 100; round += 1) {
      await changeSecret(world, (secret) => ({ ...secret, data: { password: `Zm9yZ2Vk${round}` } }));
      await world.pass(100);
    }
    assert.ok(world.backend.asked.length <= 6, `${world.backend.asked.length} fetches in ten seconds`);
  });

  it('removes the Secret under the name that a target no longer has', async () => {
    const world = await synced();
    await edit(world, 'db', { target: { name: 'renamed' } });
    await world.pass(0);
    assert.equal(await world.value('renamed', 'password'), 'first');
    assert.equal(await world.secret('db'), undefined);
  });

  it('deletes the Secret with its ExternalSecret when the deletion policy is Delete', async () => {
    const world = await synced({ target: { deletionPolicy: 'Delete' } });
    await deleteExternalSecret(world, 'db');
    await world.pass(0);
    assert.equal(await world.secret('db'), undefined);
  });

  it('leaves the Secret of a deleted ExternalSecret to the garbage collector otherwise', async () => {
    const world = await synced();
    await deleteExternalSecret(world, 'db');
    await world.pass(HOUR_MS);
    assert.equal(await world.value('db', 'password'), 'first');
    assert.deepEqual(world.backend.asked, []);
  });

  it('leaves alone what uses a store of another class', async () => {
    const world = await createReconciling();
    const foreign = { ...store('foreign'), spec: { controller: 'other', provider: { test: {} } } };
    world.backend.values.set('prod/db', 'first');
    world.apply(foreign, database({ secretStoreRef: { name: 'foreign' } }));
    await world.pass(2 * HOUR_MS);
    assert.equal(await world.secret('db'), undefined);
    assert.equal(await readyReason(world), undefined);
    assert.deepEqual(world.backend.asked, []);
  });

  it('does not fetch what a pod has just had fetched', async () => {
    const world = await synced();
    await world.pass(30 * MINUTE_MS);
    await world.review(pod({ 'latchkey.dev/max-age': '1m' }));
    assert.equal(world.backend.asked.length, 1);
    await world.pass(50 * MINUTE_MS);
    assert.equal(world.backend.asked.length, 1);
  });
});

describe('an ExternalSecret that fails', () => {
  it('is tried again after growing pauses, and after five minutes at its own interval', async () => {
    const world = await createReconciling();
    world.apply(database());
    await world.pass(5 * MINUTE_MS);
    const inFirstMinutes = world.backend.asked.length;
    assert.ok(inFirstMinutes >= 6 && inFirstMinutes <= 12, `${inFirstMinutes} tries in five minutes`);
    await world.pass(5 * HOUR_MS);
    const later = world.backend.asked.length - inFirstMinutes;
    assert.ok(later <= 6, `${later} tries in five hours`);
    assert.equal(await readyReason(world), 'False SecretSyncedError');
  });

  it('is looked at rarely when a change can mend it, and tried at once when that comes', async () => {
    const world = await createReconciling();
    world.backend.values.set('prod/db', 'first');
    world.apply(database({ secretStoreRef: { name: 'missing' } }));
    await world.pass(0);
    world.cluster.forget();
    await world.pass(5 * HOUR_MS);
    const looks = world.cluster.calls.filter((call) => call === 'get SecretStore').length;
    assert.ok(looks >= 4 && looks <= 10, `${looks} looks for the store in five hours`);
    world.apply(store('missing'));
    await world.pass(50);
    assert.equal(await world.value('db', 'password'), 'first');
  });

  it('goes on at once when another one of its store gets through after an outage', async () => {
    const world = await createReconciling();
    for (const name of ['a', 'b', 'c']) {
      world.backend.values.set(`prod/${name}`, name);
      world.apply(make.externalSecret({ name, namespace: 'shop', data: { key: `prod/${name}` } }));
    }
    world.backend.failure = 'BackendUnavailable';
    await world.pass(0);
    // From now on each is tried at its own interval only.
    await world.pass(20 * MINUTE_MS);
    world.backend.failure = undefined;
    await edit(world, 'a', { refreshInterval: '1s' });
    await world.pass(1_000);
    assert.equal(await world.value('a', 'key'), 'a');
    assert.equal(await world.value('b', 'key'), undefined);
    world.backend.failure = 'BackendUnavailable';
    await world.pass(2_000);
    world.backend.failure = undefined;
    await world.pass(2 * MINUTE_MS);
    for (const name of ['b', 'c']) assert.equal(await world.value(name, 'key'), name);
  });

  it('takes the Secret over as soon as whoever had a right to it is gone', async () => {
    const world = await synced();
    world.backend.values.set('prod/second', 'second');
    const target = { target: { name: 'db' } };
    world.apply(
      make.externalSecret({ name: 'second', namespace: 'shop', data: { password: 'prod/second' }, spec: target }),
    );
    await world.pass(0);
    assert.equal(await readyReason(world, 'second'), 'False SecretSyncedError');
    const secret = await world.secret('db');
    await deleteExternalSecret(world, 'db');
    // As the garbage collector does.
    assert.ok(secret);
    await world.folder.delete(secrets, secret);
    await world.pass(2_000);
    assert.equal(await world.value('db', 'password'), 'second');
  });
});

describe('what ExternalSecrets depend on', () => {
  it('has them synced again when their store changes, at the store’s rate', async () => {
    const world = await createReconciling({ refreshesPerSecond: 10 });
    for (let index = 0; index < 50; index += 1) {
      world.backend.values.set(`prod/${index}`, 'first');
      world.apply(make.externalSecret({ name: `es-${index}`, namespace: 'shop', data: { key: `prod/${index}` } }));
    }
    await world.pass(MINUTE_MS);
    world.backend.asked.splice(0);
    world.apply({ ...store('store'), spec: { provider: { test: { region: 'elsewhere' } } } });
    await world.pass(950);
    assert.equal(world.backend.asked.length, 10);
    await world.pass(4_000);
    assert.equal(world.backend.asked.length, 50);
  });

  it('are not synced again for a store whose status alone changes', async () => {
    const world = await synced();
    await world.folder.patchStatus(
      { apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', plural: 'secretstores', isNamespaced: true },
      { namespace: 'shop', name: 'store' },
      { conditions: [] },
    );
    await world.pass(MINUTE_MS);
    assert.deepEqual(world.backend.asked, []);
  });
});

describe('5000 ExternalSecrets that are all due after two hours', () => {
  it('are fetched at their store’s rate, and all of them in the end', { timeout: 120_000 }, async () => {
    const world = await createReconciling();
    for (let index = 0; index < 5_000; index += 1) {
      world.backend.values.set(`prod/${index}`, 'first');
      world.apply(make.externalSecret({ name: `es-${index}`, namespace: 'shop', data: { key: `prod/${index}` } }));
    }
    await world.pass(0);
    assert.equal(world.backend.asked.length, 5_000);
    await world.stopLeading();
    await world.pass(2 * HOUR_MS);
    world.backend.asked.splice(0);
    world.lead();
    let most = 0;
    for (let second = 0; second < 250; second += 1) {
      const before = world.backend.asked.length;
      await world.pass(1_000);
      most = Math.max(most, world.backend.asked.length - before);
    }
    assert.ok(most <= 21, `${most} calls in one second`);
    assert.equal(world.backend.asked.length, 5_000);
  });
});

describe('an ExternalSecret whose template stands in a ConfigMap', () => {
  const spec = {
    target: { template: { templateFrom: [{ configMap: { name: 'texts', items: [{ key: 'motd' }] } }] } },
  };
  const texts = (motd: string): make.Manifest => ({
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'texts', namespace: 'shop' } },
    data: { motd },
  });

  async function templated(...manifests: readonly make.Manifest[]): Promise<Reconciling> {
    const world = await createReconciling();
    world.backend.values.set('prod/db', 'first');
    world.apply(database(spec), ...manifests);
    await world.pass(0);
    return world;
  }

  it('is synced again within half a minute of a change of it', async () => {
    const world = await templated(texts('before'));
    assert.equal(await world.value('db', 'motd'), 'before');
    world.apply(texts('after'));
    await world.pass(35_000);
    assert.equal(await world.value('db', 'motd'), 'after');
  });

  it('is synced once it is there', async () => {
    const world = await templated();
    assert.equal(await world.value('db', 'motd'), undefined);
    await world.pass(20 * MINUTE_MS);
    world.apply(texts('there'));
    await world.pass(35_000);
    assert.equal(await world.value('db', 'motd'), 'there');
  });

  it('costs one look in half a minute while nothing changes, and none when it is gone', async () => {
    const world = await templated(texts('same'));
    world.cluster.forget();
    await world.pass(5 * MINUTE_MS);
    const looks = (): number => world.cluster.calls.filter((call) => call === 'get ConfigMap').length;
    assert.ok(looks() >= 9 && looks() <= 11, `${looks()} looks in five minutes`);
    await deleteExternalSecret(world, 'db');
    await world.pass(MINUTE_MS);
    world.cluster.forget();
    await world.pass(5 * MINUTE_MS);
    assert.equal(looks(), 0);
  });
});
