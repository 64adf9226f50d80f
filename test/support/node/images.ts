import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommandOrThrow } from '../process/run-command.ts';

const timeoutMs = 120_000;

interface Image {
  /** With a tag that is not `latest`, so that it is never pulled. */
  readonly name: string;
  /** `config` of the OCI image: Cmd, Entrypoint, Env … */
  readonly config: object;
}

export interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** Writes an OCI layout with images that share one layer, the content of `tree`, as a tar that `ctr images import` takes. */
export async function writeImageArchive(
  tree: string,
  images: readonly Image[],
  work: string,
  archive: string,
): Promise<void> {
  const layout = join(work, 'layout');
  const blobs = join(layout, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  const layer = await addLayer(tree, work, blobs);
  const manifests = [];
  for (const { name, config } of images) {
    const configBlob = await addBlob(blobs, {
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    });
    const manifest = await addBlob(blobs, {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configBlob },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
    });
    manifests.push({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      ...manifest,
      annotations: { 'io.containerd.image.name': name },
    });
  }
  await writeFile(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  await mkdir(dirname(archive), { recursive: true });
  await runCommandOrThrow('tar', ['-C', layout, '-cf', archive, '.'], { timeoutMs });
}

async function addLayer(tree: string, work: string, blobs: string): Promise<Blob> {
  const file = join(work, 'layer.tar');
  const owner = ['--numeric-owner', '--owner=0', '--group=0', '--sort=name', '--mtime=@0'];
  await runCommandOrThrow('tar', [...owner, '-C', tree, '-cf', file, '.'], { timeoutMs });
  const bytes = await readFile(file);
  const digest = createHash('sha256').update(bytes).digest('hex');
  await rename(file, join(blobs, digest));
  return { digest: `sha256:${digest}`, size: bytes.length };
}

async function addBlob(blobs: string, content: object): Promise<Blob> {
  const bytes = Buffer.from(JSON.stringify(content));
  const digest = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(blobs, digest), bytes);
  return { digest: `sha256:${digest}`, size: bytes.length };
}

/** TERM ends it at once: process 1 ignores every signal it has no handler for, and the sandbox would wait to be killed. */
const PAUSE = `#!/bin/sh
trap 'exit 0' TERM INT
sleep 2147483647 &
wait
`;

/** Archives busybox, under the name it has everywhere too, and pause. */
export async function writeTestImages(busybox: string, work: string, archive: string): Promise<void> {
  const tree = join(work, 'tree');
  const directories = ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'var', 'run'];
  await Promise.all(directories.map((name) => mkdir(join(tree, name), { recursive: true })));
  await chmod(join(tree, 'tmp'), 0o1777);
  await copyFile(busybox, join(tree, 'bin/busybox'));
  const { stdout } = await runCommandOrThrow(busybox, ['--list'], { timeoutMs });
  const applets = stdout.split('\n').filter((applet) => applet !== '' && applet !== 'busybox');
  await Promise.all(applets.map((applet) => symlink('busybox', join(tree, 'bin', applet))));
  await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/tmp:/bin/sh\n');
  await writeFile(join(tree, 'etc/group'), 'root:x:0:\napp:x:1000:\n');
  await writeFile(join(tree, 'pause'), PAUSE, { mode: 0o755 });
  const Env = ['PATH=/bin'];
  const images = [
    { name: 'localhost/busybox:1', config: { Env, Cmd: ['/bin/sh'] } },
    { name: 'docker.io/library/busybox:1', config: { Env, Cmd: ['/bin/sh'] } },
    { name: 'localhost/pause:1', config: { Env, Entrypoint: ['/pause'] } },
  ];
  await writeImageArchive(tree, images, work, archive);
}
