import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { secretStores } from '../../../../src/api/resources.ts';
import { database, store } from '../stores/support/world.ts';
import { createReconciling, type Reconciling } from './reconciling.ts';

const MINUTE_MS = 60_000;

async function ready({ folder }: Reconciling, name = 'store'): Promise<string | undefined> {
  const found = await folder.get(secretStores, { namespace: 'shop', name });
  const condition = found?.status?.conditions?.find(({ type }) => type === 'Ready');
  return condition && `${condition.status} ${condition.reason}`;
}

const broken = { ...store('store'), spec: { provider: { nobody: {} } } };

describe('a store', () => {
  it('is said to be ready when a client can be made of it', async () => {
    const world = await createReconciling();
    await world.pass(0);
    assert.equal(await ready(world), 'True Valid');
  });

  it('is not written to while nothing changes', async () => {
    const world = await createReconciling();
    await world.pass(0);
    world.cluster.forget();
    await world.pass(60 * MINUTE_MS);
    assert.deepEqual(
      world.cluster.calls.filter((call) => call.startsWith('status')),
      [],
    );
  });

  it('is not ready when it cannot be used, and again at once when it was mended', async () => {
    const world = await createReconciling();
    world.apply(broken);
    await world.pass(0);
    assert.equal(await ready(world), 'False InvalidProviderConfig');
    world.apply(store('store'));
    await world.pass(0);
    assert.equal(await ready(world), 'True Valid');
  });

  it('of another class is left alone', async () => {
    const world = await createReconciling();
    world.apply({ ...store('foreign'), spec: { controller: 'other', provider: { nobody: {} } } });
    await world.pass(60 * MINUTE_MS);
    assert.equal(await ready(world, 'foreign'), undefined);
  });

  it('that works again has what failed for its sake tried at once', async () => {
    const world = await createReconciling();
    world.backend.values.set('prod/db', 'first');
    world.apply(broken, database());
    await world.pass(60 * MINUTE_MS);
    assert.equal(await world.secret('db'), undefined);
    world.apply(store('store'));
    await world.pass(100);
    assert.equal(await world.value('db', 'password'), 'first');
  });
});
