import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../control-plane/control-plane.ts';
import { kubectl } from '../control-plane/kubectl.ts';
import { startChild, type Child } from '../process/child.ts';
import { readLogTail } from '../process/log-tail.ts';
import { createTemporaryDirectory, type TemporaryDirectory } from '../process/temporary-directory.ts';
import { ensureNodeBinaries, type NodeBinaries } from './binaries.ts';
import { childOf, layCable, type Cable } from './cable.ts';
import { createCgroup, type Cgroup } from './cgroups.ts';
import { cniConfiguration, containerdConfiguration, kubeletConfiguration } from './configuration.ts';
import { writeTestImages } from './images.ts';

export interface NodeClusterOptions extends Pick<ControlPlaneOptions, 'users' | 'log'> {
  /** Archives to import beside busybox and pause. */
  readonly images?: readonly string[];
}

export interface NodeCluster extends AsyncDisposable {
  /** With scheduler and controller-manager. */
  readonly controlPlane: ControlPlane;
  readonly cable: Cable;
  /** Logs of kubelet and containerd. */
  readonly logDirectory: string;
  /** `<host>/hosts.toml` in it tells containerd how to reach a registry; read at each pull. */
  readonly registryDirectory: string;
  /** Kills the kubelet; it comes back by itself, as under a service manager. */
  killKubelet(): Promise<void>;
  /**
   * As after a power failure: every process of node and control plane is killed at once, and all are started again together
   * on the same data. Resolves when the control plane is ready; the node may take longer.
   */
  coldStart(): Promise<void>;
  /** Ends node and control plane, and removes all they made. May be called more than once. */
  stop(): Promise<void>;
}

const NODE_USER = { name: 'system:node:node', groups: ['system:nodes'] };
const NODE_LOGS = ['containerd', 'kubelet'];
const readyTimeoutMs = 60_000;

/**
 * A control plane with one real node: kubelet, containerd and runc in namespaces of their own, joined to this machine by a
 * virtual cable. Dies with this process, even when that is killed. Needs root on Linux: see `whyNoNode`.
 *
 * @throws Error when something does not become ready within 60 s, with the end of its log; all is stopped then.
 */
export async function startNodeCluster(options: NodeClusterOptions = {}): Promise<NodeCluster> {
  const binaries = await ensureNodeBinaries();
  const stack = new AsyncDisposableStack();
  try {
    const temporary = stack.use(await createTemporaryDirectory('node'));
    const cable = await layCable();
    stack.defer(() => cable.remove());
    const { users = [], log } = options;
    const controlPlane = stack.use(
      await startControlPlane({
        controllerManager: true,
        scheduler: true,
        users: [...users, NODE_USER],
        nodeNetworkAddress: cable.hostAddress,
        log,
      }),
    );
    const cgroup = await createCgroup(`latchkey-${process.pid}-${cable.link}`);
    stack.defer(() => cgroup.remove());
    const parts = { temporary, cable, controlPlane, cgroup, binaries };
    const archive = await prepareNode(parts);
    let child = await startNode(parts, [archive, ...(options.images ?? [])]);
    stack.defer(() => child.stop(0));
    const stop = (): Promise<void> => stack.disposeAsync();
    return {
      ...{ controlPlane, cable, stop },
      async coldStart() {
        await cable.unplugFrom(await childOf(child.pid));
        await Promise.all([child.stop(0), controlPlane.stopAll()]);
        // On a machine these are on a file system in memory.
        for (const name of ['containerd-state', 'ipam'])
          await rm(join(temporary.path, name), { recursive: true, force: true });
        [child] = await Promise.all([startNode(parts, []), controlPlane.startAll()]);
      },
      killKubelet: () => killKubelet(child.pid),
      logDirectory: join(temporary.path, 'logs'),
      registryDirectory: join(temporary.path, 'registries'),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** The init process is the child of `unshare`; the kubelet is among its children. */
async function killKubelet(unsharePid: number): Promise<void> {
  const init = await childOf(unsharePid);
  const children = (await readFile(`/proc/${init}/task/${init}/children`, 'utf8')).trim().split(' ').map(Number);
  for (const pid of children) {
    // Some of the others live for a moment only.
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.trim() === 'kubelet') process.kill(pid, 'SIGKILL');
  }
}

interface NodeParts {
  readonly temporary: TemporaryDirectory;
  readonly cable: Cable;
  readonly controlPlane: ControlPlane;
  readonly cgroup: Cgroup;
  readonly binaries: NodeBinaries;
}

/** @returns an archive of the images that every node has. */
async function prepareNode({ temporary, cable, controlPlane, cgroup, binaries }: NodeParts): Promise<string> {
  const directory = temporary.path;
  await Promise.all(['cni', 'logs', 'images', 'registries'].map((name) => mkdir(join(directory, name))));
  await Promise.all(NODE_LOGS.map((name) => writeFile(join(directory, 'logs', `${name}.log`), '')));
  const archive = join(directory, 'images.tar');
  await writeTestImages(join(binaries.directory, 'busybox'), join(directory, 'images'), archive);
  const configuration = {
    ...{ directory, cable, cniDirectory: binaries.cniDirectory },
    cgroupPath: cgroup.path,
    runcFile: join(binaries.directory, 'runc'),
  };
  const kubeconfig = await readFile(await controlPlane.kubeconfigFor(NODE_USER.name), 'utf8');
  const reachable = kubeconfig.replaceAll(
    controlPlane.serverUrl,
    `https://${cable.hostAddress}:${apiPortOf(controlPlane)}`,
  );
  const json = (value: object): string => JSON.stringify(value, undefined, 2);
  await Promise.all([
    writeFile(join(directory, 'kubelet.yaml'), json(kubeletConfiguration(configuration))),
    writeFile(join(directory, 'containerd.toml'), containerdConfiguration(configuration)),
    writeFile(join(directory, 'cni/10-latchkey.conflist'), json(cniConfiguration(configuration))),
    writeFile(join(directory, 'kubeconfig'), reachable, { mode: 0o600 }),
  ]);
  return archive;
}

const apiPortOf = ({ serverUrl }: ControlPlane): string => new URL(serverUrl).port;

/** @param images archives to import; a node that was there before has them. */
async function startNode(
  { temporary, cable, controlPlane, binaries }: NodeParts,
  images: readonly string[],
): Promise<Child> {
  const directory = temporary.path;
  const init = join(import.meta.dirname, 'node-init.sh');
  const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const started = startChild({
    name: 'node',
    command: 'unshare',
    args: [...namespaces, 'sh', init],
    env: {
      NODE_DIRECTORY: directory,
      NODE_BIN: binaries.directory,
      NODE_LIB: binaries.libraryDirectory,
      KUBELET: binaries.kubelet,
      NODE_ADDRESS: cable.nodeAddress,
      HOST_ADDRESS: cable.hostAddress,
      API_PORT: apiPortOf(controlPlane),
      IMAGES: images.join(' '),
      PATH: process.env['PATH'],
    },
    logFile: join(directory, 'logs/init.log'),
    onSpawn: async (pid) => cable.plugInto(await childOf(pid)),
    ready: () => isNodeReady(controlPlane),
    readyTimeoutMs,
  });
  return started.catch(async (error: unknown) => {
    const tails = NODE_LOGS.map(async (name) => {
      const tail = await readLogTail(join(directory, 'logs', `${name}.log`));
      return `--- ${name}:\n${tail}`;
    });
    throw new Error(`${(error as Error).message}\n${(await Promise.all(tails)).join('\n')}`, { cause: error });
  });
}

async function isNodeReady(controlPlane: ControlPlane): Promise<boolean> {
  const path = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
  const { stdout } = await kubectl(controlPlane, ['get', 'node', 'node', path]);
  return stdout === 'True';
}
