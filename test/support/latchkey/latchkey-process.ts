import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { startChild, type Child } from '../process/child.ts';
import { findFreePorts } from '../process/free-port.ts';
import { LATCHKEY_USER } from './install.ts';

const root = join(import.meta.dirname, '../../..');

export interface LatchkeyProcess {
  readonly child: Child;
  readonly webhookPort: number;
  readonly operationsUrl: string;
  /** Everything it has printed so far. */
  output(): Promise<string>;
  metrics(): Promise<string>;
  stop(graceMs?: number): Promise<void>;
}

export interface LatchkeyOptions {
  readonly name?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The program, `src/main.ts` unless told. */
  readonly program?: string;
}

/** `latchkey serve` as a process of its own, under its own ServiceAccount's rights, registered by URL. Ready when this resolves. */
export async function startLatchkey(
  controlPlane: ControlPlane,
  options: LatchkeyOptions = {},
): Promise<LatchkeyProcess> {
  const { name = 'latchkey', args = [], env = {}, program = join(root, 'src/main.ts') } = options;
  const [webhookPort = 0, operationsPort = 0] = await findFreePorts(2);
  const logFile = join(controlPlane.directory, `${name}.log`);
  const operationsUrl = `http://127.0.0.1:${operationsPort}`;
  const child = await startChild({
    name,
    command: process.execPath,
    args: [
      program,
      'serve',
      ...['--kubeconfig', await controlPlane.kubeconfigFor(LATCHKEY_USER.name)],
      ...['--host', '127.0.0.1', '--webhook-port', String(webhookPort), '--operations-port', String(operationsPort)],
      ...['--webhook-url', `https://127.0.0.1:${webhookPort}`, '--log-level', 'debug'],
      ...args,
    ],
    env: { PATH: process.env['PATH'] ?? '', HOME: controlPlane.directory, ...env },
    logFile,
    ready: async () => (await readFile(logFile, 'utf8')).includes('"msg":"ready"'),
    readyTimeoutMs: 30_000,
  });
  return {
    child,
    webhookPort,
    operationsUrl,
    output: () => readFile(logFile, 'utf8'),
    async metrics() {
      return (await fetch(`${operationsUrl}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
    },
    stop: (graceMs = 10_000) => child.stop(graceMs),
  };
}

/** Requests to backends that the process has made so far. */
export async function providerCalls(latchkey: LatchkeyProcess): Promise<number> {
  const counts = (await latchkey.metrics()).matchAll(/^latchkey_provider_requests_total\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
