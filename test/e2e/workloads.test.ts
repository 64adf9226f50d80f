/** Workloads of every kind, through the real controllers, scheduler and kubelet. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import * as make from '../support/latchkey/manifests.ts';
import { whyNoNode } from '../support/node/prerequisites.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { createWorld, digest, environmentVariable, printing, type World } from './support/world.ts';

const NAMESPACE = 'workloads';
const secretEnv = { env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }] };

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
    readonly status: { readonly phase?: string };
  }[];
}

describe('the pods of', { skip: whyNoNode() ?? false }, () => {
  let world: World;

  before(async () => {
    world = await createWorld();
    await world.tenant(NAMESPACE);
    await world.putSecret('workloads/db', 'not-real-1');
    await world.apply(
      make.externalSecret({
        name: 'db',
        namespace: NAMESPACE,
        data: { password: 'workloads/db' },
        spec: { refreshInterval: '1s' },
      }),
    );
  });

  after(() => world?.[Symbol.asyncDispose]());

  function template(app: string, { stays = true, restartPolicy = 'Always' } = {}): make.Manifest {
    const container = printing('app', environmentVariable('PASSWORD'), secretEnv, { stays });
    return {
      metadata: { labels: { app } },
      spec: { restartPolicy, terminationGracePeriodSeconds: 1, containers: [container] },
    };
  }

  const podsOf = async (app: string) => (await world.get<PodList>('pods', '-n', NAMESPACE, '-l', `app=${app}`)).items;

  async function digestsOf(app: string, count: number): Promise<readonly string[]> {
    await waitUntil(
      async () =>
        (await podsOf(app)).filter(({ status }) => /Running|Succeeded/.test(status.phase ?? '')).length >= count,
      { what: `${count} pods of ${app}`, timeoutMs: 60_000 },
    );
    const pods = (await podsOf(app)).slice(0, count);
    return Promise.all(pods.map(({ metadata }) => world.log(NAMESPACE, metadata.name)));
  }

  const selector = (app: string) => ({ selector: { matchLabels: { app } } });
  const workloads: Readonly<Record<string, { count: number; manifest: make.Manifest }>> = {
    Deployment: {
      count: 5,
      manifest: {
        apiVersion: 'apps/v1',
        // Slow enough that its rollouts take longer than one refreshInterval.
        spec: { replicas: 5, minReadySeconds: 1, ...selector('deployment'), template: template('deployment') },
      },
    },
    StatefulSet: {
      count: 2,
      manifest: {
        apiVersion: 'apps/v1',
        spec: { replicas: 2, serviceName: 'none', ...selector('statefulset'), template: template('statefulset') },
      },
    },
    DaemonSet: {
      count: 1,
      manifest: { apiVersion: 'apps/v1', spec: { ...selector('daemonset'), template: template('daemonset') } },
    },
    Job: {
      count: 2,
      manifest: {
        apiVersion: 'batch/v1',
        spec: { completions: 2, parallelism: 2, template: template('job', { stays: false, restartPolicy: 'Never' }) },
      },
    },
    CronJob: {
      count: 1,
      manifest: {
        apiVersion: 'batch/v1',
        spec: {
          schedule: '0 0 1 1 *',
          jobTemplate: { spec: { template: template('cronjob', { stays: false, restartPolicy: 'Never' }) } },
        },
      },
    },
  };

  for (const [kind, { count, manifest }] of Object.entries(workloads)) {
    it(`a ${kind} read the value`, async () => {
      const name = kind.toLowerCase();
      await world.apply({ kind, metadata: { name, namespace: NAMESPACE }, ...manifest });
      if (kind === 'CronJob') {
        const create = ['create', 'job', 'cronjob-now', '--from=cronjob/cronjob', '-n', NAMESPACE];
        await kubectlOrThrow(world.cluster.controlPlane, create);
      }
      assert.deepEqual(
        await digestsOf(name, count),
        Array.from({ length: count }, () => digest('not-real-1')),
      );
    });
  }

  async function rollOut(): Promise<void> {
    const { controlPlane } = world.cluster;
    await kubectlOrThrow(controlPlane, ['rollout', 'restart', 'deployment/deployment', '-n', NAMESPACE]);
    const status = ['rollout', 'status', 'deployment/deployment', '-n', NAMESPACE, '--timeout=60s'];
    await kubectlOrThrow(controlPlane, status, { timeoutMs: 70_000 });
    await waitUntil(async () => (await podsOf('deployment')).length === 5, {
      what: 'the old pods to be gone',
      timeoutMs: 30_000,
    });
  }

  it('a rollout while the value changes read one that was current meanwhile, and never none', async () => {
    const over = new AbortController();
    const values = ['not-real-1'];
    const changing = (async () => {
      for (let change = 1; !over.signal.aborted; change += 1) {
        const value = `not-real-changing-${change}`;
        values.push(value);
        await world.changeSecret('workloads/db', value);
        await sleep(200);
      }
    })();
    await rollOut().finally(() => over.abort());
    await changing;
    const current = new Set(values.map(digest));
    const read = await digestsOf('deployment', 5);
    assert.ok(values.length > 2, 'the value did change meanwhile');
    assert.deepEqual(
      read.filter((each) => !current.has(each)),
      [],
    );
    const { items } = await world.get<{ items: readonly { reason?: string; message?: string }[] }>(
      'events',
      ...['-n', NAMESPACE, '--field-selector=involvedObject.kind=Pod'],
    );
    assert.deepEqual(
      items.filter(({ reason = '' }) => reason === 'Failed' || reason === 'FailedMount'),
      [],
    );
  });

  it('a rollout after the value changed read the new one, every one of them', async () => {
    await world.changeSecret('workloads/db', 'not-real-2');
    await sleep(1_100);
    await rollOut();
    assert.deepEqual(
      await digestsOf('deployment', 5),
      Array.from({ length: 5 }, () => digest('not-real-2')),
    );
    const versions = new Set(
      (await podsOf('deployment')).map(({ metadata }) => metadata.annotations?.['latchkey.dev/secrets']),
    );
    assert.equal(versions.size, 1);
  });

  it('a namespace go with it, and so do the Secrets made for them', async () => {
    await kubectlOrThrow(world.cluster.controlPlane, ['delete', 'externalsecret', 'db', '-n', NAMESPACE]);
    await waitUntil(
      async () => (await kubectl(world.cluster.controlPlane, ['get', 'secret', 'db', '-n', NAMESPACE])).exitCode === 1,
      { what: 'the Secret to be collected with its ExternalSecret', timeoutMs: 120_000 },
    );
    const remove = ['delete', 'namespace', NAMESPACE, '--timeout=60s'];
    await kubectlOrThrow(world.cluster.controlPlane, remove, { timeoutMs: 70_000 });
  });
});
