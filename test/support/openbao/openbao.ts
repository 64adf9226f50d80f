import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '../process/child.ts';
import { findFreePort } from '../process/free-port.ts';
import { createTemporaryDirectory } from '../process/temporary-directory.ts';
import { ensurePythonEnvironment, type InstallOptions } from '../python/environment.ts';
import { openBaoEnvironment } from './environment.ts';
import { openBaoWriter, type OpenBaoWriter } from './openbao-writer.ts';

export interface OpenBaoOptions extends InstallOptions {
  /** An address of this machine; default 127.0.0.1. */
  readonly listenAddress?: string | undefined;
  /** Default: one that is free. */
  readonly port?: number | undefined;
  /** Default: a new one for each start. */
  readonly rootToken?: string | undefined;
  /** Serve TLS with a certificate made for this start, valid for localhost and 127.0.0.1. */
  readonly tls?: boolean | undefined;
}

export interface OpenBao extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, or https. */
  readonly endpoint: string;
  /** May do everything. */
  readonly rootToken: string;
  /** PEM of the CA that issued the server's certificate; only with TLS. */
  readonly ca: string | undefined;
  readonly writer: OpenBaoWriter;
  readonly pid: number;
  /** What it prints. */
  readonly logFile: string;
  /** Ends the server and removes its directory. May be called more than once. */
  stop(): Promise<void>;
}

const readyTimeoutMs = 30_000;

/**
 * Starts OpenBao, which speaks the API of HashiCorp Vault, unsealed and in memory, with KV v2 at `secret/`. It dies with
 * this process. Where it differs from Vault: namespaces work, which Vault has in its Enterprise edition only.
 *
 * @throws Error when it cannot be installed or does not become ready, with the end of its log.
 */
export async function startOpenBao(options: OpenBaoOptions = {}): Promise<OpenBao> {
  const python = await ensurePythonEnvironment(openBaoEnvironment, options);
  const temporary = await createTemporaryDirectory('openbao');
  try {
    const host = options.listenAddress ?? '127.0.0.1';
    const port = options.port ?? (await findFreePort(host));
    const endpoint = `${options.tls === true ? 'https' : 'http'}://${host}:${port}`;
    const { rootToken = `fake-root-${randomUUID()}` } = options;
    const tls = options.tls === true ? ['-dev-tls', `-dev-tls-cert-dir=${temporary.path}`] : [];
    const readCa = async (): Promise<string | undefined> =>
      options.tls === true ? readFile(join(temporary.path, 'vault-ca.pem'), 'utf8') : undefined;
    const child = await startChild({
      name: 'OpenBao',
      command: join(python, '..', 'bao'),
      args: ['server', '-dev', '-dev-no-store-token', `-dev-listen-address=${host}:${port}`, ...tls],
      cwd: temporary.path,
      // Nothing else: BAO_… and VAULT_… variables change what it does.
      env: { PATH: process.env['PATH'], HOME: temporary.path, BAO_DEV_ROOT_TOKEN_ID: rootToken },
      logFile: join(temporary.path, 'openbao.log'),
      ready: async () => isMounted(openBaoWriter({ endpoint, token: rootToken, ca: await readCa() })),
      readyTimeoutMs,
      signal: options.signal,
    });
    const stop = async (): Promise<void> => {
      await child.stop(0); // It keeps everything in memory.
      await temporary.remove();
    };
    const ca = await readCa();
    const writer = openBaoWriter({ endpoint, token: rootToken, ca });
    return {
      endpoint,
      rootToken,
      ca,
      writer,
      pid: child.pid,
      logFile: child.logFile,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await temporary.remove();
    throw error;
  }
}

/** It answers before the development mode has mounted `secret/`. */
async function isMounted(writer: OpenBaoWriter): Promise<boolean> {
  await writer.call('GET', 'sys/mounts/secret');
  return true;
}
