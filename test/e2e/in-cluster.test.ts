/** Latchkey as it runs in production: two pods of the cluster behind a Service, out of its own image. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { startClusterWithLatchkey } from '../support/latchkey/in-cluster.ts';
import * as make from '../support/latchkey/manifests.ts';
import type { NodeCluster } from '../support/node/node-cluster.ts';
import { startOpenBao, type OpenBao, type OpenBaoOptions } from '../support/openbao/openbao.ts';
import { whyNoNode } from '../support/node/prerequisites.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { digest, environmentVariable, printing } from './support/world.ts';

const NAMESPACE = 'shop';
/** Whose secrets are in OpenBao. */
const VAULT_NAMESPACE = 'bank';
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
  let bao: OpenBao;
  const run = (...args: readonly string[]) => kubectlOrThrow(cluster.controlPlane, args, { timeoutMs: 90_000 });
  const apply = (...manifests: readonly make.Manifest[]) =>
    kubectl(cluster.controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });

  before(async () => {
    // The test's OpenBao speaks plain HTTP on an address that stores may use only when it is listed.
    const env = ({ cable }: NodeCluster) => ({ LATCHKEY_ALLOWED_BACKEND_HOSTS: cable.hostAddress });
    cluster = await startClusterWithLatchkey({ env });
    bao = await startBank();
    const labels = { 'latchkey.dev/injection': 'enabled', 'pod-security.kubernetes.io/enforce': 'restricted' };
    await apply(
      make.namespace(NAMESPACE, labels),
      make.fakeStore('store', NAMESPACE, { 'prod/db': 'not-a-real-password' }),
      make.externalSecret({ name: 'db', namespace: NAMESPACE, data: { password: 'prod/db' } }),
      make.namespace(VAULT_NAMESPACE, labels),
      make.credentialsSecret('vault-token', { token: bao.rootToken }, VAULT_NAMESPACE),
      make.vaultStore('store', VAULT_NAMESPACE, bao.endpoint),
      make.externalSecret({
        name: 'db',
        namespace: VAULT_NAMESPACE,
        data: { password: { key: 'prod/db', property: 'password' } },
      }),
    );
    for (const name of [NAMESPACE, VAULT_NAMESPACE]) {
      await run('wait', '--for=create', 'serviceaccount/default', '-n', name, '--timeout=20s');
    }
  });

  after(async () => {
    await bao?.stop();
    await cluster?.stop();
  });

  /** It keeps nothing over a restart. */
  async function startBank(again: Pick<OpenBaoOptions, 'port' | 'rootToken'> = {}): Promise<OpenBao> {
    const started = await startOpenBao({ listenAddress: cluster.cable.hostAddress, ...again });
    await started.writer.call('POST', 'secret/data/prod/db', { data: { password: 'not-a-real-password' } });
    return started;
  }

  function pod(name: string, annotations: make.Manifest = {}, namespace = NAMESPACE): make.Manifest {
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }];
    const container = printing('app', environmentVariable('PASSWORD'), { env, securityContext: restricted });
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, annotations },
      spec: { restartPolicy: 'Never', containers: [container] },
    };
  }

  async function assertReads(name: string, namespace = NAMESPACE): Promise<void> {
    await waitUntil(
      async () =>
        (await kubectl(cluster.controlPlane, ['logs', '-n', namespace, name])).stdout.trim() ===
        digest('not-a-real-password'),
      { what: `pod ${name} to print the digest`, timeoutMs: 60_000 },
    );
  }

  it('is reached through its Service, and the pods of a restricted namespace read the value, injected ones too', async () => {
    const injected = { 'latchkey.dev/env-from': 'db', 'latchkey.dev/volumes': 'db=/etc/db' };
    for (const [name, annotations] of Object.entries({ web: {}, injected })) {
      const applied = await apply(pod(name, annotations));
      assert.equal(applied.exitCode, 0, applied.stderr);
      assert.equal(applied.stderr, '');
      await assertReads(name);
    }
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

  /** Creates ordinary pods one after the other for as long as `work` takes. @returns their names. */
  async function underLoad(prefix: string, work: () => Promise<void>): Promise<readonly string[]> {
    const over = new AbortController();
    const names: string[] = [];
    const load = (async () => {
      while (!over.signal.aborted) {
        const name = `${prefix}-${names.length}`;
        const applied = await apply(pod(name));
        assert.equal(applied.exitCode, 0, applied.stderr);
        names.push(name);
      }
    })();
    await work().finally(() => over.abort());
    await load;
    return names;
  }

  it('loses no admission while its pods are replaced one by one', async () => {
    const names = await underLoad('rolling', async () => {
      await run('rollout', 'restart', 'deployment/latchkey', '-n', SYSTEM);
      await run('rollout', 'status', 'deployment/latchkey', '-n', SYSTEM, '--timeout=80s');
    });
    const path = '-o=jsonpath={.metadata.annotations.latchkey\\.dev/status}';
    const statuses = await Promise.all(names.map((name) => run('get', 'pod', name, '-n', NAMESPACE, path)));
    assert.ok(names.length > 5, 'there was a load');
    assert.deepEqual([...new Set(statuses)], ['fresh']);
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
    'control plane, node, Latchkey and OpenBao were started cold at once': async () => {
      const { port } = new URL(bao.endpoint);
      await bao.stop();
      const again = { port: Number(port), rootToken: bao.rootToken };
      [bao] = await Promise.all([startBank(again), cluster.coldStart()]);
    },
  };
  for (const [index, [mishap, happen]] of Object.entries(mishaps).entries()) {
    it(`is there for pods that demand freshness within a minute after ${mishap}`, async () => {
      await happen();
      const name = `after-${index}`;
      const startsIn = async (namespace: string): Promise<void> => {
        const impatient = pod(name, { 'latchkey.dev/max-age': '0s' }, namespace);
        await waitUntil(async () => (await apply(impatient)).exitCode === 0, {
          what: `the pod of ${namespace} to be admitted`,
          timeoutMs: 60_000,
          intervalMs: 500,
        });
        await assertReads(name, namespace);
      };
      await Promise.all([startsIn(NAMESPACE), startsIn(VAULT_NAMESPACE)]);
    });
  }

  it('comes back by itself after all its pods were deleted at once, and the pods of meanwhile start with their value', async () => {
    const names = await underLoad('meanwhile', async () => {
      await run('delete', 'pods', '-n', SYSTEM, '--all', '--force', '--grace-period=0');
      await waitUntil(async () => (await apply(pod('after-all', { 'latchkey.dev/max-age': '0s' }))).exitCode === 0, {
        what: 'a pod that demands freshness to be admitted again',
        timeoutMs: 60_000,
        intervalMs: 500,
      });
    });
    for (const name of ['after-all', ...names]) await assertReads(name);
  });
});
