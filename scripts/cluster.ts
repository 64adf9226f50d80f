/**
 * A real Kubernetes API server with Latchkey registered in it, until interrupted. For trying Latchkey with kubectl.
 *   npm run cluster -- [--node] [--kubeconfig FILE] [--bin DIR]
 */
import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { startControlPlane } from '../test/support/control-plane/control-plane.ts';
import { startNodeCluster } from '../test/support/node/node-cluster.ts';
import { whyNoNode } from '../test/support/node/prerequisites.ts';
import { installLatchkey, LATCHKEY_USER } from '../test/support/latchkey/install.ts';
import { startLatchkey } from '../test/support/latchkey/latchkey-process.ts';

interface ClusterSettings {
  readonly kubeconfig?: string;
  readonly bin?: string;
  readonly node?: boolean;
}

const settings = new Command('npm run cluster --')
  .description('start a real API server with Latchkey in it, and keep it up until interrupted')
  .option('--kubeconfig <file>', 'write the kubeconfig here, once pods can be admitted')
  .option('--bin <dir>', 'link kubectl of the same version there')
  .option('--node', 'with a real node, so that pods run (root on Linux)')
  .parse()
  .opts<ClusterSettings>();

const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt());

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const reason = settings.node === true ? whyNoNode() : undefined;
if (reason !== undefined) {
  log(`latchkey: ${reason}`);
  process.exit(2);
}
const users = [LATCHKEY_USER];
const nodeCluster = settings.node === true ? await startNodeCluster({ users, log }) : undefined;
const controlPlane = nodeCluster?.controlPlane ?? (await startControlPlane({ controllerManager: true, users, log }));
try {
  await installLatchkey(controlPlane);
  const latchkey = await startLatchkey(controlPlane, { env: inherited() });
  const kubectlFile = settings.bin === undefined ? controlPlane.kubectlFile : await linkKubectl(settings.bin);
  const kubeconfigFile = await publishKubeconfig();
  print(
    nodeCluster === undefined
      ? 'A Kubernetes API server is up, with Latchkey in it. There is no node: pods are admitted and stay Pending.'
      : 'A Kubernetes cluster of one node is up, with Latchkey in it. Its only images are busybox:1 and pause.',
  );
  print('Paste this into another terminal:');
  print('');
  print(`  export KUBECONFIG=${kubeconfigFile}; alias kubectl=${kubectlFile}`);
  print('');
  print('and try:  kubectl apply -f examples/quickstart    then    kubectl get secret,pod -n shop');
  print(`Latchkey’s log: ${latchkey.child.logFile}`);
  print('Ctrl-C ends it all.');
  await Promise.race([interrupted, latchkey.child.ended]);
  await latchkey.stop();
} finally {
  await (nodeCluster ?? controlPlane).stop();
}

/** Latchkey gets this environment (`AWS_SECRETSMANAGER_ENDPOINT` …), but not the kubeconfig that happens to be set in it. */
function inherited(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name, value]) => name !== 'KUBECONFIG' && value !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}

async function linkKubectl(directory: string): Promise<string> {
  const link = join(resolve(directory), 'kubectl');
  await mkdir(directory, { recursive: true });
  await rm(link, { force: true });
  await symlink(controlPlane.kubectlFile, link);
  return link;
}

async function publishKubeconfig(): Promise<string> {
  if (settings.kubeconfig === undefined) return controlPlane.kubeconfigFile;
  const file = resolve(settings.kubeconfig);
  await copyFile(controlPlane.kubeconfigFile, file);
  return file;
}
