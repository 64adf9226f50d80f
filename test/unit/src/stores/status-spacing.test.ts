/** When statuses are written: the timers are node:test's, so a second passes when the test says so. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { externalSecrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { StatusWriter } from '../../../../src/stores/status-writer.ts';
import { createViews } from '../../../../src/stores/views.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { handClock } from './support/clock.ts';
import { clusterIsDown, observed, type ObservedCluster } from './support/observed-cluster.ts';
import { silentLogger } from './support/world.ts';

const realTurn = setImmediate;
let cluster: ObservedCluster;
let folder: FolderCluster;
let writer: StatusWriter;
let warnings: string[];

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const clock = handClock();
  folder = new FolderCluster(clock);
  cluster = observed(folder);
  warnings = [];
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  writer = new StatusWriter(cluster, createViews(cluster), clock, logger);
});

afterEach(() => mock.timers.reset());

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => realTurn(resolve));
}

async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  await settle();
}

async function externalSecret(name = 'db'): Promise<ExternalSecret> {
  const data = { password: 'prod/db' };
  folder.load(make.externalSecret({ name, namespace: 'shop', data }) as unknown as KubernetesObject);
  const found = await folder.get(externalSecrets, { namespace: 'shop', name });
  assert.ok(found);
  return found;
}

async function refreshTime(name = 'db'): Promise<string | null | undefined> {
  return (await folder.get(externalSecrets, { namespace: 'shop', name }))?.status?.refreshTime;
}

const syncedAt = (second: number) => ({
  syncedResourceVersion: '1-x',
  fetchStartedAtMs: Date.parse('2026-01-01T00:00:00Z') + second * 1_000,
});

describe('the status of an ExternalSecret', () => {
  it('is written by itself in the next turn', async () => {
    writer.record(await externalSecret(), syncedAt(1));
    await settle();
    assert.equal(await refreshTime(), '2026-01-01T00:00:01Z');
  });

  it('is written at most once a second, and then with the newest outcome', async () => {
    const db = await externalSecret();
    writer.record(db, syncedAt(1));
    await settle();
    for (const second of [2, 3, 4]) writer.record(db, syncedAt(second));
    await pass(999);
    assert.deepEqual([cluster.calls.length, await refreshTime()], [1, '2026-01-01T00:00:01Z']);
    await pass(1);
    assert.deepEqual([cluster.calls.length, await refreshTime()], [2, '2026-01-01T00:00:04Z']);
  });

  it('is written at once again after a quiet second', async () => {
    const db = await externalSecret();
    writer.record(db, syncedAt(1));
    await settle();
    await pass(1_000);
    writer.record(db, syncedAt(2));
    await settle();
    assert.equal(await refreshTime(), '2026-01-01T00:00:02Z');
  });

  it('does not wait for the status of another one', async () => {
    writer.record(await externalSecret('db'), syncedAt(1));
    writer.record(await externalSecret('cache'), syncedAt(2));
    await settle();
    assert.deepEqual(
      [await refreshTime('db'), await refreshTime('cache')],
      ['2026-01-01T00:00:01Z', '2026-01-01T00:00:02Z'],
    );
  });

  it('that changes while it is being written is written once more, a second later', async () => {
    const db = await externalSecret();
    const { promise, resolve } = Promise.withResolvers<void>();
    cluster.before = () => promise;
    writer.record(db, syncedAt(1));
    await settle();
    writer.record(db, syncedAt(2));
    await pass(5_000);
    assert.equal(cluster.calls.length, 1, 'the first write is still on its way');
    resolve();
    await settle();
    await pass(1_000);
    assert.deepEqual([cluster.calls.length, await refreshTime()], [2, '2026-01-01T00:00:02Z']);
  });

  it('that could not be written is written with the next outcome', async () => {
    const db = await externalSecret();
    cluster.before = clusterIsDown;
    writer.record(db, syncedAt(1));
    await settle();
    assert.deepEqual(warnings, ['writing the status of an ExternalSecret failed']);
    cluster.before = () => undefined;
    writer.record(db, syncedAt(2));
    await pass(1_000);
    assert.equal(await refreshTime(), '2026-01-01T00:00:02Z');
  });

  it('that says the same failure already is not written again', async () => {
    const error = new LatchkeyError('BackendUnavailable', 'down');
    writer.record(await externalSecret(), { error });
    await settle();
    await pass(1_000);
    writer.record(await externalSecret(), { error });
    await settle();
    assert.equal(cluster.calls.length, 1);
  });

  it('that waits for its second is written when the process ends', async () => {
    const db = await externalSecret();
    writer.record(db, syncedAt(1));
    await settle();
    writer.record(db, syncedAt(2));
    await writer.flush();
    assert.equal(await refreshTime(), '2026-01-01T00:00:02Z');
  });

  it('keeps conditions of others', async () => {
    const theirs = { type: 'Theirs', status: 'True' as const };
    await externalSecret();
    await folder.patchStatus(externalSecrets, { namespace: 'shop', name: 'db' }, { conditions: [theirs] });
    writer.record(await externalSecret(), syncedAt(1));
    await settle();
    const { status } = await externalSecret();
    assert.deepEqual(
      status?.conditions?.map(({ type }) => type),
      ['Theirs', 'Ready'],
    );
  });
});
