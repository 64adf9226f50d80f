/** Every kind of reference, on a real node: what the process in the container reads is what the backend holds. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import * as make from '../support/latchkey/manifests.ts';
import { whyNoNode } from '../support/node/prerequisites.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { createWorld, digest, environmentVariable, printing, type World } from './support/world.ts';

const PASSWORD = 'not-a-real-pässword\nof two lines';
const NAMESPACE = 'references';
const reference = { name: 'db', key: 'password' };
const secretEnv = { env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: reference } }] };
const plain = (name: string): make.Manifest => ({ name, image: 'localhost/busybox:1', command: ['true'] });

describe('a container reads the value of the backend', { skip: whyNoNode() ?? false }, () => {
  let world: World;

  before(async () => {
    world = await createWorld();
    await world.tenant(NAMESPACE);
    await world.putSecret('references/db', PASSWORD);
    await world.apply(make.externalSecret({ name: 'db', namespace: NAMESPACE, data: { password: 'references/db' } }));
  });

  after(() => world?.[Symbol.asyncDispose]());

  const kinds: Readonly<Record<string, { container: string; spec: make.Manifest }>> = {
    env: { container: 'app', spec: { containers: [printing('app', environmentVariable('PASSWORD'), secretEnv)] } },
    'env-from': {
      container: 'app',
      spec: {
        containers: [
          printing('app', environmentVariable('DB_password'), {
            envFrom: [{ prefix: 'DB_', secretRef: { name: 'db' } }],
          }),
        ],
      },
    },
    volume: {
      container: 'app',
      spec: {
        containers: [printing('app', 'cat /db/password', { volumeMounts: [{ name: 'db', mountPath: '/db' }] })],
        volumes: [{ name: 'db', secret: { secretName: 'db' } }],
      },
    },
    'volume-mounted-by-sub-path': {
      container: 'app',
      spec: {
        containers: [
          printing('app', 'cat /password', {
            volumeMounts: [{ name: 'db', mountPath: '/password', subPath: 'password' }],
          }),
        ],
        volumes: [{ name: 'db', secret: { secretName: 'db', defaultMode: 0o440 } }],
      },
    },
    'projected-volume': {
      container: 'app',
      spec: {
        containers: [printing('app', 'cat /all/db/pw', { volumeMounts: [{ name: 'all', mountPath: '/all' }] })],
        volumes: [
          {
            name: 'all',
            projected: { sources: [{ secret: { name: 'db', items: [{ key: 'password', path: 'db/pw' }] } }] },
          },
        ],
      },
    },
    'init-container': {
      container: 'first',
      spec: {
        initContainers: [printing('first', environmentVariable('PASSWORD'), secretEnv)],
        containers: [plain('app')],
      },
    },
    'native-sidecar': {
      container: 'side',
      spec: {
        initContainers: [
          printing('side', environmentVariable('PASSWORD'), { ...secretEnv, restartPolicy: 'Always' }, { stays: true }),
        ],
        containers: [{ ...plain('app'), command: ['sleep', '5'] }],
      },
    },
    'without-any-privilege': {
      container: 'app',
      spec: {
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          printing('app', environmentVariable('PASSWORD'), {
            ...secretEnv,
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
          }),
        ],
      },
    },
  };

  for (const [kind, { container, spec }] of Object.entries(kinds)) {
    it(`by ${kind}`, async () => {
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: kind, namespace: NAMESPACE } };
      await world.apply({ ...pod, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, ...spec } });
      assert.equal(await world.log(NAMESPACE, kind, container), digest(PASSWORD));
    });
  }

  it('by a volume that was mounted before the value changed, once another pod had it refreshed', async () => {
    await world.putSecret('references/rotated', 'not-real-before');
    await world.apply(
      make.externalSecret({ name: 'rotated', namespace: NAMESPACE, data: { password: 'references/rotated' } }),
    );
    const pod = (name: string): make.Manifest => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: NAMESPACE, annotations: { 'latchkey.dev/max-age': '0s' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          printing('app', 'cat /db/password', { volumeMounts: [{ name: 'db', mountPath: '/db' }] }, { stays: true }),
        ],
        volumes: [{ name: 'db', secret: { secretName: 'rotated' } }],
      },
    });
    await world.apply(pod('mounted-before'));
    assert.equal(await world.log(NAMESPACE, 'mounted-before'), digest('not-real-before'));
    await world.changeSecret('references/rotated', 'not-real-after');
    // `max-age: 0s` accepts a fetch that started up to a second before the request.
    await sleep(1_000);
    await world.apply(pod('mounted-after'));
    assert.equal(await world.log(NAMESPACE, 'mounted-after'), digest('not-real-after'));
    const read = ['exec', '-n', NAMESPACE, 'mounted-before', '--', 'sha256sum', '/db/password'];
    await waitUntil(
      async () => (await kubectlOrThrow(world.cluster.controlPlane, read)).startsWith(digest('not-real-after')),
      { what: 'the mounted file to change', timeoutMs: 60_000, intervalMs: 500 },
    );
  });

  it('by an ephemeral container that kubectl debug adds, whose Secret did not exist', async () => {
    await world.putSecret('references/debug', 'not-a-real-debug-token');
    await world.apply(
      make.externalSecret({ name: 'debug', namespace: NAMESPACE, data: { token: 'references/debug' } }),
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'debugged', namespace: NAMESPACE },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ ...plain('app'), command: ['sleep', '3600'] }],
        },
      },
    );
    const { controlPlane } = world.cluster;
    const file = join(controlPlane.directory, 'debug.json');
    const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'debug', key: 'token' } } }];
    await writeFile(file, JSON.stringify({ env }));
    const script = `${environmentVariable('TOKEN')} | sha256sum | cut -c 1-64`;
    const debug = ['debug', 'debugged', '-n', NAMESPACE, '-c', 'debugger', `--custom=${file}`, '--profile=general'];
    await kubectlOrThrow(controlPlane, [...debug, '--image=localhost/busybox:1', '--', 'sh', '-c', script]);
    assert.equal(await world.log(NAMESPACE, 'debugged', 'debugger'), digest('not-a-real-debug-token'));
  });

  it('by the credentials with which a private registry is asked', async () => {
    const seen: (string | undefined)[] = [];
    const registry = createServer((request: IncomingMessage, response) => {
      seen.push(request.headers.authorization);
      const isKnown = request.headers.authorization !== undefined;
      response.writeHead(isKnown ? 404 : 401, { 'www-authenticate': 'Basic realm="private"' }).end();
    });
    await new Promise<void>((resolve) => registry.listen(0, world.cluster.cable.hostAddress, resolve));
    try {
      const host = `${world.cluster.cable.hostAddress}:${(registry.address() as AddressInfo).port}`;
      const hosts = join(world.cluster.registryDirectory, host);
      await mkdir(hosts, { recursive: true });
      await writeFile(join(hosts, 'hosts.toml'), `server = "http://${host}"\n`);
      const login = { auths: { [host]: { username: 'puller', password: 'not-a-real-token' } } };
      await world.putSecret('references/registry', JSON.stringify(login));
      const target = { template: { type: 'kubernetes.io/dockerconfigjson' } };
      await world.apply(
        make.externalSecret({
          name: 'registry',
          namespace: NAMESPACE,
          data: { '.dockerconfigjson': 'references/registry' },
          spec: { target },
        }),
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'pulled', namespace: NAMESPACE },
          spec: {
            imagePullSecrets: [{ name: 'registry' }],
            containers: [{ name: 'app', image: `${host}/private:1` }],
          },
        },
      );
      const expected = `Basic ${Buffer.from('puller:not-a-real-token').toString('base64')}`;
      await waitUntil(() => seen.includes(expected), { what: 'the pull with credentials', timeoutMs: 30_000 });
    } finally {
      registry.closeAllConnections();
      registry.close();
    }
  });
});
