import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { SecretStore } from '../../../../src/api/external-secrets.ts';
import type { Manifest } from '../../../support/latchkey/manifests.ts';
import { clusterIsDown } from '../stores/support/observed-cluster.ts';
import { createWorld, database, pod, type World } from '../stores/support/world.ts';

let world: World;

beforeEach(async () => {
  world = await createWorld();
  world.apply(database());
});

const controller = (apiVersion: string, kind: string, name: string): Manifest => ({
  ...{ apiVersion, kind, name, uid: `uid-of-${name}`, controller: true },
});

function object(apiVersion: string, kind: string, name: string, owner?: Manifest): Manifest {
  const ownerReferences = owner === undefined ? [] : [owner];
  return { apiVersion, kind, metadata: { name, namespace: 'shop', uid: `uid-of-${name}`, ownerReferences } };
}

function podOf(owner: Manifest | undefined, annotations: Readonly<Record<string, string>> = {}): Manifest {
  const { metadata, ...rest } = pod(annotations);
  const ownerReferences = owner === undefined ? [] : [owner];
  const { name: _name, ...unnamed } = metadata as Record<string, unknown>;
  return { ...rest, metadata: { ...unnamed, generateName: 'web-', ownerReferences } };
}

async function told(): Promise<readonly string[]> {
  return (await world.events())
    .filter(({ action }) => action === 'Admit')
    .map(({ regarding: { kind, name }, type, reason }) => `${type} ${reason} on ${kind} ${name}`)
    .toSorted();
}

describe('a denied pod is told of', () => {
  const owners: readonly [by: string, made: readonly Manifest[], owner: Manifest, on: string][] = [
    [
      'the ReplicaSet of a Deployment',
      [object('apps/v1', 'ReplicaSet', 'web-1', controller('apps/v1', 'Deployment', 'web'))],
      controller('apps/v1', 'ReplicaSet', 'web-1'),
      'Deployment web',
    ],
    [
      'the Job of a CronJob',
      [object('batch/v1', 'Job', 'report-1', controller('batch/v1', 'CronJob', 'report'))],
      controller('batch/v1', 'Job', 'report-1'),
      'CronJob report',
    ],
    ['a Job', [object('batch/v1', 'Job', 'once')], controller('batch/v1', 'Job', 'once'), 'Job once'],
    ['a StatefulSet', [], controller('apps/v1', 'StatefulSet', 'db'), 'StatefulSet db'],
    ['a ReplicaSet that is gone', [], controller('apps/v1', 'ReplicaSet', 'web-1'), 'ReplicaSet web-1'],
    [
      'a ReplicaSet that was made anew under its name',
      [{ ...object('apps/v1', 'ReplicaSet', 'web-1'), metadata: { name: 'web-1', namespace: 'shop', uid: 'another' } }],
      controller('apps/v1', 'ReplicaSet', 'web-1'),
      'ReplicaSet web-1',
    ],
    ['a controller nobody knows', [], controller('example.com/v1', 'Machine', 'press'), 'Machine press'],
  ];
  for (const [by, made, owner, on] of owners) {
    it(`on ${on} when it was made by ${by}`, async () => {
      world.apply(...made);
      await world.admit(podOf(owner));
      assert.deepEqual(
        await told(),
        [`Warning SecretNotFound on ${on}`, 'Warning SecretNotFound on ExternalSecret db'].toSorted(),
      );
    });
  }

  it('on the ExternalSecret only when nobody made it', async () => {
    await world.admit(podOf(undefined));
    assert.deepEqual(await told(), ['Warning SecretNotFound on ExternalSecret db']);
  });

  it('on the workload only when no ExternalSecret is to blame', async () => {
    await world.admit(podOf(controller('apps/v1', 'StatefulSet', 'db'), { 'latchkey.dev/max-age': 'soon' }));
    assert.deepEqual(await told(), ['Warning InvalidAnnotation on StatefulSet db']);
  });

  it('with the sentence that the API server was given', async () => {
    const { status } = await world.admit(podOf(controller('apps/v1', 'StatefulSet', 'db')));
    const notes = (await world.events()).map(({ note }) => note);
    assert.ok(notes.includes(status?.message ?? ''), notes.join('\n'));
    assert.ok(
      notes.includes(
        'pod "shop/web-*" was denied: spec.data[0] (secretKey "password"): there is no secret "prod/db" [SecretNotFound]',
      ),
      notes.join('\n'),
    );
  });

  it('in one object, however often it is made again', async () => {
    for (let minute = 0; minute < 12; minute += 1) {
      await world.admit(podOf(controller('apps/v1', 'StatefulSet', 'db')));
      await world.events();
      world.clock.advance(60_000);
    }
    const [first, ...others] = (await world.events()).filter(({ regarding }) => regarding.kind === 'StatefulSet');
    assert.deepEqual([first?.series?.count, others], [11, []]);
    assert.equal(
      world.cluster.calls.filter((call) => call === 'apply Event').length,
      9,
      'three for each of two objects, and for the sync that fails',
    );
  });

  it('and once it is admitted, of that', async () => {
    const statefulSet = controller('apps/v1', 'StatefulSet', 'db');
    await world.admit(podOf(statefulSet));
    world.backend.values.set('prod/db', 'not-real');
    world.clock.advance(6_000);
    await world.admit(podOf(statefulSet));
    assert.deepEqual(
      (await told()).filter((line) => line.startsWith('Normal')),
      ['Normal PodAdmitted on ExternalSecret db', 'Normal PodAdmitted on StatefulSet db'],
    );
  });
});

describe('no Event is written', () => {
  it('for a pod that is admitted, and no owner is looked up', async () => {
    world.backend.values.set('prod/db', 'not-real');
    world.cluster.forget();
    await world.admit(podOf(controller('apps/v1', 'ReplicaSet', 'web-1')));
    assert.deepEqual(await told(), []);
    assert.ok(!world.cluster.calls.includes('get ReplicaSet'));
  });

  it('for a dry run', async () => {
    await world.admit(podOf(controller('apps/v1', 'StatefulSet', 'db'), { 'latchkey.dev/max-age': 'soon' }), {
      isDryRun: true,
    });
    assert.deepEqual(await told(), []);
  });

  it('in a namespace that is being deleted', async () => {
    const metadata = {
      ...{ name: 'shop', labels: { 'latchkey.dev/injection': 'enabled' } },
      deletionTimestamp: '2026-01-01T00:00:00Z',
    };
    world.apply({ apiVersion: 'v1', kind: 'Namespace', metadata });
    const { allowed } = await world.admit(podOf(controller('apps/v1', 'StatefulSet', 'db')));
    assert.deepEqual([allowed, await told()], [false, []]);
  });

  it('and the pod has its answer all the same, when the API server cannot be asked', async () => {
    world.cluster.before = (call) => {
      if (call === 'apply Event') clusterIsDown();
    };
    assert.equal((await world.admit(podOf(controller('apps/v1', 'StatefulSet', 'db')))).allowed, false);
    assert.deepEqual(await told(), []);
  });
});

describe('a store that works less well than it could', () => {
  it('is told of once, on the store, however many clients notice', async () => {
    const store = { ...object('external-secrets.io/v1', 'SecretStore', 'aws') } as unknown as SecretStore;
    const sentence = 'SecretStore "aws" may not read in batches';
    for (let client = 0; client < 3; client += 1) world.wiring.events.recordNotice(store, 'BatchReadRefused', sentence);
    const events = await world.events();
    assert.deepEqual(
      events.map(({ regarding, type, reason, note }) => [regarding.kind, regarding.name, type, reason, note]),
      [['SecretStore', 'aws', 'Warning', 'BatchReadRefused', sentence]],
    );
  });
});
