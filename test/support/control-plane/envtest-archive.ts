import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { isExecutable } from '../process/parent-death.ts';
import { runCommandOrThrow } from '../process/run-command.ts';
import { download } from './download.ts';
import { goPlatform } from './platform.ts';
import { kubernetesVersion, type BinaryName } from './versions.ts';

const indexUrl = 'https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml';
const contents: readonly BinaryName[] = ['etcd', 'kube-apiserver', 'kubectl'];

const EnvtestIndex = z.object({
  releases: z.record(z.string(), z.record(z.string(), z.object({ hash: z.string(), selfLink: z.url() }))),
});

/**
 * Puts those of `wanted` that the official envtest archive holds (etcd, kube-apiserver, kubectl) into `directory`,
 * after checking the archive's SHA-512. Does nothing when none of them is wanted.
 *
 * @throws Error when the archive cannot be downloaded or is not the one the index describes.
 */
export async function installEnvtestArchive(
  directory: string,
  wanted: readonly BinaryName[],
  log: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const names = wanted.filter((name) => contents.includes(name));
  if (names.length === 0) return;
  log(`looking for an envtest archive with ${names.join(', ')} …`);
  const index = EnvtestIndex.parse(parse((await download(indexUrl, signal)).toString('utf8')));
  const { file, hash, selfLink } = chooseArchive(index);
  log(`downloading ${selfLink} …`);
  const archive = await download(selfLink, signal);
  if (createHash('sha512').update(archive).digest('hex') !== hash)
    throw new Error(`${file} does not have its checksum`);

  await mkdir(directory, { recursive: true });
  const staging = await mkdtemp(join(directory, '.envtest-'));
  try {
    await writeFile(join(staging, file), archive);
    // Inside the archive: controller-tools/envtest/<name>.
    const tarArguments = ['-xzf', file, '--strip-components=2'];
    await runCommandOrThrow('tar', tarArguments, { cwd: staging, timeoutMs: 60_000, signal });
    for (const name of names) {
      await chmod(join(staging, name), 0o755);
      if (!isExecutable(join(staging, name))) throw new Error(`${file} holds no usable ${name}`);
      await rename(join(staging, name), join(directory, name));
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** envtest skips patch releases, so the newest of the same minor version is taken when ours is not there. */
function chooseArchive(index: z.infer<typeof EnvtestIndex>): { file: string; hash: string; selfLink: string } {
  const { os, arch } = goPlatform();
  const minor = kubernetesVersion.slice(0, kubernetesVersion.lastIndexOf('.') + 1);
  const newestFirst = Object.keys(index.releases)
    .filter((version) => version.startsWith(minor) && /^\d+$/.test(version.slice(minor.length)))
    .sort((a, b) => Number(b.slice(minor.length)) - Number(a.slice(minor.length)));
  for (const version of [kubernetesVersion, ...newestFirst]) {
    const file = `envtest-${version}-${os}-${arch}.tar.gz`;
    const entry = index.releases[version]?.[file];
    if (entry !== undefined) return { file, ...entry };
  }
  throw new Error(`the index lists no ${minor}x for ${os}/${arch}`);
}
