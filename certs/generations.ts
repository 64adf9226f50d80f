import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LatchkeyError } from '../src/core/errors.ts';
import { type Entries, ENTRY_NAMES } from './certificate-set.ts';

/** Sets in the making, until they are renamed. */
export const UNFINISHED_PREFIX = '.unfinished-';
/** Nobody takes that long to write eight small files. */
const unfinishedLimitMs = 60_000;

/**
 * Number of the set that counts: the highest one, or 0 for files that lie in the directory itself; undefined = nothing there.
 * @throws LatchkeyError `InvalidData` when the directory cannot be read.
 */
export async function currentGeneration(directory: string): Promise<number | undefined> {
  const names = await orUndefinedWhen(['ENOENT'], 'read', () => readdir(directory));
  if (names === undefined) return undefined;
  const numbers = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  if (numbers.length > 0) return Math.max(...numbers);
  return names.includes('tls.crt') ? 0 : undefined;
}

/**
 * Entries of one set; those that have no file are left out.
 * @throws LatchkeyError `InvalidData` when a file cannot be read.
 */
export async function readGeneration(directory: string, generation: number): Promise<Entries> {
  const entries: Record<string, string> = {};
  for (const name of ENTRY_NAMES) {
    const text = await orUndefinedWhen(['ENOENT'], 'read', () =>
      readFile(join(pathOf(directory, generation), name), 'utf8'),
    );
    if (text !== undefined) entries[name] = text.includes('-----BEGIN') ? text : text.trim();
  }
  return entries;
}

/**
 * Writes a set under a number unless that number is taken. The files are written elsewhere and the directory is renamed:
 * the system refuses to rename over a directory that holds something, so exactly one of several writers wins and nobody
 * ever sees half a set.
 *
 * @returns false when another process took the number.
 * @throws LatchkeyError `InvalidData` when the directory cannot be written.
 */
export async function writeGeneration(
  directory: string,
  generation: number,
  entries: Entries,
  signal: AbortSignal,
): Promise<boolean> {
  signal.throwIfAborted();
  await ensureDirectory(directory);
  const unfinished = join(directory, `${UNFINISHED_PREFIX}${randomUUID()}`);
  try {
    await orUndefinedWhen([], 'written', async () => {
      await mkdir(unfinished, { mode: 0o700 });
      for (const [name, text] of Object.entries(entries)) {
        // Flushed: after a crash of the machine a renamed directory with empty files would be taken for a set.
        await writeFile(join(unfinished, name), text, { mode: 0o600, flag: 'wx', flush: true });
      }
    });
    const isWritten = await orUndefinedWhen(['ENOTEMPTY', 'EEXIST'], 'written', async () => {
      await rename(unfinished, pathOf(directory, generation));
      return true;
    });
    if (isWritten === true) await tidy(directory, generation);
    return isWritten === true;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

export async function ensureDirectory(directory: string): Promise<void> {
  await orUndefinedWhen([], 'made', () => mkdir(directory, { recursive: true, mode: 0o700 }));
}

/** Removes what nobody reads any more. The set before stays: another process may be in the middle of reading it. */
async function tidy(directory: string, generation: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const isOld = /^[1-9]\d*$/.test(name) && Number(name) < generation - 1;
    if (isOld || (name.startsWith(UNFINISHED_PREFIX) && (await isAbandoned(path)))) {
      await rm(path, { recursive: true, force: true });
    }
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const stats = await orUndefinedWhen(['ENOENT'], 'read', () => stat(path));
  return stats !== undefined && Date.now() - stats.mtimeMs > unfinishedLimitMs;
}

function pathOf(directory: string, generation: number): string {
  return generation === 0 ? directory : join(directory, String(generation));
}

async function orUndefinedWhen<T>(
  codes: readonly string[],
  action: 'read' | 'written' | 'made',
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    if (codes.includes(code)) return undefined;
    throw new LatchkeyError('InvalidData', `the directory of the certificates cannot be ${action} (${code})`, {
      cause: error,
    });
  }
}
