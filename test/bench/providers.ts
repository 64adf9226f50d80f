/**
 * A thousand distinct keys that one client of each provider is asked for at once: calls, time, and the memory that the SDK
 * takes. Each provider runs in a process of its own, so that it pays for what it loads.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Json } from '../../src/api/kubernetes.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import type { Subject } from '../contract/secrets-client.suite.ts';
import { subjects } from '../contract/subjects.ts';

export interface ProvidersOptions {
  readonly keys: number;
  readonly log: (line: string) => void;
}

/** What the process is asked to read. Everything in it is made up for the run. */
export interface ReadingTask {
  readonly provider: string;
  readonly context: Pick<ClientContext, 'config' | 'environment' | 'allowedBackendHosts'>;
  /** `name/key` → text. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly keys: readonly string[];
}

export interface Reading {
  readonly calls: number;
  readonly callsByName: Readonly<Record<string, number>>;
  /** From nothing, the SDK not yet loaded, to the last value. */
  readonly wallMs: number;
  /** The packages that the provider has loaded for it. */
  readonly sdks: readonly string[];
}

export interface ProvidersResult {
  readonly readings: readonly (Reading & {
    readonly subject: string;
    readonly keys: number;
    /** What importing the packages adds to a process that does nothing else, MB (10^6 bytes). */
    readonly sdkMb: number;
  })[];
}

const PUT_AT_ONCE = 16;

export async function benchProviders({ keys: count, log }: ProvidersOptions): Promise<ProvidersResult> {
  const keys = Array.from({ length: count }, (_, index) => `bench-${index}`);
  const readings: ProvidersResult['readings'][number][] = [];
  for (const [provider, all] of Object.entries(subjects)) {
    for (const subject of all) {
      log(`${count} keys from ${subject.name} …`);
      const reading = await measure(provider, subject, keys);
      readings.push({ ...reading, subject: subject.name, keys: count, sdkMb: await importedMb(reading.sdks) });
    }
  }
  return { readings };
}

async function measure(provider: string, subject: Subject, keys: readonly string[]): Promise<Reading> {
  const backend = await subject.start();
  try {
    const queue = keys.values();
    const worker = async (): Promise<void> => {
      for (const key of queue) await backend.put(key, Buffer.from(`fake-value-of-${key}`));
    };
    await Promise.all(Array.from({ length: PUT_AT_ONCE }, worker));
    const { config, environment, allowedBackendHosts, credentials } = backend.context();
    const known = await credentialsIn(config, credentials);
    return await readInProcess({
      provider,
      context: { config, environment, allowedBackendHosts },
      credentials: known,
      keys,
    });
  } finally {
    await backend.close();
  }
}

async function readInProcess(task: ReadingTask): Promise<Reading> {
  const child = fork(join(import.meta.dirname, 'provider-reader.ts'));
  try {
    child.send(task);
    const [outcome] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    if (typeof outcome === 'object' && outcome !== null) return outcome as Reading;
    throw new Error(`the reader of ${task.provider} ended with ${String(outcome)}`);
  } finally {
    child.kill();
  }
}

async function importedMb(sdks: readonly string[]): Promise<number> {
  const program = `
    const residentMb = () => (gc(), process.memoryUsage().rss / 1e6);
    const before = residentMb();
    for (const name of process.argv.slice(1)) await import(name);
    console.log(residentMb() - before);`;
  const args = ['--expose-gc', '--input-type=module', '--eval', program, '--', ...sdks];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

/** The texts behind all selectors of a section. */
async function credentialsIn(
  section: Json,
  credentials: ClientContext['credentials'],
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  const visit = async (value: Json): Promise<void> => {
    if (typeof value !== 'object' || value === null) return;
    const { name, key } = value as { readonly name?: Json; readonly key?: Json };
    if (typeof name === 'string' && typeof key === 'string') {
      const secret = await credentials.readSecretKey({ name, key }, 'the benchmark', AbortSignal.timeout(1_000));
      found[`${name}/${key}`] = secret.reveal().toString();
    }
    for (const member of Object.values(value)) await visit(member);
  };
  await visit(section);
  return found;
}
