import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { removeWithThisProcess } from './janitor.ts';

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
  /** Removes the directory and all in it. May be called more than once. */
  remove(): Promise<void>;
}

/** A private directory under the system's temporary directory, removed by `remove` or, failing that, when this process ends. */
export async function createTemporaryDirectory(label: string): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(resolve(tmpdir()), `latchkey-${label}-`));
  const forget = removeWithThisProcess(path);
  async function remove(): Promise<void> {
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    forget();
  }
  return { path, remove, [Symbol.asyncDispose]: remove };
}
