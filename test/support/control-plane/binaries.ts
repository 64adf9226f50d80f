import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../process/cache-directory.ts';
import { withDirectoryLock } from '../process/directory-lock.ts';
import { isExecutable } from '../process/parent-death.ts';
import { buildBinary } from './build-binary.ts';
import { installEnvtestArchive } from './envtest-archive.ts';
import { goPlatform } from './platform.ts';
import { controlPlaneBinaries, kubernetesVersion, type BinaryName } from './versions.ts';

export interface BinariesOptions {
  readonly log?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const lockTimeoutMs = 60 * 60_000;

/**
 * Finds the binaries, getting those that are missing: from `KUBEBUILDER_ASSETS`, the cache, the official envtest
 * archive, or by building them through the Go module proxy. Safe to call from several processes at once.
 *
 * @returns the absolute path of each.
 * @throws Error with the reason of every way that failed; never skips.
 */
export async function ensureBinaries(
  names: readonly BinaryName[] = controlPlaneBinaries,
  options: BinariesOptions = {},
): Promise<ReadonlyMap<BinaryName, string>> {
  const cache = binaryCache();
  if (missing(names, cache).length > 0) {
    const log = options.log ?? ((line) => void process.stderr.write(`latchkey: ${line}\n`));
    await withDirectoryLock(cache, () => fill(cache, names, log, options.signal), {
      timeoutMs: lockTimeoutMs,
      signal: options.signal,
      onWait: (pid) => log(`waiting for process ${pid}, which is getting the Kubernetes binaries …`),
    });
  }
  return new Map(names.map((name) => [name, locate(name, cache) ?? join(cache, name)]));
}

/** The directory that binaries are downloaded or built into, once per Kubernetes version and platform. */
function binaryCache(): string {
  const { os, arch } = goPlatform();
  return cacheDirectory(`kubernetes-${kubernetesVersion}-${os}-${arch}`);
}

function locate(name: BinaryName, cache: string): string | undefined {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const directories = assets === undefined || assets === '' ? [cache] : [assets, cache];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function missing(names: readonly BinaryName[], cache: string): BinaryName[] {
  return names.filter((name) => locate(name, cache) === undefined);
}

async function fill(
  cache: string,
  names: readonly BinaryName[],
  log: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  await removeLeftovers(cache);
  const reasons: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      signal?.throwIfAborted();
      const reason = `${what}: ${error instanceof Error ? error.message : String(error)}`;
      reasons.push(reason);
      log(reason);
    }
  };

  await attempt('the envtest archive', () => installEnvtestArchive(cache, missing(names, cache), log, signal));
  for (const name of missing(names, cache)) {
    await attempt(`building ${name}`, () => buildBinary(name, cache, log, signal));
  }
  const absent = missing(names, cache);
  if (absent.length > 0) {
    const assets = process.env['KUBEBUILDER_ASSETS'];
    const searched = `not in KUBEBUILDER_ASSETS (${assets ?? 'not set'}), not in the cache (${cache})`;
    throw new Error(
      `cannot get ${absent.join(', ')} of Kubernetes ${kubernetesVersion}:\n- ${[searched, ...reasons].join('\n- ')}`,
    );
  }
}

/** Under the lock nobody else is at work here, so half-finished work is that of a process that was killed. */
async function removeLeftovers(cache: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  for (const name of await readdir(cache)) {
    if (name.startsWith('.')) await rm(join(cache, name), { recursive: true, force: true });
  }
}
