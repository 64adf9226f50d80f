import { createHash } from 'node:crypto';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { kubectl, kubectlOrThrow } from '../../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../../support/latchkey/latchkey-process.ts';
import * as make from '../../support/latchkey/manifests.ts';
import { startFaultProxy, type FaultProxy } from '../../support/faults/fault-proxy.ts';
import { randomFrom } from '../../support/faults/random.ts';
import { AWS_KEYS, awsWriter } from '../../support/moto/aws-writer.ts';
import { startMoto, type Moto } from '../../support/moto/moto.ts';
import { startNodeCluster, type NodeCluster } from '../../support/node/node-cluster.ts';
import { waitUntil } from '../../support/process/wait-until.ts';

/** A cluster with a real node, Latchkey in it, and a real AWS Secrets Manager server behind it. */
export interface World extends AsyncDisposable {
  readonly cluster: NodeCluster;
  readonly latchkey: LatchkeyProcess;
  /** An opted-in namespace with the SecretStore `store` on the backend. */
  tenant(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  putSecret(name: string, value: string): Promise<void>;
  changeSecret(name: string, value: string): Promise<void>;
  apply(...manifests: readonly make.Manifest[]): Promise<void>;
  /** JSON that kubectl gets. */
  get<T>(...args: readonly string[]): Promise<T>;
  /** Calls that the backend failed on purpose. */
  backendFailures(): number;
  /** What a container has printed, once it has printed a line. */
  log(namespace: string, pod: string, container?: string): Promise<string>;
}

export interface Faults {
  /** Share of backend calls that fail, 0 to 1. */
  readonly failingShare: number;
  readonly seed: number;
}

export async function createWorld(faults?: Faults): Promise<World> {
  const stack = new AsyncDisposableStack();
  try {
    const cluster = stack.use(await startNodeCluster({ users: [LATCHKEY_USER] }));
    const { controlPlane } = cluster;
    const moto: Moto = stack.use(await startMoto());
    await installLatchkey(controlPlane);
    const proxy = faults === undefined ? undefined : stack.use(await startProxy(moto.endpoint, faults));
    const endpoint = proxy?.url ?? moto.endpoint;
    const latchkey = await startLatchkey(controlPlane, { env: { AWS_SECRETSMANAGER_ENDPOINT: endpoint } });
    stack.defer(() => latchkey.stop());
    const aws = awsWriter(moto.endpoint);
    stack.defer(() => aws.destroy());
    const apply = async (...manifests: readonly make.Manifest[]): Promise<void> => {
      await kubectlOrThrow(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });
    };
    return {
      ...{ cluster, latchkey, apply },
      backendFailures: () => proxy?.failures ?? 0,
      async tenant(name, labels) {
        await apply(
          make.namespace(name, labels),
          make.credentialsSecret('aws-credentials', AWS_KEYS, name),
          make.awsStore('store', name),
        );
        await kubectlOrThrow(controlPlane, [
          'wait',
          '--for=create',
          'serviceaccount/default',
          '-n',
          name,
          '--timeout=20s',
        ]);
      },
      putSecret: async (name, value) =>
        void (await aws.send(new CreateSecretCommand({ Name: name, SecretString: value }))),
      changeSecret: async (name, value) =>
        void (await aws.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }))),
      get: async <T>(...args: readonly string[]): Promise<T> =>
        JSON.parse(await kubectlOrThrow(controlPlane, ['get', '-o', 'json', ...args])) as T,
      async log(namespace, pod, container) {
        let text = '';
        const args = ['logs', '-n', namespace, pod, ...(container === undefined ? [] : ['-c', container])];
        await waitUntil(
          async () => {
            const { stdout, stderr, exitCode } = await kubectl(controlPlane, args);
            text = stdout;
            if (exitCode !== 0) throw new Error(stderr.trim());
            return stdout.includes('\n');
          },
          { what: `container ${container ?? ''} of pod ${namespace}/${pod} to print a line`, timeoutMs: 30_000 },
        );
        return text.trim();
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Answers 500 to a share of all requests. */
function startProxy(target: string, { failingShare, seed }: Faults): Promise<FaultProxy> {
  const random = randomFrom(seed);
  return startFaultProxy({ target, choose: () => (random() < failingShare ? 'server error' : 'none') });
}

/** What the containers below print of a value: enough to compare, useless to anyone who reads the log. */
export function digest(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** A container that prints the digest of what a shell expression reads, then ends or, with `stays`, goes on. */
export function printing(
  name: string,
  read: string,
  fields: make.Manifest = {},
  { stays = false } = {},
): make.Manifest {
  const script = `${read} | sha256sum | cut -c 1-64${stays ? '; trap "exit 0" TERM; sleep 3600 & wait' : ''}`;
  return { name, image: 'localhost/busybox:1', command: ['sh', '-c', script], ...fields };
}

/** Reads an environment variable to its last byte and no further. */
export const environmentVariable = (name: string): string => `printf %s "$${name}"`;
