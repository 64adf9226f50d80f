import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Lease } from '../../../../src/api/kubernetes.ts';
import { leases } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LeaderElection } from '../../../../src/controllers/leader-election.ts';
import { clusterIsDown, observed, type ObservedCluster } from '../stores/support/observed-cluster.ts';
import { silentLogger } from '../stores/support/world.ts';
import { handTime, type HandTime } from './hand-timer.ts';

const LEASE = { namespace: 'latchkey-system', name: 'latchkey' };

interface Candidate {
  readonly election: LeaderElection;
  readonly cluster: ObservedCluster;
  /** Is its work under way, that is, has nobody told it to stop? */
  readonly isWorking: () => boolean;
  stop(): Promise<void>;
}

interface Replicas extends Pick<HandTime, 'clock' | 'pass'> {
  join(identity: string, time?: HandTime): Candidate;
  lease(): Promise<Lease['spec']>;
}

function createReplicas(): Replicas {
  const time = handTime();
  const folder = new FolderCluster(time.clock);
  return {
    ...time,
    lease: async () => (await folder.get(leases, LEASE))?.spec,
    join(identity, { clock, timer } = time) {
      const cluster = observed(folder);
      const options = { cluster, lease: LEASE, identity, clock, timer, random: () => 0, logger: silentLogger };
      const election = new LeaderElection(options);
      const stopping = new AbortController();
      let working = 0;
      const run = election.run(
        (signal) =>
          new Promise((resolve) => {
            working += 1;
            signal.addEventListener('abort', () => {
              working -= 1;
              resolve();
            });
          }),
        stopping.signal,
      );
      return {
        election,
        cluster,
        isWorking: () => working > 0,
        stop: async () => {
          stopping.abort();
          await run;
        },
      };
    },
  };
}

describe('leader election', () => {
  it('makes the first that comes the leader, with the fields of client-go', async () => {
    const { clock, join, pass, lease } = createReplicas();
    const nowMs = clock.now();
    const first = join('first');
    await pass(0);
    assert.equal(first.election.isLeading, true);
    const now = new Date(nowMs).toISOString().replace('Z', '000Z');
    assert.deepEqual(await lease(), {
      holderIdentity: 'first',
      leaseDurationSeconds: 15,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    });
    await first.stop();
  });

  it('keeps the leader for as long as it renews, with one call each time', async () => {
    const { join, pass } = createReplicas();
    const [first, second] = [join('first'), join('second')];
    await pass(0);
    first.cluster.forget();
    await pass(60_000);
    assert.deepEqual([first.isWorking(), second.isWorking()], [true, false]);
    assert.equal(first.cluster.calls.length, 30);
    assert.ok(first.cluster.calls.every((call) => call === 'update Lease'));
    await Promise.all([first.stop(), second.stop()]);
  });

  it('hands over at once when the leader stops', async () => {
    const { join, pass, lease } = createReplicas();
    const [first, second] = [join('first'), join('second')];
    await pass(5_000);
    await first.stop();
    assert.equal((await lease())?.holderIdentity, '');
    await pass(2_500);
    assert.equal(second.isWorking(), true);
    const { holderIdentity, leaseTransitions } = (await lease()) ?? {};
    assert.deepEqual([holderIdentity, leaseTransitions], ['second', 1]);
    await second.stop();
  });

  it('stops the leader’s work ten seconds after its last renewal, and lets another lead not before fifteen', async () => {
    const { join, pass } = createReplicas();
    const [first, second] = [join('first'), join('second')];
    await pass(4_000);
    first.cluster.before = clusterIsDown;
    await pass(9_999);
    assert.deepEqual([first.isWorking(), second.isWorking()], [true, false]);
    await pass(1);
    assert.deepEqual([first.isWorking(), second.isWorking()], [false, false]);
    await pass(4_000);
    assert.equal(second.isWorking(), false);
    await pass(4_000);
    assert.equal(second.isWorking(), true);
    await Promise.all([first.stop(), second.stop()]);
  });

  it('does not let a renewal that hangs put the end off', async () => {
    const { join, pass } = createReplicas();
    const first = join('first');
    await pass(4_000);
    const { promise: never, resolve: give } = Promise.withResolvers<void>();
    first.cluster.before = () => never;
    await pass(10_000);
    assert.equal(first.isWorking(), false);
    give();
    first.cluster.before = () => undefined;
    await first.stop();
  });

  it('knows of itself that it no longer leads after a pause of the whole process', async () => {
    const replicas = createReplicas();
    // The paused process has a time of its own, in which nothing happens until it goes on.
    const own = handTime();
    const [paused, other] = [replicas.join('paused', own), replicas.join('other')];
    await own.pass(0);
    await replicas.pass(60_000);
    assert.equal(other.isWorking(), true);
    own.clock.advance(60_000);
    assert.equal(paused.election.isLeading, false);
    await own.pass(0);
    assert.equal(paused.isWorking(), false);
    await Promise.all([paused.stop(), other.stop()]);
  });

  it('goes by when a renewal was seen, not by a clock of another machine', async () => {
    const { clock, join, pass, lease } = createReplicas();
    const late = handTime();
    late.clock.advance(86_400_000);
    const [first, second] = [join('first'), join('second', late)];
    await pass(0);
    for (let seconds = 0; seconds < 60; seconds += 1) {
      await pass(1_000);
      await late.pass(1_000);
    }
    assert.ok(late.clock.now() > clock.now());
    assert.deepEqual([first.isWorking(), second.isWorking()], [true, false]);
    assert.equal((await lease())?.leaseTransitions, 0);
    await Promise.all([first.stop(), second.stop()]);
  });

  it('waits for the work under way before it lets go of the lease', async () => {
    const { clock, timer, pass } = handTime();
    const cluster = new FolderCluster(clock);
    const options = { cluster, lease: LEASE, identity: 'a', clock, timer, random: () => 0, logger: silentLogger };
    const { promise: work, resolve: finish } = Promise.withResolvers<void>();
    const stopping = new AbortController();
    const run = new LeaderElection(options).run(() => work, stopping.signal);
    await pass(0);
    stopping.abort();
    await turn();
    assert.equal((await cluster.get(leases, LEASE))?.spec?.holderIdentity, 'a');
    finish();
    await run;
    assert.equal((await cluster.get(leases, LEASE))?.spec?.holderIdentity, '');
  });
});
