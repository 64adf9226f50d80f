import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePorts } from '../process/free-port.ts';
import { createTemporaryDirectory } from '../process/temporary-directory.ts';
import { waitUntil } from '../process/wait-until.ts';
import { isHealthy } from './api-request.ts';
import { ensureBinaries } from './binaries.ts';
import { createComponentSet, type ComponentSet } from './component-set.ts';
import { apiServerFlags, controllerManagerFlags, etcdFlags, schedulerFlags } from './components.ts';
import { ensureDefaultServiceAccount } from './default-service-account.ts';
import { adminUser, componentUsers, mintIdentities, writeKubeconfig, writeTokenFile } from './identities.ts';
import { createServiceAccountKeys } from './service-account-keys.ts';
import type { ControlPlane, ControlPlaneOptions } from './types.ts';
import type { BinaryName } from './versions.ts';

export type { ControlPlaneUser } from './identities.ts';
export type { ControlPlane, ControlPlaneOptions } from './types.ts';

const serviceAccountTimeoutMs = 60_000;

/**
 * Starts a real Kubernetes control plane on loopback: etcd and kube-apiserver with RBAC, and on request the
 * controller-manager and the scheduler. It dies with this process.
 *
 * @throws Error naming the component that did not become ready within 60 s, with the end of its log; all is stopped then.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const warn = options.log ?? ((line) => void process.stderr.write(`latchkey: ${line}\n`));
  const log = options.log ?? (() => {});
  const { signal } = options;
  const binaries = await ensureBinaries(neededBinaries(options), { log: warn, signal });
  const temporary = await createTemporaryDirectory('control-plane');
  const directory = temporary.path;
  const components = createComponentSet({ directory, log, warn, signal });
  const stop = async (): Promise<void> => {
    await components.stopAll();
    await temporary.remove();
  };
  try {
    await Promise.all(['bin', 'logs', 'kubeconfigs'].map((name) => mkdir(join(directory, name))));
    await Promise.all([...binaries].map(([name, file]) => symlink(file, join(directory, 'bin', name))));
    const started = await startComponents(directory, components, options);
    return {
      ...started,
      directory,
      binDirectory: join(directory, 'bin'),
      kubectlFile: join(directory, 'bin', 'kubectl'),
      get components() {
        return components.running;
      },
      stopApiServer: (graceMs = 0) => components.stop('kube-apiserver', graceMs),
      async stopAll() {
        await Promise.all(neededBinaries(options).map((name) => components.stop(name, 0)));
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function neededBinaries(options: ControlPlaneOptions): BinaryName[] {
  const names: BinaryName[] = ['etcd', 'kube-apiserver', 'kubectl'];
  if (options.controllerManager === true) names.push('kube-controller-manager');
  if (options.scheduler === true) names.push('kube-scheduler');
  return names;
}

type Started = Pick<
  ControlPlane,
  'kubeconfigFile' | 'serverUrl' | 'certificateAuthority' | 'kubeconfigFor' | 'startApiServer' | 'startAll'
>;

async function startComponents(
  directory: string,
  components: ComponentSet,
  options: ControlPlaneOptions,
): Promise<Started> {
  const path = (name: string): string => join(directory, name);
  const identities = mintIdentities([adminUser, ...componentUsers, ...(options.users ?? [])]);
  await writeTokenFile(path('tokens.csv'), identities.all);
  const [etcdPort = 0, peerPort = 0, port = 0, schedulerPort = 0] = await findFreePorts(4);
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const serverUrl = `https://${options.nodeNetworkAddress === undefined ? '127.0.0.1' : 'localhost'}:${port}`;
  const caFile = join(path('certificates'), 'apiserver.crt');

  const startEtcd = (): Promise<void> =>
    components.start('etcd', etcdFlags(path('etcd'), etcdPort, peerPort), async (signal) => {
      return (await fetch(`${etcdUrl}/readyz`, { signal })).ok;
    });
  const [keys] = await Promise.all([createServiceAccountKeys(directory), startEtcd()]);

  const { token } = identities.get(adminUser.name);
  async function startApiServer(): Promise<void> {
    const flags = apiServerFlags({
      etcdUrl,
      port,
      certificateDirectory: path('certificates'),
      tokenFile: path('tokens.csv'),
      keys,
      nodeNetworkAddress: options.nodeNetworkAddress,
      extraFlags: options.apiServerFlags ?? [],
    });
    await components.start('kube-apiserver', flags, (signal) =>
      isHealthy(`${serverUrl}/readyz`, caFile, token, signal),
    );
  }
  await startApiServer();
  const certificateAuthority = await readFile(caFile, 'utf8');
  const kubeconfigFor = async (userName: string): Promise<string> =>
    writeKubeconfig(path('kubeconfigs'), serverUrl, certificateAuthority, identities.get(userName));
  const kubeconfigFile = await kubeconfigFor(adminUser.name);

  const create = options.controllerManager !== true;
  const hasServiceAccount = (signal: AbortSignal): Promise<boolean> =>
    ensureDefaultServiceAccount({ serverUrl, certificateAuthority, token, create, signal });
  async function startClients(): Promise<void> {
    if (options.controllerManager === true) {
      const flags = controllerManagerFlags(await kubeconfigFor('system:kube-controller-manager'), keys, caFile);
      await components.start('kube-controller-manager', flags, hasServiceAccount);
    } else {
      const what = 'the ServiceAccount default/default';
      await waitUntil(hasServiceAccount, { what, timeoutMs: serviceAccountTimeoutMs, signal: options.signal });
    }
    if (options.scheduler === true) {
      const certificates = path('scheduler-certificates');
      const flags = schedulerFlags(await kubeconfigFor('system:kube-scheduler'), schedulerPort, certificates);
      const url = `https://127.0.0.1:${schedulerPort}/readyz`;
      const ownCaFile = join(certificates, 'kube-scheduler.crt');
      await components.start('kube-scheduler', flags, (signal) => isHealthy(url, ownCaFile, undefined, signal));
    }
  }
  await startClients();
  async function startAll(): Promise<void> {
    await startEtcd();
    await startApiServer();
    await startClients();
  }
  return { kubeconfigFile, serverUrl, certificateAuthority, kubeconfigFor, startApiServer, startAll };
}
