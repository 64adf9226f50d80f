import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommandOrThrow } from '../../test/support/process/run-command.ts';

const timeoutMs = 120_000;

export interface Image {
  /** With a tag that is not `latest`, so that it is never pulled. */
  readonly name: string;
  /** `config` of the OCI image: Cmd, Entrypoint, Env … */
  readonly config: object;
}

interface Blob {
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
