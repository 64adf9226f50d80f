import { spawn } from 'node:child_process';
import { endWithThisProcess } from './janitor.ts';
import { dieWithParent } from './parent-death.ts';

export interface CommandOptions {
  readonly cwd?: string | undefined;
  /** Replaces the environment altogether; by default the command gets this process's. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Given to the command on its standard input. */
  readonly input?: string | undefined;
  /** The command is killed after this time. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface CommandResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end, whatever its exit code.
 *
 * @throws Error when it cannot be run at all or does not end in time, and the signal's reason when that is aborted.
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    options.signal?.throwIfAborted();
    const deadline = AbortSignal.timeout(options.timeoutMs);
    const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
    const [file, allArgs] = dieWithParent(command, args);
    const child = spawn(file, allArgs, { cwd: options.cwd, env: options.env, stdio: 'pipe' });
    const forget = child.pid === undefined ? () => {} : endWithThisProcess(child.pid);
    const kill = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });

    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A command may end without reading its input; its exit code tells more than the broken pipe would.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error);
    });
    child.stdin.end(options.input ?? '');

    child.once('error', (error) => {
      forget();
      signal.removeEventListener('abort', kill);
      reject(new Error(`${command} cannot be run: ${error.message}`, { cause: error }));
    });
    child.once('close', (exitCode) => {
      forget();
      signal.removeEventListener('abort', kill);
      if (options.signal?.aborted === true) reject(options.signal.reason as Error);
      else if (deadline.aborted)
        reject(new Error(`${command} ${args[0] ?? ''} took over ${options.timeoutMs / 1000} s`));
      else resolve({ exitCode, stdout, stderr });
    });
  });
}

/** Like {@link runCommand}, but any exit code except 0 is an error that quotes the last lines it wrote to stderr. */
export async function runCommandOrThrow(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const result = await runCommand(command, args, options);
  if (result.exitCode === 0) return result;
  const lines = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-15).join('\n');
  throw new Error(`${command} ${args.join(' ')} ended with exit code ${result.exitCode}:\n${lines}`);
}
