import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries } from '../control-plane/binaries.ts';
import { cacheDirectory } from '../process/cache-directory.ts';
import { withDirectoryLock } from '../process/directory-lock.ts';
import { runCommandOrThrow } from '../process/run-command.ts';
import { unpackDebianPackages } from '../debian/unpack-packages.ts';
import { cniPluginsVersion, containerdVersion, runcVersion } from './versions.ts';

export interface NodeBinaries {
  readonly kubelet: string;
  /** containerd, its shim, ctr, runc, busybox, iptables. */
  readonly directory: string;
  readonly cniDirectory: string;
  /** For programs of other packages that lie in `directory`. */
  readonly libraryDirectory: string;
}

const lockTimeoutMs = 30 * 60_000;
const buildTimeoutMs = 20 * 60_000;
const DEBIAN_PACKAGES = [
  'busybox-static',
  'iptables',
  'libip4tc2',
  'libip6tc2',
  'libxtables12',
  'libnftnl11',
  'libmnl0',
];
const SECCOMP_PACKAGES = ['libseccomp-dev'];

/**
 * Finds what a node consists of, in the cache, or makes it: containerd, runc and the CNI plug-ins from the Go module
 * proxy, busybox and iptables from Debian's packages. Safe to call from several processes at once.
 *
 * @throws Error naming what cannot be had; never skips.
 */
export async function ensureNodeBinaries(
  log: (line: string) => void = (line) => void process.stderr.write(`latchkey: ${line}\n`),
): Promise<NodeBinaries> {
  const kubelet = (await ensureBinaries(['kubelet'], { log })).get('kubelet');
  if (kubelet === undefined) throw new Error('there is no kubelet');
  const root = cacheDirectory(`node-containerd-${containerdVersion}-runc-${runcVersion}-cni-${cniPluginsVersion}`);
  if (!existsSync(root)) {
    const onWait = (pid: number): void => log(`waiting for process ${pid}, which is making the node’s programs …`);
    await withDirectoryLock(root, () => make(root, log), { timeoutMs: lockTimeoutMs, onWait });
  }
  return {
    kubelet,
    directory: join(root, 'bin'),
    cniDirectory: join(root, 'cni'),
    libraryDirectory: join(root, 'lib'),
  };
}

/** In a directory beside it, moved into place when whole. */
async function make(root: string, log: (line: string) => void): Promise<void> {
  if (existsSync(root)) return;
  const staging = `${root}.making`;
  await rm(staging, { recursive: true, force: true });
  await Promise.all(['bin', 'cni', 'lib'].map((name) => mkdir(join(staging, name), { recursive: true })));
  const step = async (what: string, work: () => Promise<void>): Promise<void> => {
    log(`${what}, once …`);
    await work();
  };
  await step('getting busybox and iptables from Debian’s packages', () => addDebianPrograms(staging));
  await step('building the CNI plug-ins (5 s)', () => buildCniPlugins(staging));
  await step('building runc (15 s)', () => buildRunc(staging));
  await step('building containerd (about 90 s)', () => buildContainerd(staging));
  await rm(join(staging, 'work'), { recursive: true, force: true });
  await rename(staging, root);
}

async function addDebianPrograms(staging: string): Promise<void> {
  const unpacked = join(staging, 'work', 'debian');
  await unpackDebianPackages(DEBIAN_PACKAGES, unpacked, join(staging, 'work', 'apt'));
  const copy = (from: string, to: string) =>
    runCommandOrThrow('cp', ['-a', join(unpacked, from), join(staging, to)], { timeoutMs: 30_000 });
  await copy('bin/busybox', 'bin/busybox');
  for (const name of await readdir(join(unpacked, 'usr/sbin'))) await copy(`usr/sbin/${name}`, `bin/${name}`);
  await copy('usr/lib/.', 'lib/');
}

async function goBuild(
  module: string,
  packages: readonly string[],
  outputDirectory: string,
  environment = {},
  extra: readonly string[] = [],
): Promise<void> {
  await runCommandOrThrow(
    'go',
    ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', ...extra, '-o', `${outputDirectory}/`, ...packages],
    {
      cwd: join(import.meta.dirname, 'build', module),
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', ...environment },
      timeoutMs: buildTimeoutMs,
    },
  );
}

async function buildCniPlugins(staging: string): Promise<void> {
  const plugins = ['main/bridge', 'main/loopback', 'ipam/host-local'];
  const packages = plugins.map((plugin) => `github.com/containernetworking/plugins/plugins/${plugin}`);
  await goBuild('cni', packages, join(staging, 'cni'), {}, ['-ldflags', '-s -w']);
}

async function buildContainerd(staging: string): Promise<void> {
  const packages = ['containerd', 'containerd-shim-runc-v2', 'ctr'].map(
    (name) => `github.com/containerd/containerd/v2/cmd/${name}`,
  );
  const tags = 'no_btrfs no_zfs no_devmapper';
  await goBuild('containerd', packages, join(staging, 'bin'), {}, ['-ldflags', '-s -w', '-tags', tags]);
}

/** Static, with seccomp: the CRI gives every sandbox a profile, and a runc without seccomp refuses it. */
async function buildRunc(staging: string): Promise<void> {
  const unpacked = join(staging, 'work', 'seccomp');
  await unpackDebianPackages(SECCOMP_PACKAGES, unpacked, join(staging, 'work', 'apt-seccomp'));
  const pkgConfigDirectory = await relocatePkgConfig(unpacked);
  const environment = { CGO_ENABLED: '1', PKG_CONFIG_PATH: pkgConfigDirectory };
  const flags = ['-tags', 'seccomp netgo osusergo', '-ldflags', '-s -w -extldflags "-static"'];
  await goBuild('runc', ['github.com/opencontainers/runc'], join(staging, 'bin'), environment, flags);
}

/** The package’s .pc file names the directories of an installed package; here they lie elsewhere. */
async function relocatePkgConfig(unpacked: string): Promise<string> {
  const libraries = join(unpacked, 'usr/lib');
  const [triplet = ''] = (await readdir(libraries)).filter((name) => name.endsWith('-linux-gnu'));
  const directory = join(libraries, triplet, 'pkgconfig');
  const file = join(directory, 'libseccomp.pc');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll('/usr', join(unpacked, 'usr')));
  return directory;
}
