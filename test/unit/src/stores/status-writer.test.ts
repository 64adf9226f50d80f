import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { externalSecrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { StatusWriter } from '../../../../src/stores/status-writer.ts';
import { createViews } from '../../../../src/stores/views.ts';
import { handClock } from './support/clock.ts';
import { clusterIsDown, observed, type ObservedCluster } from './support/observed-cluster.ts';
import { database, silentLogger } from './support/world.ts';

let cluster: ObservedCluster;
let folder: FolderCluster;
let externalSecret: ExternalSecret;
const warnings: string[] = [];

beforeEach(async () => {
  const clock = handClock();
  folder = new FolderCluster(clock);
  folder.load(database() as unknown as KubernetesObject);
  cluster = observed(folder);
  const [found] = await folder.list(externalSecrets);
  assert.ok(found);
  externalSecret = found;
  warnings.splice(0);
});

function newWriter(): StatusWriter {
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  return new StatusWriter(cluster, createViews(cluster), handClock(), logger);
}

const synced = { syncedResourceVersion: '1-x', fetchStartedAtMs: Date.parse('2026-01-01T00:00:00.900Z') };

describe('the status of an ExternalSecret', () => {
  it('is written after the caller has gone on, not before', async () => {
    const writer = newWriter();
    writer.record(externalSecret, synced);
    assert.deepEqual(cluster.calls, []);
    await writer.flush();
    assert.deepEqual(cluster.calls, ['status ExternalSecret']);
  });

  it('is written once for outcomes that come together, with the newest', async () => {
    const writer = newWriter();
    writer.record(externalSecret, { error: new LatchkeyError('BackendUnavailable', 'down') });
    writer.record(externalSecret, synced);
    await writer.flush();
    assert.equal(cluster.calls.length, 1);
    const [after] = await folder.list(externalSecrets);
    assert.equal(after?.status?.conditions?.[0]?.reason, 'SecretSynced');
  });

  it('that cannot be written is reported, and nobody fails over it', async () => {
    const writer = newWriter();
    cluster.before = clusterIsDown;
    writer.record(externalSecret, synced);
    await writer.flush();
    assert.deepEqual(warnings, ['writing the status of an ExternalSecret failed']);
  });

  it('of an ExternalSecret that was made anew under its name is not written onto the new one', async () => {
    const views = createViews(cluster);
    await views.start(new AbortController().signal);
    const writer = new StatusWriter(cluster, views, handClock(), silentLogger);
    const former = { ...externalSecret, metadata: { ...externalSecret.metadata, uid: 'the-former-one' } };
    writer.record(former, synced);
    await writer.flush();
    assert.deepEqual(cluster.calls, []);
  });

  it('of an ExternalSecret that is gone is forgotten', async () => {
    const writer = newWriter();
    const gone = { ...externalSecret, metadata: { ...externalSecret.metadata, name: 'gone', uid: 'gone' } };
    writer.record(gone, synced);
    await writer.flush();
    assert.deepEqual(warnings, []);
  });
});
