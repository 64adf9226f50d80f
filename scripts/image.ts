/**
 * Latchkey's image: the tree that scripts/image/tree.ts writes, and nothing below it. As an OCI archive, which needs no
 * container engine, or built by one from the same tree.
 *   npm run image -- --tar FILE [--name NAME]
 *   npm run image -- --engine docker [--name NAME]
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { VERSION } from '../src/cli/version.ts';
import { runCommandOrThrow } from '../test/support/process/run-command.ts';
import { writeImageArchive } from './image/oci-archive.ts';
import { buildImageTree, imageConfig } from './image/tree.ts';

const ENGINE_TIMEOUT_MS = 10 * 60_000;

interface ImageSettings {
  readonly tar?: string;
  readonly engine?: string;
  readonly name: string;
}

const command = new Command('npm run image --')
  .description('make Latchkey’s image')
  .option('--tar <file>', 'as an archive that containerd, docker load and podman load take')
  .option('--engine <program>', 'with docker or podman, into its store')
  .option('--name <name>', 'name and tag of the image', `localhost/latchkey:${VERSION}`)
  .parse();
const settings = command.opts<ImageSettings>();
if ((settings.tar === undefined) === (settings.engine === undefined)) command.error('error: either --tar or --engine');

const work = await mkdtemp(join(tmpdir(), 'latchkey-image-'));
try {
  const tree = join(work, 'tree');
  await mkdir(tree);
  await buildImageTree(tree);
  if (settings.tar !== undefined) {
    const image = { name: settings.name, config: imageConfig };
    await writeImageArchive(tree, [image], join(work, 'archive'), resolve(settings.tar));
  }
  if (settings.engine !== undefined) {
    await writeFile(join(work, 'Dockerfile'), dockerfile());
    await runCommandOrThrow(settings.engine, ['build', '-t', settings.name, work], { timeoutMs: ENGINE_TIMEOUT_MS });
  }
  process.stdout.write(`${settings.name}\n`);
} finally {
  await rm(work, { recursive: true, force: true });
}

function dockerfile(): string {
  const { Env, User, WorkingDir, Entrypoint, Cmd, ExposedPorts } = imageConfig;
  return [
    'FROM scratch',
    'COPY tree/ /',
    ...Env.map((entry) => `ENV ${entry}`),
    `USER ${User}`,
    `WORKDIR ${WorkingDir}`,
    `EXPOSE ${Object.keys(ExposedPorts).join(' ')}`,
    `ENTRYPOINT ${JSON.stringify(Entrypoint)}`,
    `CMD ${JSON.stringify(Cmd)}`,
    '',
  ].join('\n');
}
