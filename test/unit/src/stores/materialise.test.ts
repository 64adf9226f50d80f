import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import type { KubernetesObject, Secret } from '../../../../src/api/kubernetes.ts';
import { secrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import { materialise } from '../../../../src/stores/materialise.ts';
import { handClock } from './support/clock.ts';
import { observed, type ObservedCluster } from './support/observed-cluster.ts';
import { database, noMetrics } from './support/world.ts';

const key = { namespace: 'shop', name: 'db' };

function newCluster(): ObservedCluster & { readonly folder: FolderCluster } {
  const folder = new FolderCluster(handClock());
  folder.load(database() as unknown as KubernetesObject);
  return Object.assign(observed(folder), { folder });
}

async function externalSecretIn({ folder }: { readonly folder: FolderCluster }): Promise<ExternalSecret> {
  const [found] = await folder.list({
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    plural: 'externalsecrets',
    isNamespaced: true,
  });
  return found as ExternalSecret;
}

async function write(
  cluster: ReturnType<typeof newCluster>,
  fetch: () => string | Promise<string>,
  { isBelievedAbsent = false } = {},
) {
  const { secret } = await materialise(cluster, await externalSecretIn(cluster), {
    isBelievedAbsent,
    isAskedFor: true,
    later: [],
    fetch: async () => ({ values: new Map([['password', SecretValue.fromText(await fetch())]]), missing: [] }),
    clock: handClock(),
    metrics: noMetrics,
    signal: AbortSignal.timeout(5_000),
  });
  assert.ok(secret);
  return { secret };
}

async function stored(cluster: ReturnType<typeof newCluster>): Promise<string> {
  const secret = await cluster.folder.get(secrets, key);
  return Buffer.from(secret?.data?.['password'] ?? '', 'base64').toString();
}

describe('a Secret that is materialised', () => {
  it('is made without a read before it where none is believed to be', async () => {
    const cluster = newCluster();
    await write(cluster, () => 'not-real-1', { isBelievedAbsent: true });
    assert.deepEqual(cluster.calls, ['create Secret']);
    assert.equal(await stored(cluster), 'not-real-1');
  });

  it('is not written when nothing changes', async () => {
    const cluster = newCluster();
    await write(cluster, () => 'not-real-1');
    cluster.forget();
    await write(cluster, () => 'not-real-1');
    assert.deepEqual(cluster.calls, ['get Secret']);
  });

  it('keeps what others wrote on it', async () => {
    const cluster = newCluster();
    const { secret } = await write(cluster, () => 'not-real-1');
    const annotations = { ...secret.metadata.annotations, 'example.com/theirs': 'kept' };
    await cluster.folder.update(secrets, {
      ...secret,
      metadata: { ...secret.metadata, annotations },
      theirs: 1,
    } as Secret);
    const { secret: after } = await write(cluster, () => 'not-real-2');
    assert.equal(after.metadata.annotations?.['example.com/theirs'], 'kept');
    assert.equal((after as Secret & { theirs?: number }).theirs, 1);
  });

  it('is fetched for again after a lost race', async () => {
    const cluster = newCluster();
    let backend = 'not-real-older';
    let fetches = 0;
    cluster.before = async (call) => {
      if (call !== 'create Secret') return;
      cluster.before = () => undefined;
      backend = 'not-real-newer';
      await write(cluster, () => backend);
    };
    await write(cluster, () => ((fetches += 1), backend), { isBelievedAbsent: true });
    assert.equal(await stored(cluster), 'not-real-newer');
    assert.equal(fetches, 2);
  });

  it('is given up after five lost races', async () => {
    const cluster = newCluster();
    await write(cluster, () => 'not-real-0');
    let round = 0;
    cluster.before = async (call) => {
      if (call !== 'update Secret') return;
      const secret = await cluster.folder.get(secrets, key);
      assert.ok(secret);
      await cluster.folder.update(secrets, { ...secret, round: (round += 1) } as Secret);
    };
    await assert.rejects(
      write(cluster, () => 'not-real-1'),
      (error) => error instanceof LatchkeyError && error.code === 'ClusterUnavailable' && /5 times/.test(error.message),
    );
    assert.equal(round, 5);
    assert.equal(await stored(cluster), 'not-real-0');
  });

  const foreign: Readonly<Record<string, Partial<Secret> & { owner?: boolean }>> = {
    'a service account token': { type: 'kubernetes.io/service-account-token' },
    'a Helm release': { type: 'helm.sh/release.v1' },
    'somebody else’s': { owner: true },
  };
  for (const [what, { owner = false, ...fields }] of Object.entries(foreign)) {
    it(`is left alone, and nothing is fetched, where it is ${what}`, async () => {
      const cluster = newCluster();
      const ownerReferences = [{ apiVersion: 'v1', kind: 'Thing', name: 'x', uid: 'their-uid', controller: true }];
      await cluster.folder.create(secrets, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { ...key, ...(owner ? { ownerReferences } : {}) },
        data: { password: 'dGhlaXJz' },
        ...fields,
      });
      let fetches = 0;
      await assert.rejects(
        write(cluster, () => ((fetches += 1), 'x')),
        (error) => error instanceof LatchkeyError && error.code === 'TargetForbidden',
      );
      assert.deepEqual([fetches, await stored(cluster)], [0, 'theirs']);
    });
  }

  it('ends with the newest value, whatever writers do at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 4 }), async (scheduler, writers) => {
        const cluster = newCluster();
        let backend = 0;
        cluster.before = (call) => scheduler.schedule(Promise.resolve(), call);
        const change = scheduler.schedule(Promise.resolve(), 'change').then(() => (backend = 1));
        // Each writer starts at some moment; the last one starts after the value has changed.
        const early = Array.from({ length: writers - 1 }, () => write(cluster, () => `not-real-${backend}`));
        const last = change.then(() => write(cluster, () => `not-real-${backend}`));
        await scheduler.waitFor(Promise.all([...early, last]));
        assert.equal(await stored(cluster), 'not-real-1');
      }),
      { numRuns: 200 },
    );
  });
});
