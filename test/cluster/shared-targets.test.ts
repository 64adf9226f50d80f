/** Targets that are renamed, or that several ExternalSecrets name: who writes what, and what each status says. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import type { Secret } from '../../src/api/kubernetes.ts';
import { secrets } from '../../src/api/resources.ts';
import { createdByOf } from '../../src/core/target/build-secret.ts';
import * as make from '../support/latchkey/manifests.ts';
import { startReconciling, type Reconciling } from '../support/latchkey/reconciling.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const NAMESPACE = 'shared';
const SYNCED = 'True SecretSynced: secret synced';
const MANAGED = 'reconcile.external-secrets.io/managed';
const CREATED_BY = 'reconcile.external-secrets.io/created-by';

let world: Reconciling;

before(async () => {
  world = await startReconciling();
  await world.apply(
    make.namespace(NAMESPACE),
    make.fakeStore('store', NAMESPACE, { a: 'from-a', b: 'from-b', c: 'from-c' }),
  );
});

after(async () => {
  await world?.stop();
});

const externalSecret = (
  name: string,
  target: make.Manifest,
  data: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): make.Manifest => {
  const { metadata, ...rest } = make.externalSecret({ name, namespace: NAMESPACE, data, spec: { target } });
  return { ...rest, metadata: { ...(metadata as object), labels } };
};

const sync = (name: string): Promise<string> => world.sync(NAMESPACE, name);
const statusOf = (name: string): Promise<string> => world.status(NAMESPACE, name);
const podWith = (secretName: string, keys: readonly string[]): make.Manifest =>
  make.podWith('web', NAMESPACE, secretName, keys);

async function valuesOf(name: string): Promise<Readonly<Record<string, string>> | undefined> {
  const secret = await world.secret(NAMESPACE, name);
  return secret && Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, atob(value)]));
}

async function versionOf(name: string): Promise<string | undefined> {
  return (await world.secret(NAMESPACE, name))?.metadata.resourceVersion;
}

const somebodys = (name: string, metadata: make.Manifest = {}): Secret => ({
  ...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque' },
  metadata: { name, namespace: NAMESPACE, ...metadata },
  data: { other: btoa('1') },
});

/** Resolves once the cache of managed Secrets holds it. */
async function writeManaged(secret: Secret): Promise<void> {
  await world.write(secret);
  const { name } = secret.metadata;
  const isKnown = (): boolean => world.wiring.views.secrets.get({ namespace: NAMESPACE, name }) !== undefined;
  await waitUntil(isKnown, { what: `the cache to hear of ${name}`, timeoutMs: 10_000 });
}

describe('a target that gets another name', () => {
  it('of policy Owner leaves nothing behind', async () => {
    await world.apply(externalSecret('moving', { name: 'moving-from' }, { key: 'a' }));
    assert.equal(await sync('moving'), 'created');
    await world.apply(externalSecret('moving', { name: 'moving-to' }, { key: 'a' }));
    assert.equal(await sync('moving'), 'created');
    assert.equal(await valuesOf('moving-from'), undefined);
    assert.deepEqual(await valuesOf('moving-to'), { key: 'from-a' });
  });

  it('leaves alone what only looks like its own', async () => {
    await world.apply(externalSecret('forged', {}, { key: 'a' }));
    const createdBy = createdByOf(await world.externalSecret(NAMESPACE, 'forged'));
    const labels = { [MANAGED]: 'true', [CREATED_BY]: createdBy };
    const controller = { apiVersion: 'v1', kind: 'ConfigMap', name: 'chart', uid: 'a-uid', controller: true };
    await writeManaged(somebodys('forged-ownerless', { labels }));
    await writeManaged(somebodys('forged-owned', { labels, ownerReferences: [controller] }));
    assert.equal(await sync('forged'), 'created');
    assert.equal(await sync('forged'), 'unchanged');
    for (const name of ['forged-ownerless', 'forged-owned']) assert.deepEqual(await valuesOf(name), { other: '1' });
  });

  it('stays where it was while the new name cannot be had', async () => {
    await world.apply(externalSecret('stuck', { name: 'stuck-from' }, { key: 'a' }));
    await sync('stuck');
    await world.write({ ...somebodys('stuck-to'), type: 'helm.sh/release.v1' });
    await world.apply(externalSecret('stuck', { name: 'stuck-to' }, { key: 'a' }));
    assert.equal(await sync('stuck'), 'TargetForbidden');
    assert.deepEqual(await valuesOf('stuck-from'), { key: 'from-a' });
  });

  it('of policy Orphan leaves the old one, which nobody owns', async () => {
    const creationPolicy = 'Orphan';
    await world.apply(externalSecret('orphan', { creationPolicy, name: 'orphan-from' }, { key: 'a' }));
    await sync('orphan');
    await world.apply(externalSecret('orphan', { creationPolicy, name: 'orphan-to' }, { key: 'a' }));
    assert.equal(await sync('orphan'), 'created');
    assert.deepEqual(await valuesOf('orphan-from'), { key: 'from-a' });
  });
});

describe('two ExternalSecrets that make one Secret', () => {
  const ofSecond =
    'False SecretSyncedError: ExternalSecret "age-1-younger" does not make its Secret "age": ExternalSecret "age-2-older" does [TargetForbidden]';

  it('are served by the older, and the younger says so', async () => {
    await world.apply(externalSecret('age-2-older', { name: 'age' }, { key: 'a' }));
    await sleep(1_100);
    await world.apply(externalSecret('age-1-younger', { name: 'age' }, { key: 'b' }));
    assert.equal(await sync('age-1-younger'), 'TargetForbidden');
    assert.equal(await valuesOf('age'), undefined);
    assert.equal(await world.admit(podWith('age', ['key'])), 'allowed');
    assert.deepEqual(await valuesOf('age'), { key: 'from-a' });
    assert.equal(await statusOf('age-2-older'), SYNCED);
    assert.equal(await statusOf('age-1-younger'), ofSecond);
  });

  it('go on so until the Secret of the older is gone', async () => {
    await world.remove(NAMESPACE, 'age-2-older');
    assert.equal(await sync('age-1-younger'), 'TargetForbidden');
    assert.equal(
      await statusOf('age-1-younger'),
      'False SecretSyncedError: Secret "age" belongs to ExternalSecret "age-2-older" [TargetForbidden]',
    );
    const secret = await world.secret(NAMESPACE, 'age');
    assert.ok(secret);
    await world.cluster.delete(secrets, secret, { signal: AbortSignal.timeout(5_000) });
    assert.equal(await sync('age-1-younger'), 'created');
    assert.deepEqual(await valuesOf('age'), { key: 'from-b' });
  });
});

describe('an ExternalSecret that makes a Secret and one that adds to it', () => {
  const maker = externalSecret('made', {}, { own: 'a', both: 'a' }, { team: 'maker', size: 'small' });
  const merger = (data: Readonly<Record<string, string>>): make.Manifest =>
    externalSecret('merger', { name: 'made', creationPolicy: 'Merge' }, data, { team: 'merger' });

  it('give a pod the keys of both, those of the second where both have one', async () => {
    await world.apply(maker, merger({ added: 'b', both: 'b' }));
    assert.equal(await world.admit(podWith('made', ['own', 'added', 'both'])), 'allowed');
    assert.deepEqual(await valuesOf('made'), { own: 'from-a', added: 'from-b', both: 'from-b' });
    assert.deepEqual([await statusOf('made'), await statusOf('merger')], [SYNCED, SYNCED]);
  });

  it('write nothing any more, in whatever order they are synced', async () => {
    const version = await versionOf('made');
    for (const name of ['made', 'merger', 'merger', 'made']) assert.equal(await sync(name), 'unchanged', name);
    assert.equal(await versionOf('made'), version);
  });

  it('leave the Secret with its maker: owner, label and the labels of both', async () => {
    const secret = await world.secret(NAMESPACE, 'made');
    const object = await world.externalSecret(NAMESPACE, 'made');
    assert.deepEqual(
      secret?.metadata.ownerReferences?.map(({ name }) => name),
      ['made'],
    );
    assert.deepEqual(secret?.metadata.labels, {
      ...{ team: 'merger', size: 'small' },
      ...{ [MANAGED]: 'true', [CREATED_BY]: createdByOf(object) },
    });
  });

  it('give a key back to the maker when the second does not add it any more', async () => {
    await world.apply(merger({ added: 'b' }));
    assert.equal(await sync('merger'), 'updated');
    assert.deepEqual(await valuesOf('made'), { own: 'from-a', added: 'from-b' });
    assert.equal(await sync('made'), 'updated');
    assert.deepEqual(await valuesOf('made'), { own: 'from-a', added: 'from-b', both: 'from-a' });
  });

  it('lose what was added with the one that added it', async () => {
    await world.remove(NAMESPACE, 'merger');
    assert.equal(await sync('made'), 'updated');
    assert.deepEqual(await valuesOf('made'), { own: 'from-a', both: 'from-a' });
  });
});

describe('two ExternalSecrets that add to somebody’s Secret', () => {
  it('add both, the later by name where both have a key, and then write nothing', async () => {
    const target = { name: 'basket', creationPolicy: 'Merge' };
    await world.write(somebodys('basket'), 'helm');
    await world.apply(
      externalSecret('adds-1', target, { first: 'a', both: 'a' }),
      externalSecret('adds-2', target, { second: 'b', both: 'b' }),
    );
    assert.equal(await world.admit(podWith('basket', ['other', 'first', 'second', 'both'])), 'allowed');
    const all = { other: '1', first: 'from-a', second: 'from-b', both: 'from-b' };
    assert.deepEqual(await valuesOf('basket'), all);
    for (const name of ['adds-1', 'adds-2', 'adds-1']) assert.equal(await sync(name), 'unchanged', name);
    assert.deepEqual([await statusOf('adds-1'), await statusOf('adds-2')], [SYNCED, SYNCED]);
  });

  it('let a pod through to the kubelet while there is no such Secret', async () => {
    await world.apply(externalSecret('adds-3', { name: 'nothing', creationPolicy: 'Merge' }, { key: 'a' }));
    assert.equal(await world.admit(podWith('nothing', ['key'])), 'allowed');
    assert.equal(await valuesOf('nothing'), undefined);
    assert.equal(
      await statusOf('adds-3'),
      'True SecretMissing: secret will not be created due to CreationPolicy=Merge',
    );
  });
});
