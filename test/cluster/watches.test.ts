/** Whatever happens to the connection to the API server: within 30 s every change is seen again. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ConfigMap } from '../../src/api/kubernetes.ts';
import { configMaps } from '../../src/api/resources.ts';
import { connectToCluster } from '../../src/cluster/kubernetes/connect.ts';
import type { KubernetesCluster } from '../../src/cluster/kubernetes/kubernetes-cluster.ts';
import type { Logger } from '../../src/ports/logger.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { TcpProxy } from '../support/faults/tcp-proxy.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const WITHIN_MS = 30_000;
const silent = (): void => undefined;
const logger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

let controlPlane: ControlPlane;
let proxy: TcpProxy;
let cluster: KubernetesCluster;
const watching = new AbortController();
const seen = new Map<string, string>();

const run = (...args: readonly string[]): Promise<string> => kubectlOrThrow(controlPlane, args);

/** Makes, changes and deletes something past the proxy, and waits until the informer knows. */
async function assertSeesAgain(name: string): Promise<void> {
  await run('create', 'configmap', name, '--from-literal=turn=made');
  await run('create', 'configmap', `${name}-changed`, '--from-literal=turn=made');
  await run('patch', 'configmap', `${name}-changed`, '-p', '{"data":{"turn":"changed"}}');
  await run('delete', 'configmap', 'doomed');
  const isKnown = (): boolean =>
    seen.get(name) === 'made' && seen.get(`${name}-changed`) === 'changed' && !seen.has('doomed');
  await waitUntil(isKnown, { what: 'every change to be seen', timeoutMs: WITHIN_MS });
  await run('create', 'configmap', 'doomed');
  await waitUntil(() => seen.has('doomed'), { what: 'the next change to be seen', timeoutMs: 5_000 });
}

before(async () => {
  controlPlane = await startControlPlane();
  const { port } = new URL(controlPlane.serverUrl);
  proxy = new TcpProxy(Number(port));
  const proxyPort = await proxy.start();
  const kubeconfig = join(controlPlane.directory, 'through-proxy.kubeconfig');
  const text = await readFile(controlPlane.kubeconfigFile, 'utf8');
  await writeFile(kubeconfig, text.replaceAll(`:${port}`, `:${proxyPort}`));
  cluster = connectToCluster(kubeconfig, logger);
  const informer = cluster.informer<ConfigMap, ConfigMap>(configMaps, { reduce: (object) => object });
  informer.onChange((earlier, now) => {
    if (now !== undefined) seen.set(now.metadata.name, now.data?.['turn'] ?? '');
    else if (earlier !== undefined) seen.delete(earlier.metadata.name);
  });
  await informer.start(watching.signal);
  await run('create', 'configmap', 'doomed');
  await waitUntil(() => seen.has('doomed'), { what: 'the first change', timeoutMs: 5_000 });
});

after(async () => {
  watching.abort();
  cluster?.close();
  proxy?.stop();
  await controlPlane?.stop();
});

describe('a watch', () => {
  it('goes on after its connection was cut', async () => {
    proxy.cut();
    await assertSeesAgain('cut');
  });

  it('goes on after its connection went silent, kept ones included', async () => {
    // Connections that wait to be used again are as dead as the one that is in use.
    const signal = AbortSignal.timeout(5_000);
    await Promise.all(Array.from({ length: 10 }, () => cluster.list(configMaps, { signal })));
    proxy.freeze();
    await assertSeesAgain('frozen');
  });

  it('goes on after the API server was restarted', async () => {
    await controlPlane.stopApiServer();
    await controlPlane.startApiServer();
    await assertSeesAgain('restarted');
  });

  it('told of nothing that is not so', async () => {
    const names = JSON.parse(await run('get', 'configmaps', '-n', 'default', '-o', 'json')) as {
      items: readonly ConfigMap[];
    };
    for (const { metadata, data } of names.items) assert.equal(seen.get(metadata.name), data?.['turn'] ?? '');
  });
});
