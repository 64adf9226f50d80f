/** Two hundred pods while values change and a third of all backend calls fail: none starts without its secret or with an old one. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import * as make from '../support/latchkey/manifests.ts';
import { PodClient } from '../support/latchkey/pod-client.ts';
import { whyNoNode } from '../support/node/prerequisites.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { createWorld, digest, environmentVariable, printing, type World } from './support/world.ts';

const PODS = 200;
const CLIENTS = 6;
const SECRETS = 8;
const FAILING_SHARE = 1 / 3;
const SEED = 20_261_124;
const CHANGE_EVERY_MS = 300;
/** `max-age: 0s` accepts a fetch that started up to this long before the request. */
const TOLERANCE_MS = 1_000;
const MOST_TRIES = 20;

/** One value of one secret: it was the backend's from before its put ended until the next one's ended. */
interface Period {
  readonly digest: string;
  untilMs: number;
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: { readonly phase?: string };
  }[];
}

describe('a churn of 200 pods with a faulty backend', { skip: whyNoNode() ?? false }, () => {
  let world: World;

  before(async () => {
    world = await createWorld({ failingShare: FAILING_SHARE, seed: SEED });
  });

  after(() => world?.[Symbol.asyncDispose]());

  function podBody(namespace: string, index: number): Buffer {
    const secret = `db-${index % SECRETS}`;
    const isMounted = index % 2 === 1;
    const container = isMounted
      ? printing('app', 'cat /db/password', { volumeMounts: [{ name: 'db', mountPath: '/db' }] })
      : printing('app', environmentVariable('PASSWORD'), {
          env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: secret, key: 'password' } } }],
        });
    const annotations = { 'latchkey.dev/max-age': '0s', 'latchkey.dev/stale-if-error': '0s' };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `pod-${index}`, namespace, annotations },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
        containers: [container],
        volumes: isMounted ? [{ name: 'db', secret: { secretName: secret } }] : [],
      },
    };
    return Buffer.from(JSON.stringify(pod));
  }

  /** Creates all pods while the values change; @returns when each was asked for, and every value's period. */
  async function churn(namespace: string, changesPerRun: number) {
    const histories: Period[][] = [];
    for (let index = 0; index < SECRETS; index += 1) {
      const value = `not-real-${namespace}-${index}-0`;
      await world.putSecret(`${namespace}/db-${index}`, value);
      histories.push([{ digest: digest(value), untilMs: Infinity }]);
      await world.apply(
        make.externalSecret({ name: `db-${index}`, namespace, data: { password: `${namespace}/db-${index}` } }),
      );
    }
    const over = new AbortController();
    const changing = (async () => {
      for (let change = 1; change <= changesPerRun && !over.signal.aborted; change += 1) {
        const index = change % SECRETS;
        const value = `not-real-${namespace}-${index}-${change}`;
        const next = { digest: digest(value), untilMs: Infinity };
        const history = histories[index];
        history?.push(next);
        await world.changeSecret(`${namespace}/db-${index}`, value);
        const before = history?.at(-2);
        if (before !== undefined) before.untilMs = Date.now();
        await sleep(CHANGE_EVERY_MS);
      }
    })();
    const askedAtMs: number[] = [];
    const creator = new PodClient(world.cluster.controlPlane, CLIENTS);
    const queue = Array.from({ length: PODS }, (_, index) => index).values();
    const client = async (): Promise<void> => {
      for (const index of queue) {
        // A pod that is denied is asked for again, as its controller would.
        for (let attempt = 1; ; attempt += 1) {
          askedAtMs[index] = Date.now();
          try {
            await creator.create({ namespace, body: podBody(namespace, index) });
            break;
          } catch (error) {
            if (attempt === MOST_TRIES || !/\[Backend\w+\]/.test((error as Error).message)) throw error;
          }
        }
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    over.abort();
    await changing;
    creator.close();
    return { histories, askedAtMs };
  }

  /** What kubelets report of pods that start without their Secret; events stay, so nothing short is missed. */
  async function troubles(namespace: string): Promise<readonly string[]> {
    const { items } = await world.get<{
      items: readonly { reason?: string; message?: string; involvedObject: { name: string } }[];
    }>('events', '-n', namespace);
    return items
      .filter(({ reason = '' }) => reason === 'FailedMount' || reason === 'Failed')
      .map(({ reason, message, involvedObject }) => `${involvedObject.name}: ${reason}: ${message}`);
  }

  it('starts no container without its secret, nor with a value that was old when its pod was asked for', async (t) => {
    await world.tenant('churn');
    const { histories, askedAtMs } = await churn('churn', Infinity);
    await waitUntil(
      async () => {
        const { items } = await world.get<PodList>('pods', '-n', 'churn');
        return items.length === PODS && items.every(({ status }) => status.phase === 'Succeeded');
      },
      { what: `${PODS} pods to end well`, timeoutMs: 150_000, intervalMs: 1_000 },
    );
    assert.deepEqual(await troubles('churn'), []);
    const old: string[] = [];
    const judge = async (index: number): Promise<void> => {
      const read = await world.log('churn', `pod-${index}`);
      const period = histories[index % SECRETS]?.find((each) => each.digest === read);
      const askedMs = askedAtMs[index] ?? Number.NaN;
      if (period === undefined || !(period.untilMs >= askedMs - TOLERANCE_MS)) old.push(`pod-${index}`);
    };
    const queue = Array.from({ length: PODS }, (_, index) => index).values();
    const reader = async (): Promise<void> => {
      for (const index of queue) await judge(index);
    };
    await Promise.all(Array.from({ length: CLIENTS }, reader));
    assert.deepEqual(old, []);
    t.diagnostic(`seed ${SEED}; the backend failed ${world.backendFailures()} times`);
    // Pods that come together share a batch of reads, so it is asked, and fails, far less often than there are pods.
    assert.ok(world.backendFailures() > 0, 'the backend did fail');
  });

  it('breaks exactly that where Latchkey is off', async () => {
    await world.tenant('off', {});
    await churn('off', 0);
    await waitUntil(async () => (await troubles('off')).length > 0, {
      what: 'the kubelet to complain about missing Secrets',
      timeoutMs: 60_000,
      intervalMs: 1_000,
    });
    const { items } = await world.get<PodList>('pods', '-n', 'off');
    assert.ok(!items.some(({ status }) => status.phase === 'Succeeded'));
    await kubectlOrThrow(world.cluster.controlPlane, ['delete', 'pods', '--all', '-n', 'off', '--wait=false']);
  });
});
