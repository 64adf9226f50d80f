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
import { startOpenBao, type OpenBao } from '../support/openbao/openbao.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const SECRETS = 20;
const PODS = 1_000;
let controlPlane: ControlPlane;
let moto: Moto;
let aws: SecretsManagerClient;
let bao: OpenBao;
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
async function seenAgain(namespace: string): Promise<void> {
  const input = make.toYamlDocuments(make.podWith('probe', namespace, 'nobody-makes-it', []));
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
  [controlPlane, moto, bao, hanging] = await Promise.all([
    startControlPlane({ users: [LATCHKEY_USER] }),
    startMoto(),
    startOpenBao(),
    startHangingBackend(),
  ]);
  await installLatchkey(controlPlane);
  aws = awsWriter(moto.endpoint);
});

after(async () => {
  await latchkey?.stop();
  aws?.destroy();
  await hanging?.[Symbol.asyncDispose]();
  await Promise.all([controlPlane?.stop(), moto?.stop(), bao?.stop()]);
});

/** A backend for the burst: how its store is written, how its values are set, and what twenty reads at once may cost. */
interface BurstBackend {
  readonly namespace: string;
  readonly store: () => readonly make.Manifest[];
  readonly set: (key: string, value: string) => Promise<unknown>;
  readonly mostCalls: number;
  readonly leastCalls: number;
}

const backends: Readonly<Record<string, BurstBackend>> = {
  'of a backend that answers one at a time': {
    namespace: 'burst-single',
    store: () => [
      make.credentialsSecret('vault-token', { token: bao.rootToken }, 'burst-single'),
      make.vaultStore('store', 'burst-single', bao.endpoint),
    ],
    set: (key, value) => bao.writer.call('POST', `secret/data/${key}`, { data: { password: value } }),
    leastCalls: SECRETS,
    mostCalls: SECRETS,
  },
  'of a backend that answers many at a time': {
    namespace: 'burst-batched',
    store: () => [
      make.credentialsSecret('aws-credentials', AWS_KEYS, 'burst-batched'),
      make.awsStore('store', 'burst-batched'),
    ],
    set: async (key, value) => {
      const SecretString = JSON.stringify({ password: value });
      return value === 'not-real-1'
        ? aws.send(new CreateSecretCommand({ Name: key, SecretString }))
        : aws.send(new PutSecretValueCommand({ SecretId: key, SecretString }));
    },
    leastCalls: 1,
    mostCalls: SECRETS,
  },
};

for (const [which, { namespace, store, set, leastCalls, mostCalls }] of Object.entries(backends)) {
  describe(`a thousand pods at once that share twenty stale Secrets ${which}`, () => {
    const name = (index: number): string => `shared-${index}`;
    let samples: readonly number[];

    before(async () => {
      await apply(
        ...tenant(namespace),
        ...store(),
        ...numbers(SECRETS).map((index) => {
          const data = { password: { key: name(index), property: 'password' } };
          return make.externalSecret({ name: name(index), namespace, data });
        }),
      );
      for (const index of numbers(SECRETS)) await set(name(index), 'not-real-1');
      latchkey = await start();
      await seenAgain(namespace);
      const creator = new PodClient(controlPlane, SECRETS);
      await creator.createAll(
        numbers(SECRETS).map((index) => podToCreate(`first-${index}`, namespace, name(index))),
        SECRETS,
      );
      creator.close();
      // Statuses are written behind the answers.
      await latchkey.stop();
      for (const index of numbers(SECRETS)) {
        await set(name(index), 'not-real-2');
        const status = JSON.stringify({ status: { refreshTime: new Date(Date.now() - 7_200_000).toISOString() } });
        const patch = ['--subresource=status', '--type=merge', '-p', status];
        await kubectlOrThrow(controlPlane, ['patch', 'externalsecret', name(index), '-n', namespace, ...patch]);
      }
      latchkey = await start();
      await seenAgain(namespace);
      const burst = new PodClient(controlPlane, PODS);
      samples = await burst.createAll(
        numbers(PODS).map((index) => podToCreate(`pod-${index}`, namespace, name(index % SECRETS))),
        PODS,
      );
      burst.close();
    });

    after(async () => {
      await latchkey?.stop();
      latchkey = undefined;
    });

    it('are all admitted, and seen', async () => {
      assert.equal(samples.length, PODS);
      const list = await kubectlOrThrow(controlPlane, ['get', 'pods', '-n', namespace, '-o', 'json']);
      const { items } = JSON.parse(list) as { items: { metadata: { annotations?: Record<string, string> } }[] };
      const statuses = items.map(({ metadata }) => metadata.annotations?.['latchkey.dev/status']);
      assert.deepEqual([statuses.length, new Set(statuses)], [PODS + SECRETS, new Set(['fresh'])]);
    });

    it('cost twenty writes of a Secret, and no more calls to the backend than that', async () => {
      assert.ok(latchkey);
      assert.equal(await secretWrites(latchkey), SECRETS);
      const calls = await providerCalls(latchkey);
      assert.ok(leastCalls <= calls && calls <= mostCalls, `${calls} calls`);
    });

    it('leave the new value in every Secret', async () => {
      const list = await kubectlOrThrow(controlPlane, ['get', 'secrets', '-n', namespace, '-o', 'json']);
      const { items } = JSON.parse(list) as { items: { metadata: { name: string }; data: Record<string, string> }[] };
      const values = items
        .filter(({ metadata }) => metadata.name.startsWith('shared-'))
        .map(({ data }) => Buffer.from(data['password'] ?? '', 'base64').toString());
      assert.deepEqual(values, Array(SECRETS).fill('not-real-2'));
    });
  });
}

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
