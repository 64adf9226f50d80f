/** Latchkey as it runs in production: two pods of the cluster behind a Service, out of its own image. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { startClusterWithLatchkey } from '../support/latchkey/in-cluster.ts';
import * as make from '../support/latchkey/manifests.ts';
import type { NodeCluster } from '../support/node/node-cluster.ts';
import { whyNoNode } from '../support/node/prerequisites.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { digest, environmentVariable, printing } from './support/world.ts';

const NAMESPACE = 'shop';
const SYSTEM = 'latchkey-system';
const restricted = {
  runAsNonRoot: true,
  runAsUser: 1000,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

describe('Latchkey in the cluster', { skip: whyNoNode() ?? false }, () => {
  let cluster: NodeCluster;
  const run = (...args: readonly string[]) => kubectlOrThrow(cluster.controlPlane, args, { timeoutMs: 90_000 });
  const apply = (...manifests: readonly make.Manifest[]) =>
    kubectl(cluster.controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });

  before(async () => {
    cluster = await startClusterWithLatchkey();
    const labels = { 'latchkey.dev/injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'restricted' };
    await apply(
      make.namespace(NAMESPACE, labels),
      make.fakeStore('store', NAMESPACE, { 'prod/db': 'not-a-real-password' }),
      make.externalSecret({ name: 'db', namespace: NAMESPACE, data: { password: 'prod/db' } }),
    );
    await run('wait', '--for=create', 'serviceaccount/default', '-n', NAMESPACE, '--timeout=20s');
  });

  after(() => cluster?.stop());

  function pod(name: string, annotations: make.Manifest = {}): make.Manifest {
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }];
    const container = printing('app', environmentVariable('PASSWORD'), { env, securityContext: restricted });
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: NAMESPACE, annotations },
      spec: { restartPolicy: 'Never', containers: [container] },
    };
  }

  async function assertReads(name: string): Promise<void> {
    await waitUntil(
      async () =>
        (await kubectl(cluster.controlPlane, ['logs', '-n', NAMESPACE, name])).stdout.trim() ===
        digest('not-a-real-password'),
      { what: `pod ${name} to print the digest`, timeoutMs: 60_000 },
    );
  }

  it('is reached through its Service, and a pod of a restricted namespace reads the value', async () => {
    const applied = await apply(pod('web'));
    assert.equal(applied.exitCode, 0, applied.stderr);
    assert.equal(applied.stderr, '');
    await assertReads('web');
  });

  it('has one registration, by Service, that both replicas agree on', async () => {
    const [webhook] = (
      JSON.parse(await run('get', 'mutatingwebhookconfiguration', 'latchkey', '-o', 'json')) as {
        webhooks: { clientConfig: { service: { name: string; path: string } } }[];
      }
    ).webhooks;
    assert.equal(webhook?.clientConfig.service.name, 'latchkey');
    assert.match(webhook.clientConfig.service.path, /^\/[0-9a-f]{64}\/mutate$/);
  });

  it('loses no admission while its pods are replaced one by one', async () => {
    const over = new AbortController();
    const unseen: string[] = [];
    const load = (async () => {
      for (let index = 0; !over.signal.aborted; index += 1) {
        const name = `rolling-${index}`;
        const applied = await apply(pod(name));
        assert.equal(applied.exitCode, 0, applied.stderr);
        const status = await run(
          'get',
          'pod',
          name,
          '-n',
          NAMESPACE,
          '-o=jsonpath={.metadata.annotations.latchkey\\.dev/status}',
        );
        if (status !== 'fresh') unseen.push(name);
      }
    })();
    await run('rollout', 'restart', 'deployment/latchkey', '-n', SYSTEM);
    await run('rollout', 'status', 'deployment/latchkey', '-n', SYSTEM, '--timeout=80s');
    over.abort();
    await load;
    assert.deepEqual(unseen, []);
  });

  const mishaps: Readonly<Record<string, () => Promise<void>>> = {
    'the kubelet was killed': () => cluster.killKubelet(),
    'the API server was killed and started again': async () => {
      await cluster.controlPlane.stopApiServer();
      await cluster.controlPlane.startApiServer();
    },
    'the node was cut off for 20 s': async () => {
      await cluster.cable.cut();
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      await cluster.cable.mend();
    },
    'everything was started cold at once': () => cluster.coldStart(),
  };
  for (const [index, [mishap, happen]] of Object.entries(mishaps).entries()) {
    it(`is there for a pod that demands freshness within a minute after ${mishap}`, async () => {
      await happen();
      const name = `after-${index}`;
      await waitUntil(async () => (await apply(pod(name, { 'latchkey.dev/max-age': '0s' }))).exitCode === 0, {
        what: 'the pod to be admitted',
        timeoutMs: 60_000,
        intervalMs: 500,
      });
      await assertReads(name);
    });
  }

  it('comes back by itself after all its pods were deleted at once', async () => {
    await run('delete', 'pods', '-n', SYSTEM, '--all', '--force', '--grace-period=0');
    await waitUntil(async () => (await apply(pod('after-all', { 'latchkey.dev/max-age': '0s' }))).exitCode === 0, {
      what: 'a pod that demands freshness to be admitted again',
      timeoutMs: 60_000,
      intervalMs: 500,
    });
    await assertReads('after-all');
  });
});
