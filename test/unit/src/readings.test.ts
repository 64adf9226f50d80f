import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { externalSecrets } from '../../../src/api/resources.ts';
import { readingsOf } from '../../../src/readings.ts';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { createReconciling, type Reconciling } from './controllers/reconciling.ts';
import { database } from './stores/support/world.ts';

const MINUTE_MS = 60_000;

/** The lines of `/metrics` that begin with a name. */
async function linesOf({ wiring, clock }: Reconciling, ...names: readonly string[]): Promise<readonly string[]> {
  const metrics = createMetrics();
  metrics.readFrom(() => ({
    ...readingsOf(wiring, clock.now()),
    isLeading: true,
    queued: 3,
    certificateExpiresAtMs: 5_000,
  }));
  const { text } = await metrics.render();
  return text.split('\n').filter((line) => names.some((name) => line.startsWith(name)));
}

describe('the metrics', () => {
  it('say of each ExternalSecret whether it is ready, by upstream’s name', async () => {
    const world = await createReconciling();
    world.backend.values.set('prod/db', 'first');
    world.apply(database());
    await world.pass(0);
    const ready = 'externalsecret_status_condition{namespace="shop",name="db",condition="Ready"';
    assert.deepEqual(await linesOf(world, 'externalsecret_status'), [
      `${ready},status="True"} 1`,
      `${ready},status="False"} 0`,
    ]);
    const object = await world.externalSecret('db');
    assert.ok(object);
    await world.folder.delete(externalSecrets, object);
    assert.deepEqual(await linesOf(world, 'externalsecret_status'), []);
  });

  it('say how old the oldest Secret is, and how long ago a store answered', async () => {
    const world = await createReconciling();
    world.backend.values.set('prod/db', 'first');
    world.apply(database());
    await world.pass(0);
    await world.pass(10 * MINUTE_MS);
    assert.deepEqual(await linesOf(world, 'latchkey_oldest', 'latchkey_store'), [
      'latchkey_store_seconds_since_success{kind="SecretStore",namespace="shop",name="store"} 600',
      'latchkey_oldest_secret_age_seconds 600',
    ]);
  });

  it('say who leads, how much waits, and when the certificate ends', async () => {
    const world = await createReconciling();
    assert.deepEqual(await linesOf(world, 'latchkey_leading', 'latchkey_reconcile', 'latchkey_certificate'), [
      'latchkey_leading 1',
      'latchkey_reconcile_queue_length 3',
      'latchkey_certificate_expiry_timestamp_seconds 5',
    ]);
  });

  it('count no ExternalSecret any more that is gone', async () => {
    const metrics = createMetrics();
    metrics.sync('shop', 'db', { isError: true, durationMs: 2 });
    const lines = async (): Promise<readonly string[]> =>
      (await metrics.render()).text.split('\n').filter((line) => /^externalsecret_.*\{/.test(line));
    assert.deepEqual(await lines(), [
      'externalsecret_sync_calls_total{namespace="shop",name="db"} 1',
      'externalsecret_sync_calls_error{namespace="shop",name="db"} 1',
      'externalsecret_reconcile_duration{namespace="shop",name="db"} 2000000',
    ]);
    metrics.forget('shop', 'db');
    assert.deepEqual(await lines(), []);
  });
});
