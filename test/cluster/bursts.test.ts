/** Many pods at once on a real API server: how often the backend is asked, and what tenants do to each other. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CreateSecretCommand, PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { startHangingBackend, type HangingBackend } from '../support/latchkey/hanging-backend.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { providerCalls, startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { PodClient, type PodToCreate } from '../support/latchkey/pod-client.ts';
import { AWS_KEYS, awsWriter } from '../support/moto/aws-writer.ts';
import { startMoto, type Moto } from '../support/moto/moto.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const SECRETS = 20;
const PODS = 1_000;
let controlPlane: ControlPlane;
let moto: Moto;
let aws: SecretsManagerClient;
let hanging: HangingBackend;
let latchkey: LatchkeyProcess | undefined;

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const apply = (...manifests: readonly make.Manifest[]): Promise<string> =>
  kubectlOrThrow(controlPlane, ['apply', '--server-side', '-f', '-'], { input: make.toYamlDocuments(...manifests) });

function start(): Promise<LatchkeyProcess> {
  return startLatchkey(controlPlane, {
    args: ['--allowed-backend-hosts', '127.0.0.1'],
    env: { AWS_SECRETSMANAGER_ENDPOINT: moto.endpoint },
  });
}

/** Resolves once the API server asks the new process, which listens at another port than the one before it. */
async function seenAgain(): Promise<void> {
  const input = make.toYamlDocuments(make.podWith('probe', 'burst', 'nobody-makes-it', []));
  const isSeen = async (): Promise<boolean> => {
    const args = ['create', '--dry-run=server', '-o', 'json', '-f', '-'];
    return (await kubectlOrThrow(controlPlane, args, { input })).includes('"latchkey.dev/status"');
  };
  await waitUntil(isSeen, { what: 'a pod that the new process has seen', timeoutMs: 20_000 });
}

/** Counted since the process began. */
async function secretWrites(process: LatchkeyProcess): Promise<number> {
  const counts = (await process.metrics()).matchAll(/^latchkey_secret_writes_total\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

function podToCreate(name: string, namespace: string, secretName: string): PodToCreate {
  return { namespace, body: Buffer.from(JSON.stringify(make.podWith(name, namespace, secretName, ['password']))) };
}

/** A namespace in which pods may be made. */
function tenant(name: string): readonly make.Manifest[] {
  return [
    make.namespace(name),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
  ];
}

before(async () => {
  [controlPlane, moto, hanging] = await Promise.all([
    startControlPlane({ users: [LATCHKEY_USER] }),
    startMoto(),
    startHangingBackend(),
  ]);
  await installLatchkey(controlPlane);
  aws = awsWriter(moto.endpoint);
});

after(async () => {
  await latchkey?.stop();
  aws?.destroy();
  await hanging?.[Symbol.asyncDispose]();
  await Promise.all([controlPlane?.stop(), moto?.stop()]);
});

describe('a thousand pods at once that share twenty stale Secrets', () => {
  const name = (index: number): string => `shared-${index}`;
  let samples: readonly number[];

  before(async () => {
    await apply(
      ...tenant('burst'),
      make.credentialsSecret('aws-credentials', AWS_KEYS, 'burst'),
      make.awsStore('store', 'burst'),
      ...numbers(SECRETS).map((index) =>
        make.externalSecret({ name: name(index), namespace: 'burst', data: { password: name(index) } }),
      ),
    );
    for (const index of numbers(SECRETS)) {
      await aws.send(new CreateSecretCommand({ Name: name(index), SecretString: 'not-real-1' }));
    }
    latchkey = await start();
    const creator = new PodClient(controlPlane, SECRETS);
    await creator.createAll(
      numbers(SECRETS).map((index) => podToCreate(`first-${index}`, 'burst', name(index))),
      SECRETS,
    );
    creator.close();
    // Statuses are written behind the answers.
    await latchkey.stop();
    for (const index of numbers(SECRETS)) {
      await aws.send(new PutSecretValueCommand({ SecretId: name(index), SecretString: 'not-real-2' }));
      const status = JSON.stringify({ status: { refreshTime: new Date(Date.now() - 7_200_000).toISOString() } });
      await kubectlOrThrow(controlPlane, [
        ...[
          'patch',
          'externalsecret',
          name(index),
          '-n',
          'burst',
          '--subresource=status',
          '--type=merge',
          '-p',
          status,
        ],
      ]);
    }
    latchkey = await start();
    await seenAgain();
    const burst = new PodClient(controlPlane, PODS);
    samples = await burst.createAll(
      numbers(PODS).map((index) => podToCreate(`pod-${index}`, 'burst', name(index % SECRETS))),
      PODS,
    );
    burst.close();
  });

  it('are all admitted, and seen', async () => {
    assert.equal(samples.length, PODS);
    const list = await kubectlOrThrow(controlPlane, ['get', 'pods', '-n', 'burst', '-o', 'json']);
    const { items } = JSON.parse(list) as { items: { metadata: { annotations: Record<string, string> } }[] };
    const statuses = items.map(({ metadata }) => metadata.annotations['latchkey.dev/status']);
    assert.deepEqual([statuses.length, new Set(statuses)], [PODS + SECRETS, new Set(['fresh'])]);
  });

  it('cost twenty calls to the backend and twenty writes of a Secret', async () => {
    assert.ok(latchkey);
    assert.deepEqual([await providerCalls(latchkey), await secretWrites(latchkey)], [SECRETS, SECRETS]);
  });

  it('leave the new value in every Secret', async () => {
    const list = await kubectlOrThrow(controlPlane, ['get', 'secrets', '-n', 'burst', '-o', 'json']);
    const { items } = JSON.parse(list) as { items: { metadata: { name: string }; data: Record<string, string> }[] };
    const values = items
      .filter(({ metadata }) => metadata.name.startsWith('shared-'))
      .map(({ data }) => Buffer.from(data['password'] ?? '', 'base64').toString());
    assert.deepEqual(values, Array(SECRETS).fill('not-real-2'));
  });
});

describe('a tenant beside one whose store hangs and one that keeps asking for what is missing', () => {
  const COLD = 200;
  const CLIENTS = 16;

  it('has every pod admitted with its Secret made, through the cluster store that all of them use', async () => {
    latchkey ??= await start();
    const credentials = (key: string): make.Manifest => ({ name: 'aws-credentials', key, namespace: 'quiet' });
    const secretRef = { accessKeyIDSecretRef: credentials('id'), secretAccessKeySecretRef: credentials('key') };
    const shared = (name: string, namespace: string, key: string): make.Manifest =>
      make.externalSecret({
        ...{ name, namespace, data: { password: key } },
        spec: { secretStoreRef: { kind: 'ClusterSecretStore', name: 'shared' } },
      });
    await apply(
      ...['quiet', 'hanging', 'missing'].flatMap(tenant),
      make.credentialsSecret('aws-credentials', AWS_KEYS, 'quiet'),
      {
        apiVersion: 'external-secrets.io/v1',
        kind: 'ClusterSecretStore',
        metadata: { name: 'shared' },
        spec: { provider: { aws: { service: 'SecretsManager', region: 'eu-central-1', auth: { secretRef } } } },
      },
      make.credentialsSecret('vault-token', { token: 'not-a-token' }, 'hanging'),
      make.vaultStore('store', 'hanging', hanging.url),
      ...numbers(50).map((index) =>
        make.externalSecret({ name: `hung-${index}`, namespace: 'hanging', data: { password: `hung-${index}` } }),
      ),
      ...numbers(50).map((index) => shared(`missing-${index}`, 'missing', `no-such-${index}`)),
      ...numbers(COLD).map((index) => shared(`quiet-${index}`, 'quiet', 'quiet/db')),
    );
    await aws.send(new CreateSecretCommand({ Name: 'quiet/db', SecretString: 'not-real' }));

    const noise = new PodClient(controlPlane, 64);
    const quiet = new PodClient(controlPlane, CLIENTS);
    const over = new AbortController();
    let denied = 0;
    const keepAsking = async (namespace: string, secret: string, client: number): Promise<void> => {
      for (let pod = 0; !over.signal.aborted; pod += 1) {
        // Denied, every one of them; that is what is wanted here.
        await noise.create(podToCreate(`noise-${client}-${pod}`, namespace, `${secret}-${client}`)).catch((error) => {
          assert.match(String(error), /\[(BackendTimeout|SecretNotFound|Overloaded)\]/);
          denied += 1;
        });
      }
    };
    const tenants = Promise.all([
      ...numbers(48).map((client) => keepAsking('hanging', 'hung', client)),
      ...numbers(8).map((client) => keepAsking('missing', 'missing', client)),
    ]);
    await waitUntil(async () => hanging.taken() > 0 && denied > 0, { what: 'the noise', timeoutMs: 20_000 });
    try {
      const samples = await quiet.createAll(
        numbers(COLD).map((index) => podToCreate(`pod-${index}`, 'quiet', `quiet-${index}`)),
        CLIENTS,
      );
      assert.equal(samples.length, COLD);
    } finally {
      over.abort();
      await tenants;
      noise.close();
      quiet.close();
    }
    const list = await kubectlOrThrow(controlPlane, ['get', 'secrets', '-n', 'quiet', '-o', 'name']);
    assert.equal(list.split('\n').filter((line) => line.startsWith('secret/quiet-')).length, COLD);
  });
});
