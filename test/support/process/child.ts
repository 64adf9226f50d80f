import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { endWithThisProcess } from './janitor.ts';
import { readLogTail } from './log-tail.ts';
import { dieWithParent } from './parent-death.ts';
import { waitUntil } from './wait-until.ts';

export interface ChildOptions {
  /** How messages name it, for example `kube-apiserver`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Replaces the environment altogether; by default the child gets this process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  /** Output and errors are appended here. */
  readonly logFile: string;
  /** Called with its pid as soon as it runs; when it fails, so does the start. */
  readonly onSpawn?: ((pid: number) => Promise<void>) | undefined;
  /** Returns true once the child can be used; throwing means "not yet". */
  readonly ready: (signal: AbortSignal) => boolean | Promise<boolean>;
  readonly readyTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Settles when the process has ended, with words such as `exit code 1` or `signal SIGKILL`; never rejects. */
  readonly ended: Promise<string>;
  readonly running: boolean;
  /** Asks with SIGTERM and kills after `graceMs` (0: kills at once). Resolves when the process is gone. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Starts a server process that cannot outlive this one and waits until it is ready.
 *
 * @throws Error naming the process and quoting the end of its log when it ends early or is not ready in time; by then it is stopped.
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  options.signal?.throwIfAborted();
  const child = await launch(options);
  const gaveUp = new AbortController();
  void child.ended.then((how) => gaveUp.abort(new Error(`it ended with ${how}`)));
  const signals = options.signal === undefined ? [gaveUp.signal] : [gaveUp.signal, options.signal];
  try {
    await options.onSpawn?.(child.pid);
    await waitUntil(options.ready, {
      what: `${options.name} to be ready`,
      timeoutMs: options.readyTimeoutMs,
      signal: AbortSignal.any(signals),
    });
    return child;
  } catch (error) {
    await child.stop(0);
    if (options.signal?.aborted === true) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const tail = await readLogTail(options.logFile);
    throw new Error(`${options.name} did not start: ${message}\n--- end of its log:\n${tail}`, { cause: error });
  }
}

async function launch(options: ChildOptions): Promise<Child> {
  const [command, args] = dieWithParent(options.command, options.args);
  const log = openSync(options.logFile, 'a', 0o600);
  const process = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<string>((resolve) => {
    process.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  await once(process, 'spawn'); // Rejects with the system's error when the command cannot be run.
  const { pid } = process;
  if (pid === undefined) throw new Error(`${options.name} has no process id`);
  const forget = endWithThisProcess(pid);
  let running = true;
  void ended.then(() => {
    running = false;
    forget();
  });

  return {
    name: options.name,
    pid,
    logFile: options.logFile,
    ended,
    get running() {
      return running;
    },
    async stop(graceMs = 5_000) {
      if (running && graceMs > 0) process.kill('SIGTERM');
      const killer = setTimeout(() => process.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(killer);
    },
  };
}
