/** The main job on a real API server with a real AWS Secrets Manager server: kubectl apply, and the Secret is there first. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CreateSecretCommand, PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { providerCalls, startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { AWS_KEYS, awsWriter } from '../support/moto/aws-writer.ts';
import { startMoto, type Moto } from '../support/moto/moto.ts';
import { runCommand } from '../support/process/run-command.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { SentinelCollector } from '../support/sentinel/sentinel.ts';

let controlPlane: ControlPlane;
let moto: Moto;
let aws: SecretsManagerClient;
let latchkey: LatchkeyProcess;
const sentinels = new SentinelCollector();

const apply = async (...manifests: readonly make.Manifest[]) => {
  const result = await kubectl(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });
  sentinels.collect('kubectl apply', `${result.stdout}${result.stderr}`);
  return result;
};

const get = async <T>(...args: readonly string[]): Promise<T> =>
  JSON.parse(await kubectlOrThrow(controlPlane, ['get', '-o', 'json', ...args])) as T;

interface Fetched {
  readonly metadata: { readonly resourceVersion: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: {
    readonly refreshTime?: string;
    readonly conditions?: readonly { readonly reason: string; readonly message: string; readonly status: string }[];
  };
}

/** A namespace with an AWS store of its own. */
async function tenant(name: string): Promise<void> {
  const created = await apply(
    make.namespace(name),
    make.credentialsSecret('aws-credentials', AWS_KEYS, name),
    make.awsStore('store', name),
  );
  assert.equal(created.exitCode, 0, created.stderr);
}

/** The conditions of an ExternalSecret, once there are any: they are written after the pod's answer. */
async function conditionsOf(name: string, inNamespace: string) {
  let fetched: Fetched | undefined;
  await waitUntil(
    async () => {
      fetched = await get<Fetched>('externalsecret', name, '-n', inNamespace);
      return fetched.status?.conditions !== undefined;
    },
    { what: `the status of ExternalSecret ${name}`, timeoutMs: 5_000 },
  );
  return fetched?.status?.conditions ?? [];
}

const putSecret = (name: string, value: string) =>
  aws.send(new CreateSecretCommand({ Name: name, SecretString: value }));

before(async () => {
  [controlPlane, moto] = await Promise.all([
    startControlPlane({ controllerManager: true, users: [LATCHKEY_USER] }),
    startMoto(),
  ]);
  await installLatchkey(controlPlane);
  aws = awsWriter(moto.endpoint);
  latchkey = await startLatchkey(controlPlane, { env: { AWS_SECRETSMANAGER_ENDPOINT: moto.endpoint } });
});

after(async () => {
  await latchkey?.stop();
  aws?.destroy();
  await Promise.all([controlPlane?.stop(), moto?.stop()]);
});

describe('a pod and its ExternalSecret applied in one go', () => {
  it('starts with the Secret made before the pod object exists', async () => {
    const password = sentinels.mint();
    await putSecret('one-go/db', JSON.stringify({ username: 'shop', password }));
    await tenant('one-go');
    const applied = await apply(
      make.externalSecret({
        name: 'db',
        namespace: 'one-go',
        data: {
          username: { key: 'one-go/db', property: 'username' },
          password: { key: 'one-go/db', property: 'password' },
        },
      }),
      make.podWith('web', 'one-go', 'db', ['username', 'password']),
    );
    assert.equal(applied.exitCode, 0, applied.stderr);
    const secret = await get<Fetched>('secret', 'db', '-n', 'one-go');
    const pod = await get<Fetched>('pod', 'web', '-n', 'one-go');
    assert.equal(Buffer.from(secret.data?.['password'] ?? '', 'base64').toString(), password);
    assert.ok(BigInt(secret.metadata.resourceVersion) < BigInt(pod.metadata.resourceVersion));
    assert.equal(pod.metadata.annotations?.['latchkey.dev/status'], 'fresh');
    assert.match(pod.metadata.annotations?.['latchkey.dev/secrets'] ?? '', /^\{"db":"[0-9a-f]{16}"\}$/);
  });

  it('writes the status once the pod has its answer', async () => {
    const conditions = await conditionsOf('db', 'one-go');
    assert.deepEqual(
      conditions.map(({ status, reason, message }) => ({ value: status, reason, message })),
      [{ value: 'True', reason: 'SecretSynced', message: 'secret synced' }],
    );
  });

  it('asks the backend nothing for the next pod', async () => {
    const callsBefore = await providerCalls(latchkey);
    const applied = await apply(make.podWith('web-2', 'one-go', 'db', ['password']));
    assert.equal(applied.exitCode, 0, applied.stderr);
    assert.equal(await providerCalls(latchkey), callsBefore);
  });

  it('serves the pods of a Deployment through the controller-manager', async () => {
    const labels = { app: 'web' };
    const applied = await apply({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'one-go' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: make.podSpec('db', ['password']) },
      },
    });
    assert.equal(applied.exitCode, 0, applied.stderr);
    await waitUntil(
      async () => (await get<{ items: Fetched[] }>('pods', '-n', 'one-go', '-l', 'app=web')).items.length === 2,
      { what: 'the two pods of the Deployment', timeoutMs: 15_000 },
    );
  });
});

describe('a pod that comes before its ExternalSecret', () => {
  it('is admitted with a warning, since nobody manages the Secret yet', async () => {
    await tenant('pod-first');
    const applied = await apply(make.podWith('web', 'pod-first', 'later', ['password']));
    assert.equal(applied.exitCode, 0, applied.stderr);
    assert.match(applied.stderr, /Warning: latchkey: Secret "later" does not exist and no ExternalSecret makes it/);
  });
});

describe('a value that changes in the backend', () => {
  it('reaches the next pod once the refresh interval is over', async () => {
    const [first, second] = [sentinels.mint(), sentinels.mint()];
    await putSecret('changing/api', first);
    await tenant('changing');
    await apply(
      make.externalSecret({
        name: 'api',
        namespace: 'changing',
        data: { key: 'changing/api' },
        spec: { refreshInterval: '1s' },
      }),
      make.podWith('web', 'changing', 'api', ['key']),
    );
    await aws.send(new PutSecretValueCommand({ SecretId: 'changing/api', SecretString: second }));
    await sleep(1_100);
    const applied = await apply(make.podWith('web-2', 'changing', 'api', ['key']));
    assert.equal(applied.exitCode, 0, applied.stderr);
    const secret = await get<Fetched>('secret', 'api', '-n', 'changing');
    assert.equal(Buffer.from(secret.data?.['key'] ?? '', 'base64').toString(), second);
  });
});

describe('a dry run', () => {
  it('is told what would be fetched, and neither asks nor writes anything', async () => {
    await tenant('dry');
    await apply(make.externalSecret({ name: 'api', namespace: 'dry', data: { key: 'dry/api' } }));
    const callsBefore = await providerCalls(latchkey);
    const input = make.toYamlDocuments(make.podWith('web', 'dry', 'api', ['key']));
    const result = await kubectl(controlPlane, ['apply', '--dry-run=server', '-f', '-'], { input });
    assert.equal(result.exitCode, 0, result.stderr);
    assert.match(result.stderr, /Secret "api" does not exist and would be fetched for ExternalSecret "api"/);
    assert.equal(await providerCalls(latchkey), callsBefore);
    assert.notEqual((await kubectl(controlPlane, ['get', 'secret', 'api', '-n', 'dry'])).exitCode, 0);
  });
});

describe('what cannot be resolved', () => {
  const cases: Readonly<
    Record<string, { prepare: (ns: string) => readonly make.Manifest[]; keys?: string[]; says: RegExp }>
  > = {
    'the ExternalSecret names no store': {
      prepare: (ns) => [
        make.externalSecret({ name: 'es', namespace: ns, data: { key: 'one-go/db' }, spec: { secretStoreRef: {} } }),
      ],
      says: /ExternalSecret "es" from no store: spec\.secretStoreRef\.name is missing.* \[InvalidExternalSecret\]/,
    },
    'the backend has no such secret': {
      prepare: (ns) => [make.externalSecret({ name: 'es', namespace: ns, data: { key: 'no/such/secret' } })],
      says: /ExternalSecret "es" from SecretStore "store": .*no secret "no\/such\/secret".* \[SecretNotFound\]/,
    },
    'the secret has no such property': {
      prepare: (ns) => [
        make.externalSecret({ name: 'es', namespace: ns, data: { key: { key: 'one-go/db', property: 'nope' } } }),
      ],
      says: /ExternalSecret "es" from SecretStore "store": .*secret "one-go\/db" has no property "nope" \[PropertyNotFound\]/,
    },
    'the ExternalSecret does not make the key that the pod names': {
      prepare: (ns) => [make.externalSecret({ name: 'es', namespace: ns, data: { other: 'one-go/db' } })],
      says: /ExternalSecret "es" from SecretStore "store": .*does not produce the key "key".* \[KeyMissing\]/,
    },
    'the store does not exist': {
      prepare: (ns) => [make.externalSecret({ name: 'es', namespace: ns, store: 'gone', data: { key: 'one-go/db' } })],
      says: /ExternalSecret "es" from SecretStore "gone": there is no such SecretStore in namespace .* \[StoreNotFound\]/,
    },
    'the credentials are missing': {
      prepare: (ns) => [
        make.awsStore('no-credentials', ns, {
          auth: {
            secretRef: {
              accessKeyIDSecretRef: { name: 'not-there', key: 'id' },
              secretAccessKeySecretRef: { name: 'not-there', key: 'key' },
            },
          },
        }),
        make.externalSecret({ name: 'es', namespace: ns, store: 'no-credentials', data: { key: 'one-go/db' } }),
      ],
      says: /from SecretStore "no-credentials": Secret "[^"]+\/not-there", named by spec\.provider\.aws\.auth\.secretRef\.\w+, does not exist \[CredentialsNotFound\]/,
    },
    'the ExternalSecret asks for what is not supported yet': {
      prepare: (ns) => [
        make.externalSecret({
          name: 'es',
          namespace: ns,
          data: { key: 'one-go/db' },
          spec: { dataFrom: [{ sourceRef: { generatorRef: { kind: 'Password', name: 'random' } } }] },
        }),
      ],
      says: /spec\.dataFrom\[0\]\.sourceRef\.generatorRef is not supported yet \[Unsupported\]/,
    },
    'the pod’s own annotation names what does not exist': {
      prepare: () => [],
      says: /annotation latchkey\.dev\/env-from of the pod, item 1 names ExternalSecret "es", which namespace "denied-\d+" does not have \[ExternalSecretNotFound\]/,
    },
  };

  for (const [index, [reason, { prepare, says }]] of Object.entries(cases).entries()) {
    it(`denies the pod with one sentence when ${reason}`, async () => {
      const ns = `denied-${index}`;
      await tenant(ns);
      await apply(...prepare(ns));
      const annotations = reason.includes('annotation') ? { annotations: { 'latchkey.dev/env-from': 'es' } } : {};
      const target = reason.includes('annotation') ? 'unmanaged' : 'es';
      const applied = await apply(make.podWith('web', ns, target, ['key'], annotations));
      assert.equal(applied.exitCode, 1);
      assert.match(applied.stderr, says);
      assert.match(
        applied.stderr,
        /admission webhook "pods\.latchkey\.dev" denied the request: latchkey: pod "denied-/,
      );
      const pods = await get<{ items: unknown[] }>('pods', '-n', ns);
      assert.deepEqual(pods.items, []);
      const secret = await kubectl(controlPlane, ['get', 'secret', 'es', '-n', ns]);
      assert.equal(secret.exitCode, reason.includes('does not make the key') ? 0 : 1);
    });
  }

  it('leaves the Secret as it was when a newer spec cannot be resolved', async () => {
    await putSecret('untouched/api', sentinels.mint());
    await tenant('untouched');
    const externalSecret = (remoteKey: string) =>
      make.externalSecret({ name: 'es', namespace: 'untouched', data: { key: remoteKey } });
    await apply(externalSecret('untouched/api'), make.podWith('before', 'untouched', 'es', ['key']));
    const before = await get<Fetched>('secret', 'es', '-n', 'untouched');
    const applied = await apply(externalSecret('no/such'), make.podWith('after', 'untouched', 'es', ['key']));
    assert.match(applied.stderr, /\[SecretNotFound\]/);
    assert.deepEqual(await get<Fetched>('secret', 'es', '-n', 'untouched'), before);
  });

  it('writes the reason and the field into the condition', async () => {
    const [ready] = await conditionsOf('es', 'denied-6');
    assert.equal(ready?.reason, 'Unsupported');
    assert.match(ready?.message ?? '', /spec\.dataFrom\[0\]\.sourceRef\.generatorRef/);
  });
});

describe('latchkey check and inject against the cluster', () => {
  const run = async (...args: readonly string[]) => {
    const kubeconfig = ['--cluster', '--kubeconfig', controlPlane.kubeconfigFile];
    const result = await runCommand(process.execPath, ['src/main.ts', ...args, ...kubeconfig], { timeoutMs: 30_000 });
    sentinels.collect(`latchkey ${args[0]}`, `${result.stdout}${result.stderr}`);
    return result;
  };

  it('list the workloads of opted-in namespaces, each once, and what backs them', async () => {
    const { stdout, exitCode } = await run('check', '-o', 'json');
    const { rows } = JSON.parse(stdout) as { rows: { workload: string; secret: string; result: string }[] };
    const deployments = rows.filter(({ workload }) => workload === 'Deployment "one-go/web"');
    assert.deepEqual(
      deployments.map(({ secret, result }) => [secret, result]),
      [['db', 'fresh']],
    );
    assert.ok(!rows.some(({ workload }) => workload.startsWith('ReplicaSet')), 'what a Deployment makes is not listed');
    assert.equal(exitCode, 1, 'the pod that came before its ExternalSecret still waits');
  });

  it('print a pod as admission left it', async () => {
    const { stdout } = await run('inject');
    assert.match(stdout, /latchkey\.dev\/status: fresh/);
  });
});

describe('no secret value', () => {
  it('was seen in any output, status, event, log or metric', async () => {
    sentinels.collect('log', await latchkey.output());
    sentinels.collect('moto', await readFile(moto.logFile, 'utf8'));
    const logs = join(controlPlane.directory, 'logs');
    for (const name of await readdir(logs)) sentinels.collect(name, await readFile(join(logs, name), 'utf8'));
    sentinels.collect('metrics', await latchkey.metrics());
    for (const kind of ['events', 'externalsecrets', 'secretstores', 'pods']) {
      sentinels.collect(kind, await kubectlOrThrow(controlPlane, ['get', kind, '-A', '-o', 'json']));
    }
    sentinels.assertUnseen();
  });

  it('would have been noticed', () => {
    const planted = new SentinelCollector();
    const value = planted.mint();
    planted.collect('a leak on purpose', `{"password":"${Buffer.from(`x${value}`).toString('base64')}"}`);
    assert.throws(() => planted.assertUnseen(), /secret values were seen/);
  });
});
