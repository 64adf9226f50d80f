/** What pods get, and what their owners read, when the cluster around Latchkey is not as it should be. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ErrorCode } from '../../src/core/errors.ts';
import { whereToLook } from '../../src/core/reason-catalogue.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { askAboutPod, readRegistration } from '../support/latchkey/webhook-client.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const root = join(import.meta.dirname, '../..');
const RBAC = join(root, 'webhook-config/rbac.yaml');
let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;

const run = (...args: readonly string[]): Promise<string> => kubectlOrThrow(controlPlane, args);
const apply = (...manifests: readonly make.Manifest[]): Promise<string> =>
  kubectlOrThrow(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });

/** What kubectl says on standard error about a new pod; nothing when it is made without a word. */
async function create(namespace: string, secretName: string, name = 'web'): Promise<string> {
  const input = make.podWith(name, namespace, secretName, ['password']);
  return (await kubectl(controlPlane, ['create', '-f', '-'], { input })).stderr;
}

/** All that kubectl prints of a denial by Latchkey. */
const denied = (sentence: string, code: ErrorCode): string =>
  `Error from server (Forbidden): error when creating "STDIN": admission webhook "pods.latchkey.dev" denied the request: latchkey: ${sentence} [${code}] ${whereToLook(code)}\n`;

const needs = (namespace: string, name = 'web'): string =>
  `pod "${namespace}/${name}" needs Secret "db" (env PASSWORD of container "app"), made by ExternalSecret "db" from SecretStore "store"`;

/** A namespace with a store and the ExternalSecret `db`, in which pods may be made. */
async function tenant(namespace: string, names: readonly string[] = ['db']): Promise<void> {
  await apply(
    make.namespace(namespace),
    make.fakeStore('store', namespace, { 'prod/db': 'not-real' }),
    ...names.map((name) => make.externalSecret({ name, namespace, data: { password: 'prod/db' } })),
  );
  await serviceAccountOf(namespace);
}

/** Without it the API server takes no pod. */
async function serviceAccountOf(namespace: string): Promise<void> {
  await waitUntil(async () => (await kubectl(controlPlane, ['get', 'sa', 'default', '-n', namespace])).exitCode === 0, {
    what: `the ServiceAccount of ${namespace}`,
    timeoutMs: 10_000,
  });
}

/** Creates pods until one is made without a word, in this time: everything recovered, and nobody did anything about it. */
async function recovers(namespace: string, timeoutMs: number, secretName = 'db'): Promise<void> {
  let said = '';
  let tries = 0;
  await waitUntil(async () => (said = await create(namespace, secretName, `again-${(tries += 1)}`)) === '', {
    what: 'a pod to be served again',
    timeoutMs,
  }).catch((error: unknown) => assert.fail(`${String(error)}; kubectl said last: ${said}`));
}

before(async () => {
  controlPlane = await startControlPlane({ controllerManager: true, users: [LATCHKEY_USER] });
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
});

describe('without the CRDs', () => {
  it('Latchkey waits for them, says which kinds are missing, and is ready by itself once they are there', async () => {
    await run('apply', '--server-side', '-f', RBAC);
    await apply(make.namespace('early'));
    await serviceAccountOf('early');
    const starting = startLatchkey(controlPlane);
    const log = join(controlPlane.directory, 'latchkey.log');
    const kinds = ['ExternalSecret', 'SecretStore', 'ClusterSecretStore'];
    const missing = async (): Promise<readonly string[]> => {
      const lines = (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line.includes('404'));
      return kinds.filter((kind) => lines.some((line) => line.includes(`"kind":"${kind}"`)));
    };
    await waitUntil(async () => (await missing()).length === kinds.length, {
      what: 'a line in the log about each kind',
      timeoutMs: 20_000,
    });
    // Nothing is registered before it can answer, so nobody waits for it or is denied.
    assert.equal(await create('early', 'db'), '');
    await installLatchkey(controlPlane);
    latchkey = await starting;
    assert.equal((await fetch(`${latchkey.operationsUrl}/readyz`)).status, 200);
  });
});

describe('with the API server restarted', () => {
  it('nobody can make a pod while it is away, and the next one is served, of an ExternalSecret that came meanwhile, too', async () => {
    await tenant('restarted');
    assert.equal(await create('restarted', 'db', 'before'), '');
    await controlPlane.stopApiServer();
    assert.match(await create('restarted', 'db', 'meanwhile'), /\bconnection refused\b|^The connection to the server /);
    await controlPlane.startApiServer();
    await apply(make.externalSecret({ name: 'new', namespace: 'restarted', data: { password: 'prod/db' } }));
    // For so long the API server may not know ExternalSecrets as owners: it reads the list of kinds anew every 30 s.
    await recovers('restarted', 45_000, 'new');
    assert.equal(latchkey.child.running, true);
  });
});

describe('with the right to Secrets withdrawn', () => {
  /** Leaves Latchkey these verbs for Secrets, until a pod that needs the Secret `db` is told the sentence. */
  async function leave(verbs: readonly string[], sentence: string): Promise<void> {
    const role = JSON.parse(await run('get', 'clusterrole', 'latchkey', '-o', 'json')) as {
      rules: { resources: string[]; verbs: string[] }[];
    };
    const rules = role.rules.map((rule) => (rule.resources.includes('secrets') ? { ...rule, verbs } : rule));
    const patch = JSON.stringify([{ op: 'replace', path: '/rules', value: rules }]);
    await run('patch', 'clusterrole', 'latchkey', '--type=json', '-p', patch);
    const expected = denied(sentence, 'ClusterForbidden');
    let said = '';
    await waitUntil(async () => (said = await create('withdrawn', 'db')) === expected, {
      what: 'the right to be gone',
      timeoutMs: 10_000,
    }).catch(() => assert.equal(said, expected));
  }
  const refused = (verb: string, name: string): string =>
    `the API server does not let Latchkey ${verb} Secret "withdrawn/${name}" (403 Forbidden)`;

  it('that is to write them, pods whose Secret is fresh go on, and the others are told what Latchkey may not do', async () => {
    await tenant('withdrawn', ['db', 'fresh']);
    assert.equal(await create('withdrawn', 'fresh', 'first'), '');
    await leave(['get', 'list', 'watch'], `${needs('withdrawn')}: ${refused('create', 'db')}`);
    assert.equal(await create('withdrawn', 'fresh', 'second'), '');
  });

  it('altogether, pods whose Secret is fresh go on, and so do those whose Secret nobody makes', async () => {
    await leave(['impersonate'], `${needs('withdrawn')}: ${refused('create', 'db')}`);
    assert.equal(await create('withdrawn', 'fresh', 'third'), '');
    assert.equal(
      await create('withdrawn', 'nobody-makes-it', 'not-ours'),
      `Warning: latchkey: Secret "nobody-makes-it", which no ExternalSecret makes, could not be looked at: ${refused('get', 'nobody-makes-it')} [ClusterForbidden]\n`,
    );
  });

  it('and given back, pods are served', async () => {
    await run('apply', '--server-side', '--force-conflicts', '-f', RBAC);
    await recovers('withdrawn', 10_000);
  });
});

describe('with no room for Secrets in a ResourceQuota', () => {
  it('a pod is told which quota, and not that Latchkey lacks a right', async () => {
    await tenant('full');
    await apply({
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'few', namespace: 'full' },
      spec: { hard: { 'count/secrets': '0' } },
    });
    await waitUntil(
      async () => (await run('get', 'resourcequota', 'few', '-n', 'full', '-o', 'json')).includes('"used"'),
      {
        what: 'the quota to be counted',
        timeoutMs: 20_000,
      },
    );
    assert.equal(
      await create('full', 'db'),
      denied(`${needs('full')}: ResourceQuota "few" leaves no room to create Secret "full/db"`, 'QuotaExceeded'),
    );
  });

  it('and the quota raised, pods are served', async () => {
    const patch = JSON.stringify({ spec: { hard: { 'count/secrets': '5' } } });
    await run('patch', 'resourcequota', 'few', '-n', 'full', '--type=merge', '-p', patch);
    await recovers('full', 20_000);
  });
});

describe('in a namespace that is being deleted', () => {
  it('a pod is denied, nothing is fetched and no Event is written', async () => {
    await tenant('leaving');
    const finalizers = JSON.stringify({ metadata: { finalizers: ['test.latchkey.dev/stay'] } });
    await run('patch', 'externalsecret', 'db', '-n', 'leaving', '--type=merge', '-p', finalizers);
    await run('delete', 'namespace', 'leaving', '--wait=false');
    const registered = await readRegistration(controlPlane);
    const pod = make.podWith('web', 'leaving', 'db', ['password']);
    const ask = () => askAboutPod(registered, latchkey.webhookPort, 'leaving', pod);
    await waitUntil(async () => !(await ask()).allowed, { what: 'the deletion to be known', timeoutMs: 10_000 });
    assert.equal(
      (await ask()).status?.message,
      `latchkey: pod "leaving/web": namespace "leaving" is being deleted [ClusterRejected] ${whereToLook('ClusterRejected')}`,
    );
    // kube-apiserver's own admission says so too, for whoever comes through it.
    assert.equal(
      await create('leaving', 'db'),
      'Error from server (Forbidden): error when creating "STDIN": pods "web" is forbidden: unable to create new content in namespace leaving because it is being terminated\n',
    );
    const events = await run('get', 'events.v1.events.k8s.io', '-n', 'leaving', '-o', 'json');
    assert.equal(events.includes('latchkey.dev/webhook'), false);
    const nobody = JSON.stringify({ metadata: { finalizers: null } });
    await run('patch', 'externalsecret', 'db', '-n', 'leaving', '--type=merge', '-p', nobody);
  });
});

describe('two replicas that are asked about the same fifty pods', () => {
  it('admit all of them, and agree on every Secret', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `db-${index}`);
    await tenant('racing', names);
    const registered = await readRegistration(controlPlane);
    const second = await startLatchkey(controlPlane, { name: 'second', args: ['--no-register'] });
    try {
      const reviews = await Promise.all(
        names.flatMap((name) =>
          [latchkey, second].map(({ webhookPort }) =>
            askAboutPod(
              registered,
              webhookPort,
              'racing',
              make.podWith(`pod-of-${name}`, 'racing', name, ['password']),
            ),
          ),
        ),
      );
      assert.deepEqual(
        reviews.filter(({ allowed }) => !allowed).map(({ status }) => status?.message),
        [],
      );
      const { items } = JSON.parse(await run('get', 'secrets', '-n', 'racing', '-o', 'json')) as {
        items: { metadata: { name: string; ownerReferences?: object[] }; data: Record<string, string> }[];
      };
      const made = items.filter(({ metadata }) => names.includes(metadata.name));
      assert.equal(made.length, names.length);
      for (const { metadata, data } of made) {
        assert.deepEqual([metadata.ownerReferences?.length, Object.keys(data)], [1, ['password']], metadata.name);
      }
      // The same value and the same version on the pods, whoever admitted them.
      const versions = Map.groupBy(reviews, ({ patch = '' }) => Buffer.from(patch, 'base64').toString());
      assert.equal(
        [...versions.values()].every((pair) => pair.length === 2),
        true,
      );
    } finally {
      await second.stop();
    }
  });
});

describe('with the CRDs deleted while Latchkey runs', () => {
  it('it lives on, pods wait as for any Secret that nobody makes, and all is well once they are back', async () => {
    const crds = join(root, 'crds');
    await run('delete', '-f', crds);
    const said = await create('racing', 'db-without-crds');
    assert.equal(
      said,
      'Warning: latchkey: Secret "db-without-crds" does not exist and no ExternalSecret makes it: the pod waits until it does [SecretUnmanaged]\n',
    );
    assert.equal(latchkey.child.running, true);
    await installLatchkey(controlPlane);
    await tenant('restored');
    await recovers('restored', 20_000);
  });
});
