/** What need-resolver.test.ts leaves open of contracts §1 and §3: whose Secret it is, what stays untouched, what is said. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { KubernetesObject, Pod } from '../../../../src/api/kubernetes.ts';
import { externalSecrets, secrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { findReferences } from '../../../../src/core/admission/references.ts';
import type { ErrorCode } from '../../../../src/core/errors.ts';
import { summariseNamespace } from '../../../../src/stores/views.ts';
import { wireAdmission } from '../../../../src/wiring.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { Backend } from './support/backend.ts';
import { handClock } from './support/clock.ts';
import { observed } from './support/observed-cluster.ts';
import {
  createWorld,
  database,
  makeFresh,
  noMetrics,
  pod,
  silentLogger,
  stateOf,
  store,
  verdictOf,
  type World,
} from './support/world.ts';

const HOUR_MS = 3_600_000;
let world: World;

beforeEach(async () => {
  world = await createWorld();
  world.backend.values.set('prod/db', 'not-real-1');
});

const named = (name: string, metadata: make.Manifest, key = 'prod/db'): make.Manifest => {
  const manifest = make.externalSecret({
    ...{ name, namespace: 'shop', data: { password: key }, spec: { target: { name: 'db' } } },
  });
  return { ...manifest, metadata: { ...(manifest['metadata'] as object), ...metadata } };
};

describe('a pod that comes before its ExternalSecret', () => {
  it('is admitted to wait, and the next one finds the Secret made', async () => {
    assert.equal(verdictOf(await world.review(pod())), 'pending');
    world.apply(database());
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
    assert.equal(await world.value('db', 'password'), 'not-real-1');
  });

  it('costs one LIST of ExternalSecrets and one read of the Secret', async () => {
    await world.review(pod());
    assert.deepEqual(world.cluster.calls, ['list ExternalSecret', 'get Secret']);
  });
});

describe('an ExternalSecret that the watch has not brought', () => {
  it('is found by a live look, and its Secret is made', async () => {
    const clock = handClock();
    const folder = new FolderCluster(clock);
    const cluster = observed(folder);
    const backend = new Backend();
    backend.values.set('prod/db', 'not-real-1');
    const namespace = make.namespace('shop') as unknown as KubernetesObject;
    const wiring = wireAdmission({
      ...{ cluster, registry: backend.registry, environment: {}, clock, logger: silentLogger, metrics: noMetrics },
      settings: {
        controllerClass: 'default',
        ambientCredentials: 'none',
        allowedBackendHosts: [],
        defaultStaleIfErrorMs: 0,
      },
      versionKey: () => 'ab'.repeat(32),
    });
    // The caches have their first lists, and from here on nothing comes through.
    const watching = new AbortController();
    await wiring.views.start(watching.signal);
    watching.abort();
    for (const manifest of [store('store'), database()]) folder.load(manifest as unknown as KubernetesObject);
    cluster.forget();
    const review = await wiring.reviewPod({
      ...{ pod: pod() as unknown as Pod, references: findReferences(pod() as unknown as Pod), isDryRun: false },
      ...{
        description: 'pod "shop/web"',
        namespace: summariseNamespace(namespace),
        signal: AbortSignal.timeout(5_000),
      },
    });
    assert.equal(verdictOf(review), 'fresh');
    const calls = cluster.calls.filter((call) => !call.endsWith('Event'));
    assert.deepEqual(calls, ['list ExternalSecret', 'get SecretStore', 'create Secret']);
  });
});

describe('an ExternalSecret that is being deleted', () => {
  it('counts as absent', async () => {
    world.apply(named('db', { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    const review = await world.review(pod());
    assert.deepEqual([stateOf(review), world.backend.asked], ['absent', []]);
  });

  it('leaves a Secret that is there to nobody', async () => {
    await makeFresh(world);
    world.apply(named('db', { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    assert.equal(stateOf(await world.review(pod())), 'unmanaged');
  });
});

describe('in a namespace that is not to be touched', () => {
  const enabled = { 'latchkey.dev/injection': 'enabled' };

  it('a pod is admitted as it came when the namespace is reserved, though somebody has labelled it', async () => {
    world = await createWorld(enabled, { reservedNamespaces: ['shop'] });
    world.apply(database());
    const { allowed, patch } = await world.admit(pod());
    assert.deepEqual([allowed, patch, world.backend.asked], [true, undefined, []]);
  });

  it('no Secret is written when Latchkey itself lives there, and none is fetched', async () => {
    world = await createWorld(enabled, { ownNamespace: 'shop' });
    world.apply(database());
    assert.equal(verdictOf(await world.review(pod())), 'denied TargetForbidden');
    assert.deepEqual(world.backend.asked, []);
  });
});

describe('of two ExternalSecrets that claim one Secret', () => {
  beforeEach(() => world.backend.values.set('prod/younger', 'not-real-younger'));
  const [older, younger] = [
    named('z-older', { creationTimestamp: '2025-01-01T00:00:00Z' }),
    named('a-younger', { creationTimestamp: '2025-06-01T00:00:00Z' }, 'prod/younger'),
  ];

  it('the older one makes it', async () => {
    world.apply(younger, older);
    await world.review(pod());
    assert.equal(await world.value('db', 'password'), 'not-real-1');
  });

  it('the one that owns it keeps it, though the other is older', async () => {
    world.apply(younger);
    await world.review(pod());
    world.apply(older);
    world.clock.advance(2 * HOUR_MS);
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
    assert.equal(await world.value('db', 'password'), 'not-real-younger');
  });
});

describe('a right that is taken away', () => {
  const clusterStore = (namespaces: readonly string[]): make.Manifest => ({
    apiVersion: 'external-secrets.io/v1',
    kind: 'ClusterSecretStore',
    metadata: { name: 'shared' },
    spec: { provider: { test: {} }, conditions: [{ namespaces }] },
  });

  it('works at the next pod, however fresh the Secret is', async () => {
    world.apply(clusterStore(['shop']), database({ secretStoreRef: { name: 'shared', kind: 'ClusterSecretStore' } }));
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
    world.apply(clusterStore(['bank']));
    const before = await world.secret('db');
    assert.equal(verdictOf(await world.review(pod())), 'denied StoreForbidden');
    assert.deepEqual([await world.secret('db'), world.backend.asked], [before, ['prod/db']]);
  });

  it('works in a dry run too', async () => {
    world.apply(clusterStore(['bank']), database({ secretStoreRef: { name: 'shared', kind: 'ClusterSecretStore' } }));
    assert.equal(verdictOf(await world.review(pod(), { isDryRun: true })), 'denied StoreForbidden');
  });
});

describe('a Secret that no new value is to be had for', () => {
  const codes: readonly ErrorCode[] = [
    'BackendUnavailable',
    'BackendAuthFailed',
    'BackendResponseInvalid',
    'SecretNotFound',
    'PropertyNotFound',
    'InvalidData',
    'CredentialsNotFound',
    'Internal',
  ];
  for (const code of codes) {
    it(`stays as it is, byte for byte, after ${code}`, async () => {
      await makeFresh(world);
      const before = JSON.stringify(await world.secret('db'));
      world.backend.failure = code;
      world.clock.advance(2 * HOUR_MS);
      await world.review(pod());
      assert.equal(world.backend.asked.length, 1);
      assert.equal(JSON.stringify(await world.secret('db')), before);
    });
  }

  it('stays as it is when one of its two documents is missing', async () => {
    await makeFresh(world);
    const before = JSON.stringify(await world.secret('db'));
    world.backend.values.set('prod/db', 'not-real-2');
    world.apply(
      make.externalSecret({ name: 'db', namespace: 'shop', data: { password: 'prod/db', user: 'prod/gone' } }),
    );
    assert.equal(verdictOf(await world.review(pod())), 'denied SecretNotFound');
    assert.equal(JSON.stringify(await world.secret('db')), before);
  });
});

describe('an older value does not stand in', () => {
  for (const code of ['InvalidData', 'CredentialsNotFound'] as const) {
    it(`for ${code}, which no waiting mends`, async () => {
      await makeFresh(world);
      world.backend.failure = code;
      world.clock.advance(2 * HOUR_MS);
      assert.equal(verdictOf(await world.review(pod())), `denied ${code}`);
    });
  }

  it('for a spec that it was not made from', async () => {
    await makeFresh(world);
    world.backend.failure = 'BackendUnavailable';
    world.apply(make.externalSecret({ name: 'db', namespace: 'shop', data: { password: 'prod/other' } }));
    assert.equal(verdictOf(await world.review(pod())), 'denied BackendUnavailable');
  });

  it('once somebody tampered with it', async () => {
    await makeFresh(world);
    const secret = await world.secret('db');
    assert.ok(secret);
    await world.folder.update(secrets, { ...secret, data: { password: 'dGFtcGVyZWQ=' } });
    world.backend.failure = 'BackendUnavailable';
    assert.equal(verdictOf(await world.review(pod())), 'denied BackendUnavailable');
  });
});

describe('the time that an older value may serve', () => {
  it('is counted from the end of the limit that the pod sets', async () => {
    await makeFresh(world);
    world.backend.failure = 'BackendUnavailable';
    const strict = pod({ 'latchkey.dev/max-age': '5m', 'latchkey.dev/stale-if-error': '10m' });
    world.clock.advance(15 * 60_000);
    assert.equal(verdictOf(await world.review(strict)), 'stale');
    world.clock.advance(1_000);
    assert.equal(verdictOf(await world.review(strict)), 'denied BackendUnavailable');
  });

  it('says in the audit log what was overlooked', async () => {
    await makeFresh(world);
    world.backend.failure = 'BackendThrottled';
    world.clock.advance(2 * HOUR_MS);
    assert.deepEqual((await world.review(pod())).decision.auditAnnotations, { stale: 'db=BackendThrottled' });
  });
});

describe('a pod that asks for max-age 0s', () => {
  it('is served by a fetch of the second before it came, and by no older one', async () => {
    await makeFresh(world);
    const always = pod({ 'latchkey.dev/max-age': '0s' });
    world.clock.advance(1_000);
    await world.review(always);
    assert.equal(world.backend.asked.length, 0);
    world.clock.advance(1);
    await world.review(always);
    assert.equal(world.backend.asked.length, 1);
  });

  it('gets the value that the backend holds now', async () => {
    await makeFresh(world);
    world.backend.values.set('prod/db', 'not-real-2');
    world.clock.advance(2_000);
    assert.equal(verdictOf(await world.review(pod())), 'fresh', 'an ordinary pod is content');
    assert.equal(await world.value('db', 'password'), 'not-real-1');
    await world.review(pod({ 'latchkey.dev/max-age': '0s' }));
    assert.equal(await world.value('db', 'password'), 'not-real-2');
  });
});

describe('an optional reference', () => {
  const optionally = (required: readonly string[] = []): make.Manifest => {
    const ref = (name: string, optional: boolean) => ({ secretKeyRef: { name, key: 'password', optional } });
    const env = [
      { name: 'MAYBE', valueFrom: ref('db', true) },
      ...required.map((name) => ({ name: name.toUpperCase(), valueFrom: ref(name, false) })),
    ];
    return { ...pod(), spec: { containers: [{ name: 'app', env }] } };
  };

  it('has its Secret made all the same', async () => {
    world.apply(database());
    assert.equal(verdictOf(await world.review(optionally())), 'fresh');
    assert.equal(await world.value('db', 'password'), 'not-real-1');
  });

  it('to a store that is gone does not deny', async () => {
    world.apply(database({ secretStoreRef: { name: 'gone' } }));
    const { decision } = await world.review(optionally());
    assert.ok(decision.allowed);
    assert.match(decision.warnings.join(), /\[StoreNotFound\]/);
  });

  it('says nothing about a Secret that nobody makes', async () => {
    assert.deepEqual((await world.review(optionally())).decision.warnings, []);
  });

  it('beside a required one to the same Secret does not soften it', async () => {
    world.apply(database());
    world.backend.failure = 'BackendUnavailable';
    assert.equal(verdictOf(await world.review(optionally(['db']))), 'denied BackendUnavailable');
  });
});

describe('a pod that needs several Secrets', () => {
  it('is denied for the one that fails, and the others are made', async () => {
    const cache = make.externalSecret({ name: 'cache', namespace: 'shop', data: { password: 'prod/gone' } });
    world.apply(database(), cache);
    const refs = ['db', 'cache'].map((name) => ({ name, valueFrom: { secretKeyRef: { name, key: 'password' } } }));
    const review = await world.review({ ...pod(), spec: { containers: [{ name: 'app', env: refs }] } });
    assert.deepEqual([stateOf(review), verdictOf(review)], ['fresh,failed', 'denied SecretNotFound']);
    assert.ok(
      !review.decision.allowed && /ExternalSecret "cache" from SecretStore "store"/.test(review.decision.message),
    );
    assert.equal(await world.value('db', 'password'), 'not-real-1');
  });
});

describe('a dry run', () => {
  it('leaves no trace in statuses, and the real run after it fetches', async () => {
    world.apply(database());
    await world.review(pod(), { isDryRun: true });
    await world.wiring.syncer.statuses.flush();
    assert.equal((await world.externalSecret('db'))?.status, undefined);
    await world.review(pod());
    assert.deepEqual(world.backend.asked, ['prod/db']);
  });

  it('of a Secret that is too old says so, and leaves it', async () => {
    await makeFresh(world);
    const before = await world.secret('db');
    world.clock.advance(2 * HOUR_MS);
    const { decision } = await world.review(pod(), { isDryRun: true });
    assert.match(decision.warnings.join(), /is older than it may be and would be fetched/);
    assert.deepEqual([world.backend.asked, await world.secret('db')], [[], before]);
  });
});

describe('a store of another controller class', () => {
  it('serves the pod, and its status is left to that controller', async () => {
    const foreign = { ...store('store'), spec: { controller: 'theirs', provider: { test: {} } } };
    world.apply(foreign, database());
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
    await world.wiring.syncer.statuses.flush();
    assert.ok(!world.cluster.calls.includes('status ExternalSecret'));
  });
});

describe('a status that is lost with the process', () => {
  it('makes a process that starts anew fetch once, and write nothing when nothing changed', async () => {
    await makeFresh(world);
    const before = await world.secret('db');
    const list = await world.folder.list(externalSecrets);
    const next = await createWorld();
    next.backend.values.set('prod/db', 'not-real-1');
    assert.ok(before);
    next.apply(...list.map((each) => ({ ...each, status: {} })), before as unknown as make.Manifest);
    const stored = await next.secret('db');
    assert.equal(verdictOf(await next.review(pod())), 'fresh');
    assert.deepEqual([next.backend.asked, await next.secret('db')], [['prod/db'], stored]);
  });
});
