import { join } from 'node:path';
import { startChild } from '../process/child.ts';
import { findFreePort } from '../process/free-port.ts';
import { createTemporaryDirectory } from '../process/temporary-directory.ts';
import { ensurePythonEnvironment, type InstallOptions } from '../python/environment.ts';
import { motoEnvironment } from './environment.ts';

export interface Moto extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, for the `endpoint` of any AWS client. Any credentials are accepted. */
  readonly endpoint: string;
  readonly pid: number;
  /** What it prints. */
  readonly logFile: string;
  /** Forgets all accounts, secrets and parameters. */
  reset(): Promise<void>;
  /** Ends the server and removes its directory. May be called more than once. */
  stop(): Promise<void>;
}

const readyTimeoutMs = 30_000;
const resetTimeoutMs = 10_000;

/**
 * Starts moto, a server that behaves like AWS Secrets Manager, Systems Manager and STS, on loopback. It dies with this
 * process. Where it differs from AWS: a missing secret is a 404, and web identity tokens are not verified.
 *
 * @throws Error when it cannot be installed or does not become ready, with the end of its log.
 */
export async function startMoto(options: InstallOptions = {}): Promise<Moto> {
  const python = await ensurePythonEnvironment(motoEnvironment, options);
  const temporary = await createTemporaryDirectory('moto');
  try {
    const port = await findFreePort();
    const endpoint = `http://127.0.0.1:${port}`;
    const child = await startChild({
      name: 'moto',
      command: python,
      // -I: neither the user's packages nor PYTHON… variables reach it.
      args: ['-I', '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
      cwd: temporary.path,
      // Nothing else: AWS_… and MOTO_… variables change what it answers.
      env: { PATH: process.env['PATH'], HOME: temporary.path, TMPDIR: temporary.path, LANG: 'C.UTF-8' },
      logFile: join(temporary.path, 'moto.log'),
      ready: async (signal) => (await fetch(`${endpoint}/moto-api/data.json`, { signal })).ok,
      readyTimeoutMs,
      signal: options.signal,
    });
    const stop = async (): Promise<void> => {
      await child.stop(0); // It keeps everything in memory.
      await temporary.remove();
    };
    return {
      endpoint,
      pid: child.pid,
      logFile: child.logFile,
      async reset() {
        const signal = AbortSignal.timeout(resetTimeoutMs);
        const response = await fetch(`${endpoint}/moto-api/reset`, { method: 'POST', signal });
        if (!response.ok) throw new Error(`moto did not reset: status ${response.status}`);
      },
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await temporary.remove();
    throw error;
  }
}
