/** One pod, one Secret, every state of the world: contracts §1 as it is wired in production. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { secrets } from '../../../../src/api/resources.ts';
import type { ErrorCode } from '../../../../src/core/errors.ts';
import type { PodReview } from '../../../../src/webhook/pod-review.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { clusterIsDown } from './support/observed-cluster.ts';
import { createWorld, database, makeFresh, pod, stateOf, store, verdictOf, type World } from './support/world.ts';

const HOUR_MS = 3_600_000;
let world: World;

beforeEach(async () => {
  world = await createWorld();
  world.backend.values.set('prod/db', 'not-real-1');
});

describe('a Secret that is missing', () => {
  it('is made with one read of the backend, and the pod is fresh', async () => {
    world.apply(database());
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
    assert.equal(await world.value('db', 'password'), 'not-real-1');
    assert.deepEqual(world.backend.asked, ['prod/db']);
  });

  it('is made once for pods that come together', async () => {
    world.apply(database());
    await Promise.all(Array.from({ length: 20 }, () => world.review(pod())));
    assert.deepEqual(world.backend.asked, ['prod/db']);
  });

  it('is waited for by pods that come while a slow fetch is under way', async () => {
    world.apply(database());
    const { promise, resolve } = Promise.withResolvers<void>();
    world.backend.gate = promise;
    const reviews: Promise<PodReview>[] = [];
    for (let second = 0; second < 4; second += 1) {
      reviews.push(world.review(pod()));
      await new Promise((next) => setImmediate(next));
      world.clock.advance(2_000);
    }
    resolve();
    await Promise.all(reviews);
    assert.deepEqual(world.backend.asked, ['prod/db']);
  });

  it('that no ExternalSecret makes lets the pod wait, with a warning', async () => {
    const review = await world.review(pod());
    assert.deepEqual([stateOf(review), verdictOf(review)], ['absent', 'pending']);
    assert.match(review.decision.warnings.join(), /\[SecretUnmanaged\]/);
  });

  it('that somebody else made is none of our business', async () => {
    world.apply(make.credentialsSecret('db', {}, 'shop'));
    const review = await world.review(pod());
    assert.deepEqual([stateOf(review), review.decision.warnings], ['unmanaged', []]);
  });
});

describe('a Secret that is fresh', () => {
  it('costs no API call and no provider call', async () => {
    await makeFresh(world);
    const review = await world.review(pod());
    assert.equal(verdictOf(review), 'fresh');
    assert.deepEqual([world.cluster.calls, world.backend.asked], [[], []]);
  });

  it('is fetched again once its interval is over, and written only if it changed', async () => {
    await makeFresh(world);
    const before = await world.secret('db');
    world.clock.advance(HOUR_MS + 1_000);
    await world.review(pod());
    assert.deepEqual([world.backend.asked.length, await world.secret('db')], [1, before]);
    world.backend.values.set('prod/db', 'not-real-2');
    world.clock.advance(HOUR_MS + 1_000);
    await world.review(pod());
    assert.equal(await world.value('db', 'password'), 'not-real-2');
  });

  it('is fetched again for a pod with max-age 0s, every time', async () => {
    await makeFresh(world);
    for (let round = 1; round <= 3; round += 1) {
      world.clock.advance(1_001);
      await world.review(pod({ 'latchkey.dev/max-age': '0s' }));
      assert.equal(world.backend.asked.length, round);
    }
  });

  it('is fetched again when somebody tampered with it', async () => {
    await makeFresh(world);
    const secret = await world.secret('db');
    assert.ok(secret);
    await world.folder.update(secrets, { ...secret, data: { password: 'dGFtcGVyZWQ=' } });
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
    assert.equal(await world.value('db', 'password'), 'not-real-1');
  });

  it('is fetched again when its ExternalSecret changed', async () => {
    await makeFresh(world);
    world.backend.values.set('prod/other', 'not-real-other');
    world.apply(make.externalSecret({ name: 'db', namespace: 'shop', data: { password: 'prod/other' } }));
    await world.review(pod());
    assert.equal(await world.value('db', 'password'), 'not-real-other');
  });

  it('is of no use once its store is gone or forbidden: rights come before freshness', async () => {
    await makeFresh(world);
    world.apply(database({ secretStoreRef: { name: 'gone' } }));
    assert.equal(verdictOf(await world.review(pod())), 'denied StoreNotFound');
  });
});

describe('a pull secret of a type that the kubelet ignores', () => {
  const pulling = { ...pod(), spec: { containers: [{ name: 'app' }], imagePullSecrets: [{ name: 'db' }] } };

  it('is warned of, made by us or not', async () => {
    world.apply(database());
    const says = /imagePullSecret of type Opaque, which the kubelet ignores/;
    assert.match((await world.review(pulling)).decision.warnings.join(), says);
    const unmanaged = { ...pulling, spec: { ...pulling.spec, imagePullSecrets: [{ name: 'theirs' }] } };
    world.apply(make.credentialsSecret('theirs', {}, 'shop'));
    assert.match((await world.review(unmanaged)).decision.warnings.join(), says);
  });

  it('is not warned of where the type is right', async () => {
    world.apply(database({ target: { template: { type: 'kubernetes.io/dockerconfigjson' } } }));
    assert.deepEqual((await world.review(pulling)).decision.warnings, []);
  });
});

describe('a key that the ExternalSecret does not produce', () => {
  it('denies the pod that names it', async () => {
    world.apply(database());
    assert.equal(verdictOf(await world.review(pod({}, ['other']))), 'denied KeyMissing');
  });
});

describe('a value that is not to be had', () => {
  const outages: readonly ErrorCode[] = [
    'BackendUnavailable',
    'BackendTimeout',
    'BackendThrottled',
    'BackendAuthFailed',
    'BackendPermissionDenied',
  ];
  for (const code of outages) {
    it(`because of ${code} leaves the older one in use, with a warning`, async () => {
      await makeFresh(world);
      world.clock.advance(2 * HOUR_MS);
      world.backend.failure = code;
      const review = await world.review(pod());
      assert.equal(verdictOf(review), 'stale');
      assert.match(review.decision.warnings.join(), new RegExp(`2h old and used all the same: .* \\[${code}\\]`));
    });

    it(`because of ${code} denies the first pod`, async () => {
      world.apply(database());
      world.backend.failure = code;
      assert.equal(verdictOf(await world.review(pod())), `denied ${code}`);
      assert.equal(await world.secret('db'), undefined);
    });
  }

  it('denies once the older one is past stale-if-error', async () => {
    await makeFresh(world);
    world.backend.failure = 'BackendUnavailable';
    world.clock.advance(25 * HOUR_MS);
    assert.equal(verdictOf(await world.review(pod())), 'stale');
    world.clock.advance(2_000);
    assert.equal(verdictOf(await world.review(pod())), 'denied BackendUnavailable');
  });

  it('denies at once where stale-if-error is 0s', async () => {
    await makeFresh(world);
    world.backend.failure = 'BackendUnavailable';
    world.clock.advance(HOUR_MS + 2_000);
    const review = await world.review(pod({ 'latchkey.dev/stale-if-error': '0s' }));
    assert.equal(verdictOf(review), 'denied BackendUnavailable');
  });

  it('lets a pod wait that asks for it with on-failure', async () => {
    world.apply(database());
    world.backend.failure = 'BackendUnavailable';
    const review = await world.review(pod({ 'latchkey.dev/on-failure': 'allow' }));
    assert.equal(verdictOf(review), 'pending');
    assert.match(review.decision.warnings.join(), /admitted although/);
  });

  it('never denies for an optional reference', async () => {
    world.apply(database());
    world.backend.failure = 'BackendUnavailable';
    const optional = { name: 'db', key: 'password', optional: true };
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: optional } }];
    const review = await world.review({ ...pod(), spec: { containers: [{ name: 'app', env }] } });
    assert.equal(verdictOf(review), 'fresh');
    assert.match(review.decision.warnings.join(), /optional Secret "db" could not be brought up to date/);
  });
});

describe('an audit namespace', () => {
  beforeEach(async () => {
    world = await createWorld({ 'latchkey.dev/injection': 'audit' });
  });

  it('admits what would be denied, with a warning', async () => {
    world.apply(database());
    world.backend.failure = 'BackendUnavailable';
    const review = await world.review(pod());
    assert.equal(verdictOf(review), 'pending');
    assert.match(review.decision.warnings.join(), /admitted although .* \[BackendUnavailable\]/);
  });

  it('admits a pod with an annotation that cannot be read, with a warning', async () => {
    const review = await world.review(pod({ 'latchkey.dev/max-age': 'soon' }));
    assert.equal(verdictOf(review), 'pending');
    assert.match(review.decision.warnings.join(), /latchkey\.dev\/max-age .* \[InvalidAnnotation\]/);
  });
});

describe('a Secret of another controller’s store', () => {
  it('is given a fifth more time, unless the pod says how old it may be', async () => {
    const base = store('store');
    const foreign = { ...base, spec: { ...(base['spec'] as object), controller: 'other' } };
    await makeFresh(world);
    world.apply(foreign);
    world.clock.advance(1.1 * HOUR_MS);
    await world.review(pod());
    assert.deepEqual(world.backend.asked, []);
    await world.review(pod({ 'latchkey.dev/max-age': '1h' }));
    assert.equal(world.backend.asked.length, 1);
    world.clock.advance(1.3 * HOUR_MS);
    await world.review(pod());
    assert.equal(world.backend.asked.length, 2);
  });
});

describe('a namespace that is being deleted', () => {
  it('gets no pod and no Secret any more', async () => {
    world.apply(database());
    const reviewing = world.review(pod(), { isTerminating: true });
    await assert.rejects(reviewing, /namespace "shop" is being deleted/);
    assert.equal(await world.secret('db'), undefined);
  });
});

describe('an API server that cannot be asked', () => {
  it('denies a pod whose Secret the cache does not know', async () => {
    world.cluster.before = clusterIsDown;
    const review = await world.review(pod());
    assert.equal(verdictOf(review), 'denied ClusterUnavailable');
    assert.ok(!review.decision.allowed && !review.decision.message.includes('made by'));
  });

  it('does not deny a pod that would rather wait', async () => {
    world.cluster.before = clusterIsDown;
    assert.equal(verdictOf(await world.review(pod({ 'latchkey.dev/on-failure': 'allow' }))), 'pending');
  });

  it('is not needed where all is fresh', async () => {
    await makeFresh(world);
    world.cluster.before = clusterIsDown;
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
  });
});

describe('a dry run', () => {
  it('asks no backend, writes nothing, and says what would be fetched', async () => {
    world.apply(database());
    const review = await world.review(pod(), { isDryRun: true });
    assert.equal(stateOf(review), 'wouldFetch');
    assert.deepEqual(world.backend.asked, []);
    assert.deepEqual(
      [...new Set(world.cluster.calls)].filter((call) => !/^(get|list) /.test(call)),
      [],
    );
    assert.equal(world.backend.clients, 0);
  });

  it('has the patch of the real one where all is fresh', async () => {
    await makeFresh(world);
    const [dry, real] = [await world.review(pod(), { isDryRun: true }), await world.review(pod())];
    assert.deepEqual(dry.decision, real.decision);
  });
});

describe('a deadline', () => {
  it('denies the pod in time, and the value that comes later is there for the retry', async () => {
    world.apply(database());
    const { promise, resolve } = Promise.withResolvers<void>();
    world.backend.gate = promise;
    const deadline = new AbortController();
    const waiting = world.review(pod(), { signal: deadline.signal });
    await new Promise((next) => setTimeout(next, 10));
    deadline.abort();
    assert.equal(verdictOf(await waiting), 'denied BackendTimeout');
    resolve();
    await new Promise((next) => setTimeout(next, 10));
    assert.equal(await world.value('db', 'password'), 'not-real-1');
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
    assert.deepEqual(world.backend.asked, ['prod/db']);
  });
});

describe('the status', () => {
  it('of a success has time, version and Ready; of a failure the sentence and its code', async () => {
    await makeFresh(world);
    const status = (await world.externalSecret('db'))?.status;
    assert.equal(status?.refreshTime, '2026-01-01T00:00:00Z');
    assert.equal(status.conditions?.[0]?.reason, 'SecretSynced');
    world.clock.advance(2 * HOUR_MS);
    world.backend.failure = 'BackendUnavailable';
    await world.review(pod());
    await world.wiring.syncer.statuses.flush();
    const after = (await world.externalSecret('db'))?.status;
    assert.equal(after?.refreshTime, '2026-01-01T00:00:00Z', 'the last success stays');
    assert.match(after.conditions?.[0]?.message ?? '', /the test backend does not answer \[BackendUnavailable\]$/);
  });
});
