import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../process/cache-directory.ts';
import { withDirectoryLock } from '../process/directory-lock.ts';
import { findExecutable } from '../process/parent-death.ts';
import { runCommandOrThrow } from '../process/run-command.ts';

/** A server that comes as Python packages. */
export interface PythonServer {
  /** In the cache's directory name and in messages. */
  readonly name: string;
  /** The version that the requirements pin. */
  readonly version: string;
  /** Every package with its hashes, as pip reads them. */
  readonly requirementsFile: string;
}

export interface InstallOptions {
  readonly log?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const lockTimeoutMs = 10 * 60_000;
const installTimeoutMs = 5 * 60_000;

/**
 * Makes sure that the cache holds a Python virtual environment with exactly the packages of the requirements, each
 * verified by its hash. Safe to call from several processes at once.
 *
 * @returns the absolute path of its Python.
 * @throws Error when there is no Python 3.10 or later, or the packages cannot be installed; never skips.
 */
export async function ensurePythonEnvironment(server: PythonServer, options: InstallOptions = {}): Promise<string> {
  const { signal, log = (line) => void process.stderr.write(`latchkey: ${line}\n`) } = options;
  const directory = cacheDirectory(`${server.name}-${server.version}`);
  const python = join(directory, 'bin', 'python');
  const stampFile = join(directory, '.complete');
  const wanted = createHash('sha256')
    .update(await readFile(server.requirementsFile))
    .digest('hex');
  if ((await readStamp(stampFile)) === wanted) return python;

  const onWait = (pid: number): void => log(`waiting for process ${pid}, which is installing ${server.name} …`);
  await withDirectoryLock(
    directory,
    async () => {
      if ((await readStamp(stampFile)) === wanted) return;
      log(`installing ${server.name} ${server.version} (about 30 s, once) …`);
      await install(server, directory, python, signal);
      await writeFile(stampFile, wanted);
    },
    { timeoutMs: lockTimeoutMs, onWait, signal },
  );
  return python;
}

/** Installs it for the command line: prints the path of its Python, or one sentence and exit code 1. */
export async function installPythonServer(server: PythonServer): Promise<void> {
  try {
    process.stdout.write(`${await ensurePythonEnvironment(server)}\n`);
  } catch (error) {
    process.stderr.write(`latchkey: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

/** In place, because a virtual environment cannot be moved; the stamp written last tells that it is whole. */
async function install(
  { name, requirementsFile }: PythonServer,
  directory: string,
  python: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const systemPython = await findPython(name, signal);
  await rm(directory, { recursive: true, force: true });
  const common = { timeoutMs: installTimeoutMs, signal };
  await runCommandOrThrow(systemPython, ['-m', 'venv', directory], common);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'];
  await runCommandOrThrow(python, [...pip, '--only-binary=:all:', '--require-hashes', '-r', requirementsFile], common);
}

async function findPython(name: string, signal: AbortSignal | undefined): Promise<string> {
  const python = findExecutable('python3');
  if (python === null) throw new Error(`${name} needs Python 3.10 or later; python3 is not in PATH`);
  const report = ['-c', 'import sys; print(*sys.version_info[:2])'];
  const { stdout } = await runCommandOrThrow(python, report, { timeoutMs: 10_000, signal });
  const [major = 0, minor = 0] = stdout.trim().split(' ').map(Number);
  if (major !== 3 || minor < 10) throw new Error(`${name} needs Python 3.10 or later; python3 is ${major}.${minor}`);
  return python;
}

async function readStamp(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
