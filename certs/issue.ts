import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LatchkeyError } from '../src/core/errors.ts';
import type { Issued, IssueRequest } from './issuing.ts';

/**
 * Makes keys and certificates in a process that ends with the job, so that the serving process never loads node-forge.
 *
 * A process and not a thread: measured after two jobs, the serving process had grown by 34 MB with a worker thread (its
 * heap is not given back), by 25 MB with forge loaded in place, and by 3 MB this way. Keys pass over the private channel
 * between the two, never over arguments, environment or files.
 *
 * The worker is found beside this file with this file's own extension: `issue-worker.ts` when run from source,
 * `issue-worker.js` (or `.mjs`) beside the bundle.
 *
 * @throws LatchkeyError `Internal` when the worker fails; the signal's reason when it aborts.
 */
export async function issueInWorker(request: IssueRequest, signal: AbortSignal): Promise<Issued> {
  signal.throwIfAborted();
  const url = new URL(`./issue-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
  const worker = fork(fileURLToPath(url), { env: {}, execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const { promise, resolve, reject } = Promise.withResolvers<Issued>();
  const onAbort = (): void => reject(signal.reason as Error);
  const fail = (cause?: unknown): void =>
    reject(new LatchkeyError('Internal', 'the process that makes certificates failed', { cause }));
  signal.addEventListener('abort', onAbort, { once: true });
  worker.once('message', (issued) => resolve(issued as Issued));
  worker.on('error', fail);
  worker.once('exit', () => fail());
  worker.send(request, (error) => {
    if (error !== null) fail(error);
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', onAbort);
    worker.kill('SIGKILL');
  }
}
