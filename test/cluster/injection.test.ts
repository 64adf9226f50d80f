/** Injection on a real API server: beside other webhooks that add containers, and against those who would abuse it. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createDirectorySource } from '../../certs/directory-source.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { SentinelCollector } from '../support/sentinel/sentinel.ts';

interface Env {
  readonly name: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string } };
}

interface FetchedPod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly env?: readonly Env[];
      readonly envFrom?: unknown;
      readonly volumeMounts?: readonly { readonly mountPath: string }[];
    }[];
    readonly volumes?: readonly { readonly name: string }[];
  };
}

const ENV_OF_SIDECAR = [{ name: 'OWN', valueFrom: { secretKeyRef: { name: 'mesh', key: 'token' } } }];
let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;
const sentinels = new SentinelCollector();

async function apply(...manifests: readonly make.Manifest[]) {
  const result = await kubectl(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });
  sentinels.collect('kubectl apply', `${result.stdout}${result.stderr}`);
  return result;
}

async function applied(...manifests: readonly make.Manifest[]): Promise<string> {
  const { exitCode, stderr } = await apply(...manifests);
  assert.equal(exitCode, 0, stderr);
  return stderr;
}

const getPod = async (name: string, namespace: string): Promise<FetchedPod> =>
  JSON.parse(await kubectlOrThrow(controlPlane, ['get', 'pod', name, '-n', namespace, '-o', 'json'])) as FetchedPod;

function withInlineKeys(manifest: make.Manifest, keys: string): make.Manifest {
  const metadata = { ...(manifest['metadata'] as object), annotations: { 'latchkey.dev/inline-keys': keys } };
  return { ...manifest, metadata };
}

function pod(
  name: string,
  namespace: string,
  annotations: make.Manifest,
  container: make.Manifest = {},
): make.Manifest {
  const app = { name: 'app', image: 'registry.example/app:1', ...container };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, annotations }, spec: { containers: [app] } };
}

before(async () => {
  controlPlane = await startControlPlane({ controllerManager: true, users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  latchkey = await startLatchkey(controlPlane);
  const value = JSON.stringify({ password: sentinels.mint() });
  const password = { key: 'prod/db', property: 'password' };
  for (const name of ['alone', 'mesh-before', 'mesh-after', 'inline']) {
    await applied(
      make.namespace(name),
      withInlineKeys(make.fakeStore('store', name, { 'prod/db': value }), 'prod/.*'),
      make.externalSecret({ name: 'db', namespace: name, data: { password } }),
      make.externalSecret({ name: 'mesh', namespace: name, data: { token: password } }),
    );
    const wait = ['wait', '--for=create', 'serviceaccount/default', '-n', name, '--timeout=20s'];
    await kubectlOrThrow(controlPlane, wait);
  }
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
  sentinels.assertUnseen();
});

describe('beside a webhook that adds a sidecar', () => {
  let sidecars: Server;

  before(async () => {
    const credentials = await createDirectorySource({
      directory: join(controlPlane.directory, 'sidecar-certificates'),
      names: { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
      logger: createLogger('error'),
    }).load(AbortSignal.timeout(30_000));
    sidecars = await serveSidecars(credentials.certificatePem, credentials.privateKeyPem);
    const { port } = sidecars.address() as AddressInfo;
    // The API server calls webhooks in the order of their configurations' names.
    for (const [name, namespace] of [
      ['a-sidecar', 'mesh-before'],
      ['z-sidecar', 'mesh-after'],
    ] as const) {
      await applied(sidecarWebhook(name, namespace, port, Buffer.from(credentials.caBundlePem).toString('base64')));
    }
    // A new registration reaches the API server's own cache a moment later.
    for (const namespace of ['mesh-before', 'mesh-after']) {
      const probe = pod('probe', namespace, {});
      await waitUntil(
        async () => {
          await apply(probe);
          const { containers } = (await getPod('probe', namespace)).spec;
          await kubectlOrThrow(controlPlane, [
            'delete',
            'pod',
            'probe',
            '-n',
            namespace,
            '--force',
            '--grace-period=0',
          ]);
          return containers.length === 2;
        },
        { what: `the sidecar webhook of ${namespace}`, timeoutMs: 20_000 },
      );
    }
  });

  after(() => {
    sidecars?.closeAllConnections();
    sidecars?.close();
  });

  const injecting = {
    'latchkey.dev/env': 'PASSWORD=db#password',
    'latchkey.dev/env-from': 'db',
    'latchkey.dev/volumes': 'db=/etc/db',
  };

  async function containerOf(name: string, namespace: string, container: string) {
    const { spec } = await getPod(name, namespace);
    const found = spec.containers.find((each) => each.name === container);
    const isInjected = ({ mountPath }: { readonly mountPath: string }): boolean => mountPath === '/etc/db';
    return { env: found?.env, envFrom: found?.envFrom, mounts: found?.volumeMounts?.filter(isInjected) };
  }

  it('the pod’s own container is the same as without it, whether it runs before or after', async () => {
    for (const namespace of ['alone', 'mesh-before', 'mesh-after']) await applied(pod('own', namespace, injecting));
    const alone = await containerOf('own', 'alone', 'app');
    assert.equal(alone.mounts?.length, 1);
    assert.deepEqual(await containerOf('own', 'mesh-before', 'app'), alone);
    assert.deepEqual(await containerOf('own', 'mesh-after', 'app'), alone);
  });

  it('a sidecar that is named gets the same, whether it was there first or came later', async () => {
    const annotations = { ...injecting, 'latchkey.dev/containers': 'app, sidecar' };
    const seen = [];
    for (const namespace of ['mesh-before', 'mesh-after']) {
      await applied(pod('named', namespace, annotations));
      seen.push(await containerOf('named', namespace, 'sidecar'));
      assert.equal(
        (await getPod('named', namespace)).spec.volumes?.filter(({ name }) => name.startsWith('latchkey-')).length,
        1,
      );
    }
    assert.equal(seen[0]?.mounts?.length, 1);
    assert.deepEqual(
      seen[0]?.env?.map(({ name }) => name),
      ['PASSWORD', 'OWN'],
    );
    assert.deepEqual(seen[1], seen[0]);
  });

  it('a sidecar that comes later gets nothing unnamed, and the answer says so', async () => {
    const stderr = await applied(pod('late', 'mesh-after', injecting));
    assert.match(
      stderr,
      /container "sidecar" was added after the pod was first seen and gets nothing from annotations/,
    );
    assert.deepEqual(await containerOf('late', 'mesh-after', 'sidecar'), {
      env: ENV_OF_SIDECAR,
      envFrom: undefined,
      mounts: [],
    });
  });

  it('a sidecar’s own reference is served, also when nobody saw it coming', async () => {
    for (const namespace of ['mesh-before', 'mesh-after']) {
      await kubectlOrThrow(controlPlane, ['delete', 'secret', 'mesh', '-n', namespace, '--ignore-not-found']);
      await applied(pod('served', namespace, {}));
      await kubectlOrThrow(controlPlane, ['get', 'secret', 'mesh', '-n', namespace]);
    }
  });
});

describe('an inline reference', () => {
  const inline = (name: string, value: string): make.Manifest =>
    pod(name, 'inline', {}, { env: [{ name: 'PASSWORD', value }] });

  it('becomes a reference to the Secret of one ExternalSecret, which everyone who uses it shares', async () => {
    await applied(
      inline('one', 'latchkey://store/prod/db#password'),
      inline('two', 'latchkey://store/prod/db#password'),
    );
    const [one, two] = await Promise.all(['one', 'two'].map((name) => getPod(name, 'inline')));
    const [env] = one?.spec.containers[0]?.env ?? [];
    assert.deepEqual(env, two?.spec.containers[0]?.env?.[0]);
    const name = env?.valueFrom?.secretKeyRef?.name ?? '';
    const get = ['get', 'externalsecret', '-n', 'inline', '-l', 'latchkey.dev/inline=true', '-o', 'name'];
    assert.equal(await kubectlOrThrow(controlPlane, get), `externalsecret.external-secrets.io/${name}\n`);
  });

  const denials: Readonly<Record<string, readonly [value: string, sentence: RegExp]>> = {
    'a key that the store does not allow': [
      'latchkey://store/dev/db',
      /does not allow the key "dev\/db" \[StoreForbidden\]/,
    ],
    'a way upwards': ['latchkey://store/prod/../dev', /has a key that contains "\.\." \[InvalidReference\]/],
    'an encoded way upwards': [
      'latchkey://store/prod/%2e%2e/dev',
      /has a key that contains "\.\." \[InvalidReference\]/,
    ],
    'a store that does not exist': ['latchkey://nowhere/prod/db', /there is no such SecretStore .* \[StoreNotFound\]/],
  };
  for (const [index, [what, [value, sentence]]] of Object.entries(denials).entries()) {
    it(`is denied for ${what}`, async () => {
      const { exitCode, stderr } = await apply(inline(`denied-${index}`, value));
      assert.equal(exitCode, 1);
      assert.match(stderr, sentence);
      assert.match(stderr, /env PASSWORD of container "app"/);
    });
  }

  it('is denied when an object of the name it would get is another one', async () => {
    const value = 'latchkey://store/prod/db?version=2';
    const dryRun = ['create', '--dry-run=server', '-o', 'json', '-f', '-'];
    const foreseen = await kubectlOrThrow(controlPlane, dryRun, { input: inline('foreseen', value) });
    const [env] = (JSON.parse(foreseen) as FetchedPod).spec.containers[0]?.env ?? [];
    const name = env?.valueFrom?.secretKeyRef?.name ?? '';
    await applied(make.externalSecret({ name, namespace: 'inline', data: { value: 'prod/db' } }));
    const { exitCode, stderr } = await apply(inline('deceived', value));
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      new RegExp(`ExternalSecret "${name}", which is to stand for it, exists already .* \\[TargetForbidden\\]`),
    );
  });
});

function serveSidecars(cert: string, key: string): Promise<Server> {
  const server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { request: review } = JSON.parse(Buffer.concat(chunks).toString()) as {
        request: { uid: string; object: { spec: { containers: readonly { name: string }[] } } };
      };
      const isThere = review.object.spec.containers.some(({ name }) => name === 'sidecar');
      const sidecar = { name: 'sidecar', image: 'registry.example/mesh:1', env: ENV_OF_SIDECAR };
      const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/spec/containers/-', value: sidecar }]));
      const patched = isThere ? {} : { patchType: 'JSONPatch', patch: patch.toString('base64') };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: review.uid, allowed: true, ...patched },
        }),
      );
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function sidecarWebhook(name: string, namespace: string, port: number, caBundle: string): make.Manifest {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: `${name}.test.latchkey.dev`,
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
      },
    ],
  };
}
