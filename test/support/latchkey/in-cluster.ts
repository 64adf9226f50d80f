import { join } from 'node:path';
import { kubectl, kubectlOrThrow } from '../control-plane/kubectl.ts';
import { startNodeCluster, type NodeCluster } from '../node/node-cluster.ts';
import { runCommandOrThrow } from '../process/run-command.ts';
import { createTemporaryDirectory } from '../process/temporary-directory.ts';
import { installLatchkey } from './install.ts';

const root = join(import.meta.dirname, '../../..');
const SYSTEM = 'latchkey-system';
const timeoutMs = 120_000;

export interface InClusterOptions {
  readonly replicas?: number;
  /** Settings of Latchkey's pods beside those of deployment.yaml. */
  readonly env?: (cluster: NodeCluster) => Readonly<Record<string, string>>;
}

/**
 * A cluster of one real node with Latchkey deployed in it, out of its own image, as deployment.yaml says.
 *
 * @throws Error with what the pods are doing and have printed when they do not become ready; all is stopped then.
 */
export async function startClusterWithLatchkey({
  replicas = 2,
  env = () => ({}),
}: InClusterOptions = {}): Promise<NodeCluster> {
  await using work = await createTemporaryDirectory('image');
  const image = join(work.path, 'latchkey.tar');
  const build = ['scripts/image.ts', '--tar', image, '--name', 'localhost/latchkey:test'];
  await runCommandOrThrow(process.execPath, build, { cwd: root, timeoutMs });
  const cluster = await startNodeCluster({ images: [image] });
  try {
    await deploy(cluster, replicas, env(cluster));
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function deploy(
  { controlPlane }: NodeCluster,
  replicas: number,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await installLatchkey(controlPlane);
  await kubectlOrThrow(controlPlane, ['apply', '-f', join(import.meta.dirname, 'deployment.yaml')]);
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if (settings.length > 0) {
    await kubectlOrThrow(controlPlane, ['set', 'env', 'deployment/latchkey', '-n', SYSTEM, ...settings]);
  }
  await kubectlOrThrow(controlPlane, ['scale', 'deployment/latchkey', '-n', SYSTEM, `--replicas=${replicas}`]);
  const status = ['rollout', 'status', 'deployment/latchkey', '-n', SYSTEM, '--timeout=80s'];
  try {
    await kubectlOrThrow(controlPlane, status, { timeoutMs });
  } catch (error) {
    const pods = await kubectl(controlPlane, ['describe', 'pods', '-n', SYSTEM]);
    const logs = await kubectl(controlPlane, ['logs', '-n', SYSTEM, '-l', 'app.kubernetes.io/name=latchkey']);
    throw new Error(`${(error as Error).message}\n${pods.stdout}\n${logs.stdout}`, { cause: error });
  }
}
