/**
 * The main job without a cluster: the real TLS webhook over a folder of manifests, asked as an API server would ask it.
 * Every value is redacted on the way out; run it and read.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import type { AdmissionResponse } from '../src/api/admission.ts';
import type { Pod, Secret } from '../src/api/kubernetes.ts';
import { secrets } from '../src/api/resources.ts';
import { findReferences } from '../src/core/admission/references.ts';
import { startServer, type RunningServer } from '../src/serve.ts';
import { createLogger } from '../src/telemetry/logger.ts';
import { parseServeSettings } from '../src/cli/settings.ts';
import { sendReview } from './demo/send-review.ts';

const REFRESH_INTERVAL_MS = 1_000;
const print = (line = ''): void => void process.stdout.write(`${line}\n`);

const work = await mkdtemp(join(tmpdir(), 'latchkey-demo-'));
const running = new AbortController();
try {
  const manifests = join(work, 'quickstart');
  await cp(join(import.meta.dirname, '../examples/quickstart'), manifests, { recursive: true });
  const server = await start(manifests, join(work, 'certificates'));
  await demonstrate(server, manifests);
  await server.stop();
} finally {
  running.abort();
  await rm(work, { recursive: true, force: true });
}

async function start(manifests: string, certificates: string): Promise<RunningServer> {
  const startedAtMs = performance.now();
  const settings = parseServeSettings([
    ...['--manifests', manifests, '--certificate-directory', certificates, '--host', '127.0.0.1'],
    ...['--webhook-port', '0', '--operations-port', '0', '--log-level', 'warn'],
  ]);
  const server = await startServer(settings, {}, createLogger('warn'), running.signal);
  print('Latchkey is running over the manifests in examples/quickstart: a labelled Namespace, a SecretStore, an');
  print(
    `ExternalSecret with refreshInterval 1s, and an ordinary Pod. Certificates issued, ready in ${took(startedAtMs)}.`,
  );
  return server;
}

async function demonstrate(server: RunningServer, manifests: string): Promise<void> {
  const pod = parse(await readFile(join(manifests, '4-pod.yaml'), 'utf8')) as Pod;
  print();
  print('1. The Pod refers to');
  for (const { secretName, keys, place } of findReferences(pod)) {
    print(`     Secret ${secretName}, key ${keys.join(', ')}  (${place})`);
  }
  print('   That Secret does not exist. The API server asks about the Pod:');
  await ask(server, pod);
  print(
    '     why: the Pod itself needs no change. The status says that all is fresh; the other annotation names the version',
  );
  print('     of each Secret by a keyed digest: see which pods run which version, learn nothing about the value.');
  await showSecret(server);

  print();
  print('2. A second Pod, at once: everything is fresh.');
  await ask(server, pod);

  print();
  const store = join(manifests, '2-secret-store.yaml');
  await writeFile(store, (await readFile(store, 'utf8')).replace('not-a-real-password-1', 'not-a-real-password-22'));
  print('3. The value changes in the backend. The Secret may be 1s old (refreshInterval), so this waits for 1s …');
  await sleep(REFRESH_INTERVAL_MS + 100);
  print('   … and the next Pod starts with the new value:');
  await ask(server, pod);
  await showSecret(server);
  print();
  print('Next: "npm run cluster" gives you a real API server with Latchkey in it (docs/try-it.md).');
}

async function ask(server: RunningServer, pod: Pod): Promise<void> {
  const callsBefore = await providerCalls(server);
  const startedAtMs = performance.now();
  const response = await sendReview(server, pod);
  const duration = took(startedAtMs);
  const calls = (await providerCalls(server)) - callsBefore;
  print(
    `     ${response.allowed ? 'admitted' : 'DENIED'} in ${duration}, ${calls} provider ${calls === 1 ? 'call' : 'calls'}`,
  );
  if (!response.allowed) throw new Error(response.status?.message ?? 'denied without a message');
  showPatch(response);
}

function showPatch({ patch }: AdmissionResponse): void {
  print('     patch, as answered:');
  for (const operation of JSON.parse(Buffer.from(patch ?? '', 'base64').toString()) as readonly object[]) {
    print(`       ${JSON.stringify(operation)}`);
  }
}

async function showSecret({ cluster }: RunningServer): Promise<void> {
  const key = { namespace: 'shop', name: 'db-credentials' };
  const secret: Secret | undefined = await cluster.get(secrets, key, { signal: AbortSignal.timeout(1_000) });
  print(
    `     Secret ${key.namespace}/${key.name}, owned by ExternalSecret ${secret?.metadata.ownerReferences?.[0]?.name}:`,
  );
  for (const [name, base64] of Object.entries(secret?.data ?? {})) {
    print(`       ${name}: [redacted], ${Buffer.from(base64, 'base64').length} bytes`);
  }
}

async function providerCalls({ operationsPort }: RunningServer): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${operationsPort}/metrics`, { signal: AbortSignal.timeout(2_000) });
  const counts = (await answer.text()).matchAll(/^latchkey_provider_requests_total\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

function took(startedAtMs: number): string {
  const ms = performance.now() - startedAtMs;
  return ms < 100 ? `${ms.toFixed(1)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
