/** Compare-and-swap under every interleaving, and what a write leaves alone. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import type { KubernetesObject, Secret } from '../../../../src/api/kubernetes.ts';
import { externalSecrets, secrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import { materialise, type Materialised } from '../../../../src/stores/materialise.ts';
import { handClock, type HandClock } from './support/clock.ts';
import { clusterIsDown, observed, type ObservedCluster } from './support/observed-cluster.ts';
import { database, noMetrics } from './support/world.ts';

const key = { namespace: 'shop', name: 'db' };

class Target {
  readonly clock: HandClock = handClock();
  readonly folder = new FolderCluster(this.clock);
  readonly cluster: ObservedCluster = observed(this.folder);
  readonly counted: string[] = [];
  fetches = 0;

  async write(
    fetch: () => string | Promise<string>,
    { spec = {}, isBelievedAbsent = false, cluster = this.cluster } = {},
  ): Promise<Materialised & { readonly secret: Secret }> {
    this.folder.load(database(spec) as unknown as KubernetesObject);
    const [externalSecret] = await this.folder.list(externalSecrets);
    const materialised = await materialise(cluster, externalSecret as ExternalSecret, {
      isBelievedAbsent,
      isAskedFor: true,
      later: [],
      fetch: async () => {
        this.fetches += 1;
        return { values: new Map([['password', SecretValue.fromText(await fetch())]]), missing: [] };
      },
      clock: this.clock,
      metrics: { ...noMetrics, secretWrite: (operation) => void this.counted.push(operation) },
      signal: AbortSignal.timeout(60_000),
    });
    const { secret } = materialised;
    assert.ok(secret);
    return { ...materialised, secret };
  }

  async value(): Promise<string> {
    const secret = await this.folder.get(secrets, key);
    return Buffer.from(secret?.data?.['password'] ?? '', 'base64').toString();
  }

  /** Somebody else writes, knowing nothing of us. */
  async interfere(change: Partial<Secret>): Promise<void> {
    const secret = await this.folder.get(secrets, key);
    assert.ok(secret);
    await this.folder.update(secrets, { ...secret, ...change });
  }
}

const isForbidden = (error: unknown): boolean => error instanceof LatchkeyError && error.code === 'TargetForbidden';
let target: Target;

beforeEach(() => {
  target = new Target();
});

describe('of writers at the same time', () => {
  it('one with an older value never replaces the newer one, however their steps fall', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.boolean(), fc.boolean(), async (scheduler, isThere, isBelievedAbsent) => {
        const race = new Target();
        if (isThere) await race.write(() => 'not-real-initial');
        let backend = 'not-real-older';
        race.cluster.before = (call) => scheduler.schedule(Promise.resolve(), call);
        // The backend says what it holds when it is asked, and the answer takes its time.
        const fetch = async (who: string): Promise<string> => {
          const value = backend;
          await scheduler.schedule(Promise.resolve(), `answer to ${who}`);
          return value;
        };
        const early = race.write(() => fetch('early'), { isBelievedAbsent });
        const late = scheduler
          .schedule(Promise.resolve(), 'the value changes')
          .then(() => (backend = 'not-real-newer'))
          .then(() => race.write(() => fetch('late'), { isBelievedAbsent }));
        const [, ended] = await scheduler.waitFor(Promise.all([early, late]));
        assert.equal(await race.value(), 'not-real-newer');
        assert.equal(Buffer.from(ended.secret.data?.['password'] ?? '', 'base64').toString(), 'not-real-newer');
      }),
      { numRuns: 300 },
    );
  });

  it('whoever loses says when the fetch began that it ended with', async () => {
    target.cluster.before = async (call) => {
      if (call !== 'create Secret') return;
      target.cluster.before = () => undefined;
      target.clock.advance(5_000);
      await target.write(() => 'not-real-theirs');
    };
    const startedAtMs = target.clock.now();
    const { fetchStartedAtMs } = await target.write(() => 'not-real-ours', { isBelievedAbsent: true });
    assert.equal(fetchStartedAtMs, startedAtMs + 5_000);
  });

  it('whoever finds the same value after a lost race writes nothing more', async () => {
    target.cluster.before = async (call) => {
      if (call !== 'create Secret') return;
      target.cluster.before = () => undefined;
      await target.write(() => 'not-real-same');
    };
    await target.write(() => 'not-real-same', { isBelievedAbsent: true });
    assert.deepEqual(target.counted, ['create']);
  });

  it('whoever finds the target taken over after a lost race leaves it alone', async () => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Thing', name: 'x', uid: 'their-uid', controller: true }];
    target.cluster.before = async (call) => {
      if (call !== 'create Secret') return;
      target.cluster.before = () => undefined;
      const metadata = { ...key, ownerReferences };
      await target.folder.create(secrets, {
        ...{ apiVersion: 'v1', kind: 'Secret', metadata, data: { password: 'dGhlaXJz' } },
      });
    };
    await assert.rejects(
      target.write(() => 'not-real', { isBelievedAbsent: true }),
      isForbidden,
    );
    assert.deepEqual([target.fetches, await target.value()], [1, 'theirs']);
  });

  it('a fetch that fails after a lost race leaves what the winner wrote', async () => {
    target.cluster.before = async (call) => {
      if (call !== 'create Secret') return;
      target.cluster.before = () => undefined;
      await target.write(() => 'not-real-theirs');
    };
    const failing = (): string => {
      if (target.fetches > 1) throw new LatchkeyError('BackendUnavailable', 'down');
      return 'not-real-ours';
    };
    await assert.rejects(target.write(failing, { isBelievedAbsent: true }), /down/);
    assert.equal(await target.value(), 'not-real-theirs');
  });
});

describe('a Secret that is gone when it is written', () => {
  it('is made anew with a value fetched anew', async () => {
    await target.write(() => 'not-real-1');
    const deleted: ObservedCluster = { ...target.cluster, calls: [] };
    let isGone = false;
    deleted.get = async (resource, name) => (isGone ? undefined : target.folder.get(resource, name));
    deleted.update = async () => ((isGone = true), { outcome: 'conflict' });
    deleted.create = async (_resource, object) => ({ outcome: 'written', object });
    target.fetches = 0;
    const { secret } = await target.write(() => 'not-real-2', { cluster: deleted });
    assert.equal(secret.metadata.resourceVersion, undefined, 'it goes out as an object that does not exist yet');
    assert.equal(target.fetches, 2);
  });
});

describe('a Secret that exists', () => {
  const forbidden: Readonly<Record<string, { theirs?: Partial<Secret>; spec?: object }>> = {
    'is a bootstrap token': { theirs: { type: 'bootstrap.kubernetes.io/token' } },
    'has a type that the template would change': {
      theirs: { type: 'kubernetes.io/tls' },
      spec: { target: { template: { type: 'Opaque' } } },
    },
    'would become a service account token': {
      spec: { target: { template: { type: 'kubernetes.io/service-account-token' } } },
    },
  };
  for (const [what, { theirs, spec = {} }] of Object.entries(forbidden)) {
    it(`is left alone before any fetch when it ${what}`, async () => {
      const data = { password: 'dGhlaXJz' };
      await target.folder.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: key, data, ...theirs });
      await assert.rejects(
        target.write(() => 'not-real', { spec }),
        isForbidden,
      );
      assert.deepEqual([target.fetches, await target.value()], [0, 'theirs']);
    });
  }

  it('and belongs to nobody is adopted, with what others wrote on it', async () => {
    await target.folder.create(secrets, {
      ...{ apiVersion: 'v1', kind: 'Secret', data: { password: 'dGhlaXJz', more: 'eA==' } },
      metadata: { ...key, labels: { team: 'sales' }, annotations: { 'example.com/note': 'kept' } },
    });
    const { secret } = await target.write(() => 'not-real');
    assert.equal(secret.metadata.labels?.['team'], 'sales');
    assert.equal(secret.metadata.annotations?.['example.com/note'], 'kept');
    assert.equal(secret.metadata.ownerReferences?.[0]?.name, 'db');
    assert.deepEqual(Object.keys(secret.data ?? {}), ['password']);
  });

  it('keeps owners that are no controllers', async () => {
    const theirs = { apiVersion: 'v1', kind: 'Thing', name: 'x', uid: 'their-uid' };
    const metadata = { ...key, ownerReferences: [theirs] };
    await target.folder.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata, data: {} });
    const { secret } = await target.write(() => 'not-real');
    assert.deepEqual(
      secret.metadata.ownerReferences?.map(({ uid, controller = false }) => [uid === 'their-uid', controller]),
      [
        [true, false],
        [false, true],
      ],
    );
  });

  it('is put right when somebody changed its data or took our marks away', async () => {
    const { secret } = await target.write(() => 'not-real');
    const changes: readonly Partial<Secret>[] = [
      { data: { password: 'dGFtcGVyZWQ=' } },
      { metadata: { ...secret.metadata, labels: {} } },
      { metadata: { ...secret.metadata, annotations: {} } },
    ];
    for (const change of changes) {
      const resourceVersion = (await target.folder.get(secrets, key))?.metadata.resourceVersion ?? '';
      const metadata = { ...(change.metadata ?? secret.metadata), resourceVersion };
      await target.interfere({ ...change, metadata });
      const { secret: after } = await target.write(() => 'not-real');
      const withoutVersion = { ...after, metadata: { ...after.metadata, resourceVersion: '' } };
      assert.deepEqual(withoutVersion, { ...secret, metadata: { ...secret.metadata, resourceVersion: '' } });
    }
  });

  it('is counted as a write only when it was written', async () => {
    await target.write(() => 'not-real-1');
    await target.write(() => 'not-real-1');
    await target.write(() => 'not-real-2');
    assert.deepEqual(target.counted, ['create', 'update']);
  });
});

describe('an API server that cannot be asked', () => {
  it('keeps the backend from being asked too', async () => {
    target.cluster.before = clusterIsDown;
    await assert.rejects(
      target.write(() => 'not-real'),
      /could not be asked/,
    );
    assert.equal(target.fetches, 0);
  });
});
