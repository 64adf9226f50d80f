/**
 * Pod creates on a real API server: without a webhook, with the floor, with Latchkey warm and cold. All variants in one
 * run, interleaved, so that whatever else the machine does falls on all of them alike.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { createDirectorySource } from '../../certs/directory-source.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { PodClient, type PodToCreate } from '../support/latchkey/pod-client.ts';
import { AWS_KEYS, awsWriter } from '../support/moto/aws-writer.ts';
import { startMoto, type Moto } from '../support/moto/moto.ts';
import { startChild, type Child } from '../support/process/child.ts';
import { findFreePort } from '../support/process/free-port.ts';
import { runCommandOrThrow } from '../support/process/run-command.ts';
import { benchHanging, type HangingResult } from './hanging.ts';
import { cpuMs, residentMb } from './process-usage.ts';
import { median, percentile } from './statistics.ts';

const root = join(import.meta.dirname, '../..');
const BUNDLE = join(root, 'dist/main.js');
const CLIENTS = [1, 16] as const;
const BURST_CLIENTS = 32;
const HANGING_CLIENTS = 16;
const REFERENCES = [1, 5, 50] as const;
const COLD_NAMESPACE = 'bench-cold';
const WARM_NAMESPACE = 'bench-warm';
const FLOOR_NAMESPACE = 'bench-floor';
const PLAIN_NAMESPACE = 'bench-plain';
const SECRET_NAME = 'bench-0';
const IDLE_MS = 5_000;
const STARTS = 5;

export interface AdmissionOptions {
  /** Pods of each variant per number of clients. */
  readonly pods: number;
  readonly log: (line: string) => void;
}

export interface VariantResult {
  readonly variant: string;
  readonly clients: number;
  readonly pods: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly throughputPerS: number;
  /** Of the webhook's process, per pod; NaN without a webhook. */
  readonly webhookCpuMsPerPod: number;
}

export interface AdmissionResult {
  readonly variants: readonly VariantResult[];
  readonly hanging: HangingResult;
  /** Start of the bundled process to its first 200 from /readyz, certificates there already. */
  readonly startToReadyMs: number;
  readonly residentMb: { readonly idle: number; readonly afterLoad: number; readonly floorAfterLoad: number };
}

interface Variant {
  readonly name: string;
  readonly namespace: string;
  /** References in the pod; `cold` pods refer to a Secret of their own. */
  readonly references: number;
  /** The references stand in the pod, or one annotation asks for them. */
  readonly by: 'reference' | 'annotation';
  readonly webhook: 'none' | 'floor' | 'latchkey';
}

const WARM_VARIANTS: readonly Variant[] = [
  { name: 'no webhook', namespace: PLAIN_NAMESPACE, references: 1, by: 'reference', webhook: 'none' },
  ...REFERENCES.flatMap((references): readonly Variant[] => {
    const count = `${references} reference${references === 1 ? '' : 's'}`;
    return [
      { name: `floor, ${count}`, namespace: FLOOR_NAMESPACE, references, by: 'reference', webhook: 'floor' },
      { name: `warm, ${count}`, namespace: WARM_NAMESPACE, references, by: 'reference', webhook: 'latchkey' },
      {
        name: `warm, ${count}, annotated`,
        namespace: WARM_NAMESPACE,
        references,
        by: 'annotation',
        webhook: 'latchkey',
      },
    ];
  }),
];
/** On their own: what a cold pod leaves to be done after its answer would fall on the warm ones. */
const COLD_VARIANTS: readonly Variant[] = [
  { name: 'floor, beside cold', namespace: FLOOR_NAMESPACE, references: 1, by: 'reference', webhook: 'floor' },
  { name: 'cold', namespace: COLD_NAMESPACE, references: 1, by: 'reference', webhook: 'latchkey' },
];

/** All pods of a variant in one go; those of the floor before each. */
const BURST_VARIANTS: readonly Variant[] = [
  { name: 'floor, burst', namespace: FLOOR_NAMESPACE, references: 1, by: 'reference', webhook: 'floor' },
  { name: 'warm, burst', namespace: WARM_NAMESPACE, references: 1, by: 'reference', webhook: 'latchkey' },
  { name: 'cold, burst', namespace: COLD_NAMESPACE, references: 1, by: 'reference', webhook: 'latchkey' },
];
/** What stands beside a backend that hangs. */
const UNRELATED: Variant = {
  ...{ name: 'warm, beside', namespace: WARM_NAMESPACE, references: 1, by: 'reference', webhook: 'latchkey' },
};
/** Each needs Secrets for its cold pods that the others have not made. */
const COLD_SERIES = CLIENTS.length + 1;

interface Bench {
  readonly controlPlane: ControlPlane;
  readonly latchkey: LatchkeyProcess;
  readonly floor: Child;
}

export async function benchAdmission({ pods, log }: AdmissionOptions): Promise<AdmissionResult> {
  log('bundling …');
  await runCommandOrThrow(process.execPath, ['scripts/bundle.ts'], { cwd: root, timeoutMs: 120_000 });
  log('starting etcd, kube-apiserver, moto, the floor and Latchkey …');
  await using controlPlane = await startControlPlane({ users: [LATCHKEY_USER] });
  await using moto = await startMoto();
  await installLatchkey(controlPlane);
  const floor = await startFloor(controlPlane);
  const startToReadyMs = await measureStart(controlPlane, moto);
  const latchkey = await startBundled(controlPlane, moto, 'latchkey');
  try {
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const idleMb = residentMb(latchkey.child.pid);
    await prepareCluster(controlPlane, moto, pods);
    const bench = { controlPlane, latchkey, floor };
    const variants: VariantResult[] = [];
    for (const [coldSeries, clients] of CLIENTS.entries()) {
      for (const series of [WARM_VARIANTS, COLD_VARIANTS]) {
        log(`${pods} pods of each of ${series.length} variants, ${clients} at a time …`);
        const blockSize = clients === 1 ? 10 : clients * 5;
        variants.push(...(await measure(bench, series, { pods, clients, blockSize, coldSeries })));
      }
    }
    log(`a burst of ${pods} pods of each of ${BURST_VARIANTS.length} variants, ${BURST_CLIENTS} at a time …`);
    const burst = { pods, clients: BURST_CLIENTS, blockSize: pods, coldSeries: CLIENTS.length };
    variants.push(...(await measure(bench, BURST_VARIANTS, burst)));
    log(`${pods} pods while another namespace’s backend answers, and while it hangs …`);
    const hanging = await benchHanging({
      ...{ controlPlane, pods, clients: HANGING_CLIENTS },
      podOf: (index) => podToCreate(`beside-${index}`, UNRELATED),
    });
    return {
      variants,
      hanging,
      startToReadyMs,
      residentMb: {
        idle: idleMb,
        afterLoad: residentMb(latchkey.child.pid),
        floorAfterLoad: residentMb(floor.pid),
      },
    };
  } finally {
    await Promise.all([latchkey.stop(), floor.stop(0)]);
  }
}

function startBundled(controlPlane: ControlPlane, moto: Moto, name: string): Promise<LatchkeyProcess> {
  return startLatchkey(controlPlane, {
    name,
    program: BUNDLE,
    args: ['--log-level', 'info', '--allowed-backend-hosts', '127.0.0.1'],
    env: { AWS_SECRETSMANAGER_ENDPOINT: moto.endpoint, NODE_ENV: 'production' },
  });
}

/** The first start issues certificates and is not counted. */
async function measureStart(controlPlane: ControlPlane, moto: Moto): Promise<number> {
  const samples: number[] = [];
  for (let start = 0; start <= STARTS; start += 1) {
    const startedAtMs = performance.now();
    const latchkey = await startBundled(controlPlane, moto, `start-${start}`);
    if (start > 0) samples.push(performance.now() - startedAtMs);
    await latchkey.stop();
  }
  return median(samples);
}

async function startFloor(controlPlane: ControlPlane): Promise<Child> {
  const credentials = await createDirectorySource({
    directory: join(controlPlane.directory, 'floor-certificates'),
    names: { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
    logger: createLogger('error'),
  }).load(AbortSignal.timeout(30_000));
  const certificateFile = join(controlPlane.directory, 'floor.crt');
  const keyFile = join(controlPlane.directory, 'floor.key');
  await writeFile(certificateFile, credentials.certificatePem);
  await writeFile(keyFile, credentials.privateKeyPem, { mode: 0o600 });
  const port = await findFreePort();
  const logFile = join(controlPlane.directory, 'floor.log');
  const child = await startChild({
    name: 'floor',
    command: process.execPath,
    args: [join(import.meta.dirname, 'floor.ts'), String(port), certificateFile, keyFile],
    logFile,
    ready: async () => (await readFile(logFile, 'utf8')) === 'ready\n',
    readyTimeoutMs: 10_000,
  });
  await kubectlOrThrow(controlPlane, ['apply', '-f', '-'], {
    input: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'floor' },
      webhooks: [
        {
          name: 'floor.bench.latchkey.dev',
          clientConfig: {
            url: `https://127.0.0.1:${port}/mutate`,
            caBundle: Buffer.from(credentials.caBundlePem).toString('base64'),
          },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': FLOOR_NAMESPACE } },
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          timeoutSeconds: 8,
        },
      ],
    },
  });
  return child;
}

async function prepareCluster(controlPlane: ControlPlane, moto: Moto, pods: number): Promise<void> {
  const aws = awsWriter(moto.endpoint);
  await aws.send(new CreateSecretCommand({ Name: 'bench', SecretString: 'not-a-real-password' }));
  aws.destroy();
  const isOptedIn = (name: string): boolean => name === WARM_NAMESPACE || name === COLD_NAMESPACE;
  const namespaces = [...new Set([...WARM_VARIANTS, ...COLD_VARIANTS].map(({ namespace }) => namespace))];
  const coldCount = (pods + 1) * COLD_SERIES;
  const manifests = [
    ...namespaces.map((name) => make.namespace(name, isOptedIn(name) ? { 'latchkey.dev/injection': 'enabled' } : {})),
    ...namespaces.map((name) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: name },
    })),
    ...[WARM_NAMESPACE, COLD_NAMESPACE].flatMap((name) => [
      make.credentialsSecret('aws-credentials', AWS_KEYS, name),
      make.awsStore('store', name),
    ]),
    ...Array.from({ length: Math.max(...REFERENCES) }, (_, index) => externalSecret(`bench-${index}`, WARM_NAMESPACE)),
    ...Array.from({ length: coldCount }, (_, index) => externalSecret(`bench-${index}`, COLD_NAMESPACE)),
  ];
  await kubectlOrThrow(controlPlane, ['apply', '--server-side', '-f', '-'], {
    input: make.toYamlDocuments(...manifests),
    timeoutMs: 300_000,
  });
}

function externalSecret(name: string, namespace: string): make.Manifest {
  return make.externalSecret({ name, namespace, data: { password: 'bench' }, spec: { refreshInterval: '24h' } });
}

interface Load {
  readonly pods: number;
  readonly clients: number;
  /** Pods of one variant in a row. */
  readonly blockSize: number;
  readonly coldSeries: number;
}

/** One pod of each variant uncounted, then rounds in which each variant takes its turn, each time another one first. */
async function measure(
  bench: Bench,
  variants: readonly Variant[],
  { pods, clients, blockSize, coldSeries }: Load,
): Promise<readonly VariantResult[]> {
  const creator = new PodClient(bench.controlPlane, clients);
  const name = (variant: Variant, index: number): string =>
    `c${clients}-${variant.name.replaceAll(/[^a-z0-9]+/g, '-')}-${index}`;
  const podOf = (variant: Variant, index: number): PodToCreate =>
    podToCreate(
      name(variant, index),
      variant,
      variant.namespace === COLD_NAMESPACE ? coldSeries * (pods + 1) + index : undefined,
    );
  const tallies = variants.map((variant) => ({ variant, samples: [] as number[], elapsedMs: 0, cpuMs: 0, index: 1 }));
  for (const { variant } of tallies) await creator.create(podOf(variant, 0));
  const rounds = Math.ceil(pods / blockSize);
  for (let round = 0; round < rounds; round += 1) {
    const order = tallies.map((_, position) => tallies[(position + round) % tallies.length]);
    for (const tally of order) {
      if (tally === undefined) continue;
      const count = Math.min(blockSize, pods - tally.samples.length);
      const block = Array.from({ length: count }, (_, offset) => podOf(tally.variant, tally.index + offset));
      const pid = { none: undefined, floor: bench.floor.pid, latchkey: bench.latchkey.child.pid }[
        tally.variant.webhook
      ];
      const cpuBeforeMs = pid === undefined ? 0 : cpuMs(pid);
      const startedAtMs = performance.now();
      tally.samples.push(...(await creator.createAll(block, clients)));
      tally.elapsedMs += performance.now() - startedAtMs;
      tally.cpuMs += pid === undefined ? Number.NaN : cpuMs(pid) - cpuBeforeMs;
      tally.index += count;
    }
  }
  creator.close();
  return tallies.map(({ variant, samples, elapsedMs, cpuMs: usedMs }) => ({
    variant: variant.name,
    clients,
    pods: samples.length,
    p50Ms: median(samples),
    p99Ms: percentile(samples, 0.99),
    throughputPerS: (samples.length / elapsedMs) * 1_000,
    webhookCpuMsPerPod: usedMs / samples.length,
  }));
}

function podToCreate(name: string, { namespace, references, by }: Variant, firstSecret?: number): PodToCreate {
  const wanted = Array.from({ length: references }, (_, index) => ({
    env: `PASSWORD_${index}`,
    secret: `bench-${firstSecret ?? index}`,
  }));
  const annotations = {
    'bench.example/team': 'any',
    ...(by === 'annotation'
      ? { 'latchkey.dev/env': wanted.map(({ env, secret }) => `${env}=${secret}#password`).join(', ') }
      : {}),
  };
  const env = wanted.map((each) => ({
    name: each.env,
    valueFrom: { secretKeyRef: { name: each.secret, key: 'password' } },
  }));
  const pod = make.podWith(name, namespace, SECRET_NAME, [], { annotations });
  const container = { name: 'app', image: 'registry.example/app:1', ...(by === 'reference' ? { env } : {}) };
  return { namespace, body: Buffer.from(JSON.stringify({ ...pod, spec: { containers: [container] } })) };
}
