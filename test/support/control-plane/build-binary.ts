import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findExecutable } from '../process/parent-death.ts';
import { runCommandOrThrow } from '../process/run-command.ts';
import { kubernetesVersion, type BinaryName } from './versions.ts';

const buildTimeoutMs = 30 * 60_000;
const progressIntervalMs = 15_000;

/**
 * Builds one binary from the modules that `build/<module>/go.mod` and `go.sum` pin, fetched through the Go module
 * proxy, and moves it into `directory` in one step. Says on `log` every 15 s that it is still at work.
 *
 * @throws Error when Go is missing or the build fails.
 */
export async function buildBinary(
  name: BinaryName,
  directory: string,
  log: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  if (findExecutable('go') === null) throw new Error('go is not in PATH');
  const isEtcd = name === 'etcd';
  await mkdir(directory, { recursive: true });
  const staging = await mkdtemp(join(directory, `.${name}-`));
  const startedMs = Date.now();
  const elapsedSeconds = (): number => Math.round((Date.now() - startedMs) / 1000);
  log(`building ${name} (${isEtcd ? 'about 1 minute' : 'about 3 minutes'}, once) …`);
  const progress = setInterval(() => log(`building ${name}: ${elapsedSeconds()} s …`), progressIntervalMs);
  try {
    const output = join(staging, name);
    await runCommandOrThrow(
      'go',
      [
        'build',
        '-mod=readonly',
        '-trimpath',
        '-buildvcs=false',
        '-ldflags',
        linkerFlags(isEtcd),
        '-o',
        output,
        isEtcd ? 'go.etcd.io/etcd/server/v3' : `k8s.io/kubernetes/cmd/${name}`,
      ],
      {
        cwd: join(import.meta.dirname, 'build', isEtcd ? 'etcd' : 'kubernetes'),
        env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
        timeoutMs: buildTimeoutMs,
        signal,
      },
    );
    await rename(output, join(directory, name));
    log(`built ${name} in ${elapsedSeconds()} s`);
  } finally {
    clearInterval(progress);
    await rm(staging, { recursive: true, force: true });
  }
}

/** Kubernetes binaries learn their version from the linker; without it the API server takes itself for v0.0.0. */
function linkerFlags(isEtcd: boolean): string {
  if (isEtcd) return '-s -w';
  const [major = '', minor = ''] = kubernetesVersion.slice(1).split('.');
  const variables = { gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor };
  const settings = Object.entries(variables).map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`);
  return ['-s -w', ...settings].join(' ');
}
