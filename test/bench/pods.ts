/**
 * From the create of a pod to its Running, on a real node: without Latchkey, warm and cold, one and ten at once. The variants
 * take turns in one run. Latchkey runs as a pod of the cluster, out of its own image.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { startClusterWithLatchkey } from '../support/latchkey/in-cluster.ts';
import * as make from '../support/latchkey/manifests.ts';
import { PodClient } from '../support/latchkey/pod-client.ts';
import type { NodeCluster } from '../support/node/node-cluster.ts';
import { cpuMs, residentMb } from './process-usage.ts';
import { median, percentile } from './statistics.ts';

const AT_ONCE = [1, 10] as const;
const POLL_MS = 10;
const RUNNING_WITHIN_MS = 60_000;
const CROWD = 500;

export interface PodsOptions {
  /** Pods of each variant for each number at once. */
  readonly pods: number;
  readonly log: (line: string) => void;
}

export interface StartResult {
  readonly variant: string;
  readonly atOnce: number;
  readonly pods: number;
  readonly medianMs: number;
  readonly p90Ms: number;
}

export interface PodsResult {
  readonly starts: readonly StartResult[];
  /** Of the Latchkey pod while 500 pods are started, ten at a time. */
  readonly crowd: { readonly pods: number; readonly mostResidentMb: number; readonly cpuMsPerPod: number };
}

const VARIANTS = [
  { name: 'without Latchkey', namespace: 'plain' },
  { name: 'warm', namespace: 'warm' },
  { name: 'cold', namespace: 'cold' },
] as const;

export async function benchPods({ pods, log }: PodsOptions): Promise<PodsResult> {
  log('making the image, starting a cluster of one node with Latchkey in it …');
  await using cluster = await startClusterWithLatchkey({ replicas: 1 });
  await prepare(cluster, pods * AT_ONCE.length + 1);
  const client = new PodStarter(cluster);
  const starts: StartResult[] = [];
  let coldIndex = 0;
  const secretOf = (namespace: string): string => (namespace === 'cold' ? `db-${(coldIndex += 1)}` : 'db-0');
  for (const { namespace } of VARIANTS) await client.start([{ namespace, name: 'first', secret: 'db-0' }]);
  for (const atOnce of AT_ONCE) {
    log(`${pods} pods of each of ${VARIANTS.length} variants, ${atOnce} at once …`);
    const samples = new Map<string, number[]>(VARIANTS.map(({ name }) => [name, []]));
    for (let round = 0; round < pods / atOnce; round += 1) {
      for (let turn = 0; turn < VARIANTS.length; turn += 1) {
        const variant = VARIANTS[(turn + round) % VARIANTS.length];
        if (variant === undefined) continue;
        const { name: variantName, namespace } = variant;
        const names = Array.from({ length: atOnce }, (_, index) => `n${atOnce}-${round}-${index}`);
        const wanted = names.map((name) => ({ namespace, name, secret: secretOf(namespace) }));
        samples.get(variantName)?.push(...(await client.start(wanted)));
        await client.remove(namespace);
      }
    }
    for (const [variant, times] of samples) {
      const figures = { medianMs: median(times), p90Ms: percentile(times, 0.9) };
      starts.push({ variant, atOnce, pods: times.length, ...figures });
    }
  }
  log(`${CROWD} pods, ten at a time …`);
  const crowd = await startCrowd(client);
  client.close();
  return { starts, crowd };
}

async function prepare(cluster: NodeCluster, coldSecrets: number): Promise<void> {
  const names = VARIANTS.map(({ namespace }) => namespace);
  const isOptedIn = (name: string): boolean => name !== 'plain';
  const password = { password: Buffer.from('not-a-real-password').toString('base64') };
  const externalSecret = (name: string, namespace: string): make.Manifest =>
    make.externalSecret({ name, namespace, data: { password: 'prod/db' }, spec: { refreshInterval: '24h' } });
  const manifests = [
    ...names.map((name) => make.namespace(name, isOptedIn(name) ? { 'latchkey.dev/injection': 'enabled' } : {})),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'db-0', namespace: 'plain' }, data: password },
    ...names.filter(isOptedIn).map((name) => make.fakeStore('store', name, { 'prod/db': 'not-a-real-password' })),
    externalSecret('db-0', 'warm'),
    ...Array.from({ length: coldSecrets }, (_, index) => externalSecret(`db-${index}`, 'cold')),
  ];
  const input = make.toYamlDocuments(...manifests);
  await kubectlOrThrow(cluster.controlPlane, ['apply', '--server-side', '-f', '-'], { input, timeoutMs: 120_000 });
  for (const name of names) {
    const wait = ['wait', '--for=create', 'serviceaccount/default', '-n', name, '--timeout=30s'];
    await kubectlOrThrow(cluster.controlPlane, wait, { timeoutMs: 40_000 });
  }
}

interface WantedPod {
  readonly namespace: string;
  readonly name: string;
  readonly secret: string;
}

/** Starts pods and sees when they run. */
class PodStarter {
  readonly #cluster: NodeCluster;
  readonly #client: PodClient;

  constructor(cluster: NodeCluster) {
    this.#cluster = cluster;
    this.#client = new PodClient(cluster.controlPlane, Math.max(...AT_ONCE));
  }

  /** @returns ms from each pod's create to the moment it was seen Running. */
  start(pods: readonly WantedPod[]): Promise<readonly number[]> {
    return Promise.all(
      pods.map(async (pod) => {
        const startedAtMs = performance.now();
        await this.#client.create({ namespace: pod.namespace, body: bodyOf(pod) });
        while ((await this.#client.phase(pod.namespace, pod.name)) !== 'Running') {
          if (performance.now() - startedAtMs > RUNNING_WITHIN_MS) throw new Error(`pod ${pod.name} does not run`);
          await sleep(POLL_MS);
        }
        return performance.now() - startedAtMs;
      }),
    );
  }

  async remove(namespace: string): Promise<void> {
    const args = ['delete', 'pods', '--all', '-n', namespace, '--grace-period=0', '--force', '--wait=true'];
    await kubectlOrThrow(this.#cluster.controlPlane, args, { timeoutMs: 60_000 });
  }

  close(): void {
    this.#client.close();
  }
}

function bodyOf({ namespace, name, secret }: WantedPod): Buffer {
  const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: secret, key: 'password' } } }];
  const command = ['sh', '-c', 'trap "exit 0" TERM; sleep 3600 & wait'];
  const spec = {
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    containers: [{ name: 'app', image: 'localhost/busybox:1', command, env }],
  };
  return Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec }));
}

async function startCrowd(client: PodStarter): Promise<PodsResult['crowd']> {
  const pid = latchkeyPid();
  const cpuBeforeMs = cpuMs(pid);
  let mostResidentMb = residentMb(pid);
  for (let round = 0; round < CROWD / 10; round += 1) {
    const pods = Array.from({ length: 10 }, (_, index) => ({
      namespace: 'warm',
      name: `crowd-${round}-${index}`,
      secret: 'db-0',
    }));
    await client.start(pods);
    mostResidentMb = Math.max(mostResidentMb, residentMb(pid));
    await client.remove('warm');
  }
  return { pods: CROWD, mostResidentMb, cpuMsPerPod: (cpuMs(pid) - cpuBeforeMs) / CROWD };
}

/** The machine sees the processes of containers too, under ids of its own. */
function latchkeyPid(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => commandOf(pid).startsWith('/usr/bin/node\0/app/main.js\0serve'));
  if (found === undefined) throw new Error('the process of the Latchkey pod is not to be seen');
  return Number(found);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // It has ended since it was listed.
  }
}
