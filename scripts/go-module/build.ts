import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, runCommandOrThrow } from '../../test/support/process/run-command.ts';
import { createTemporaryDirectory } from '../../test/support/process/temporary-directory.ts';
import { limitMemory } from './memory-limit.ts';

const root = join(import.meta.dirname, '../..');
const sources = join(root, 'src/go/module');
export const recordFile = join(root, 'src/go/go-libraries.json');

/** What is built of the sources: the name of the file, and the build tags. Templates make a module three times as large. */
export const MODULES = [
  { name: 'go-libraries', tags: '' },
  { name: 'go-templates', tags: 'templates' },
] as const;
export type Module = (typeof MODULES)[number];

const TIMEOUT_MS = 10 * 60_000;
const MEMORY_LIMIT_BYTES = 256 * 1_048_576;
const BUILD = [
  'build',
  '-mod=readonly',
  '-trimpath',
  '-buildvcs=false',
  '-buildmode=c-shared',
  '-ldflags=-s -w -buildid=',
];
const ENVIRONMENT = {
  GOOS: 'wasip1',
  GOARCH: 'wasm',
  GOWASM: '',
  GOEXPERIMENT: '',
  GOFLAGS: '',
  GOWORK: 'off',
  CGO_ENABLED: '0',
};

/** What the committed artefacts were made from, and what they hold when unpacked. */
export interface ArtefactRecord {
  readonly inputsSha256: string;
  readonly wasmSha256: Readonly<Record<Module['name'], string>>;
}

export function artefactFile({ name }: Module): string {
  return join(root, `src/go/${name}.wasm.br`);
}

/** A hash of everything that decides what the modules are: sources, versions, flags, memory limit. */
export async function hashInputs(): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([BUILD, ENVIRONMENT, MEMORY_LIMIT_BYTES, MODULES]));
  for (const name of (await readdir(sources)).sort()) {
    hash.update(`\0${name}\0`).update(await readFile(join(sources, name)));
  }
  return hash.digest('hex');
}

/** The version of Go that go.mod pins, such as `go1.26.8`. */
export async function pinnedGo(): Promise<string> {
  const pinned = /^toolchain (\S+)$/m.exec(await readFile(join(sources, 'go.mod'), 'utf8'))?.[1];
  if (pinned === undefined) throw new Error('src/go/module/go.mod pins no toolchain');
  return pinned;
}

/** The version of the Go that is installed, `undefined` when there is none. */
export async function installedGo(): Promise<string | undefined> {
  try {
    const options = { env: { ...process.env, GOTOOLCHAIN: 'local' }, timeoutMs: TIMEOUT_MS };
    return (await runCommand('go', ['env', 'GOVERSION'], options)).stdout.trim();
  } catch {
    // It cannot be run: there is none.
    return undefined;
  }
}

/** Builds a module with the pinned Go, which another Go fetches by itself. The same inputs give the same bytes. */
export async function buildModule({ tags }: Module): Promise<Buffer> {
  await using directory = await createTemporaryDirectory('go-module');
  const file = join(directory.path, 'module.wasm');
  await runCommandOrThrow('go', [...BUILD, `-tags=${tags}`, '-o', file, '.'], {
    cwd: sources,
    env: { ...process.env, ...ENVIRONMENT, GOTOOLCHAIN: await pinnedGo() },
    timeoutMs: TIMEOUT_MS,
  });
  return limitMemory(await readFile(file), MEMORY_LIMIT_BYTES);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
