import { watch } from 'node:fs';
import type { Logger } from '../src/ports/logger.ts';
import { type CertificateSourceOptions, createCertificateSource } from './certificate-source.ts';
import type { RotatingCertificateSource } from './certificate-source.ts';
import type { CertificateStore } from './certificate-store.ts';
import {
  currentGeneration,
  ensureDirectory,
  readGeneration,
  UNFINISHED_PREFIX,
  writeGeneration,
} from './generations.ts';

export interface DirectorySourceOptions extends CertificateSourceOptions {
  /** Made when missing, readable by its owner only. */
  readonly directory: string;
}

/**
 * Serving credentials in a directory. Each set is a numbered directory of its own (`1/tls.crt`, `1/tls.key`, …), the
 * highest number counts. Files that lie in the directory itself are a set that somebody else provides: it is read as long as
 * there is no numbered one.
 */
export function createDirectorySource(options: DirectorySourceOptions): RotatingCertificateSource {
  return createCertificateSource(directoryStore(options.directory, options.logger), options);
}

function directoryStore(directory: string, logger: Logger): CertificateStore {
  return {
    name: `directory ${directory}`,
    async read(signal) {
      signal.throwIfAborted();
      const generation = await currentGeneration(directory);
      if (generation === undefined) return undefined;
      return { entries: await readGeneration(directory, generation), revision: String(generation) };
    },
    create: (entries, signal) => writeGeneration(directory, 1, entries, signal),
    replace: (entries, revision, signal) => writeGeneration(directory, Number(revision) + 1, entries, signal),
    watch(onHint, signal) {
      void watchDirectory(directory, onHint, signal).catch((error: unknown) => {
        logger.warn('A directory cannot be watched, it is polled only', { directory }, error);
      });
    },
  };
}

async function watchDirectory(directory: string, onHint: () => void, signal: AbortSignal): Promise<void> {
  await ensureDirectory(directory);
  if (signal.aborted) return;
  const { promise, reject, resolve } = Promise.withResolvers<void>();
  const watcher = watch(directory, { persistent: false, signal }, (_, name) => {
    // Our own beginnings are no news; a write that keeps failing must not wake itself.
    if (name?.startsWith(UNFINISHED_PREFIX) !== true) onHint();
  });
  watcher.once('error', reject);
  watcher.once('close', () => resolve());
  await promise;
}
