import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { externalSecret, namespace, podSpec, podWith, type Manifest } from '../../../support/latchkey/manifests.ts';
import type { CommandResult } from '../../../support/process/run-command.ts';
import { createShop, documentsOf, type Shop } from './support.ts';

const provenance = { 'latchkey.dev/status': 'fresh', 'latchkey.dev/secrets': '{"db":"dry-run"}' };
const template = { metadata: { labels: { app: 'web' } }, spec: podSpec('db-credentials', ['password']) };

function workload(kind: string, spec: Manifest, apiVersion = 'apps/v1'): Manifest {
  return { apiVersion, kind, metadata: { name: kind.toLowerCase(), namespace: 'shop' }, spec };
}

function pod(name: string, inNamespace: string, metadata: Manifest = {}): Manifest {
  return podWith(name, inNamespace, 'db-credentials', ['password'], metadata);
}

function withAnnotations(manifest: Manifest, annotations: Manifest): Manifest {
  return { ...manifest, metadata: { ...(manifest['metadata'] as object), annotations } };
}

let shop: Shop;
before(async () => (shop = await createShop()));
after(() => shop[Symbol.asyncDispose]());

describe('latchkey inject of a folder', () => {
  const kinds: readonly (readonly [before: Manifest, after: Manifest])[] = [
    ...['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'].map(
      (kind) =>
        [
          workload(kind, { paused: false, template, later: ['kept'] }),
          workload(kind, { paused: false, template, later: ['kept'] }),
        ] as const,
    ),
    [workload('Job', { template }, 'batch/v1'), workload('Job', { template }, 'batch/v1')],
    [
      workload('CronJob', { schedule: '0 * * * *', jobTemplate: { spec: { template } } }, 'batch/v1'),
      workload('CronJob', { schedule: '0 * * * *', jobTemplate: { spec: { template } } }, 'batch/v1'),
    ],
    [pod('web', 'shop'), withAnnotations(pod('web', 'shop'), provenance)],
    [
      withAnnotations(pod('forged', 'shop'), {
        note: 'kept',
        'latchkey.dev/status': 'no',
        'latchkey.dev/secrets': 'x',
      }),
      withAnnotations(pod('forged', 'shop'), { note: 'kept', ...provenance }),
    ],
  ];
  const untouched = [
    pod('opted-out', 'shop', { labels: { 'latchkey.dev/injection': 'disabled' } }),
    pod('elsewhere', 'plain'),
  ];
  const listed = { apiVersion: 'v1', kind: 'List', items: [pod('listed', 'shop')] };
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'shop' } };

  let result: CommandResult;
  let printed: readonly Record<string, unknown>[];
  before(async () => {
    await shop.write('all/workloads.yaml', configMap, ...kinds.map(([manifest]) => manifest), ...untouched);
    await shop.write('all/more.yaml', namespace('plain', {}), listed);
    result = await shop.run(['inject', '--lookup', join(shop.path, 'base'), '-f', join(shop.path, 'all')]);
    printed = documentsOf(result.stdout);
  });

  const find = (manifest: Manifest): unknown => {
    const { name } = manifest['metadata'] as { name: string };
    return printed.find(
      (each) => each['kind'] === manifest['kind'] && (each['metadata'] as { name: string }).name === name,
    );
  };

  it('succeeds', () => assert.equal(result.exitCode, 0));

  for (const [manifest, want] of kinds) {
    const { name } = manifest['metadata'] as { name: string };
    it(`prints the ${String(manifest['kind'])} ${name} as admission would leave it, and nothing else in it changes`, () => {
      assert.deepEqual(find(manifest), want);
    });
  }

  it('prints a pod of a List in its place', () => {
    const [{ items } = {}] = printed.filter(({ kind }) => kind === 'List');
    assert.deepEqual(items, [withAnnotations(pod('listed', 'shop'), provenance)]);
  });

  it('prints an opted-out pod as it is', () => assert.deepEqual(find(untouched[0] ?? {}), untouched[0]));

  it('prints a pod of a namespace that is not opted in as it is', () => {
    assert.deepEqual(find(untouched[1] ?? {}), untouched[1]);
  });

  it('lets everything else pass, in its place, and prints nothing that is only looked up', async () => {
    assert.deepEqual(find(configMap), configMap);
    const read = (
      await Promise.all(['more', 'workloads'].map((name) => readFile(join(shop.path, `all/${name}.yaml`), 'utf8')))
    ).join('\n---\n');
    const names = (documents: readonly Record<string, unknown>[]) =>
      documents.map(({ kind, metadata }) => [kind, (metadata as { name?: string } | undefined)?.name]);
    assert.deepEqual(names(printed), names(documentsOf(read)));
  });

  it('says on stderr what would be fetched, once for each workload that needs it', () => {
    const line =
      'latchkey: dry run: Secret "db-credentials" does not exist and would be fetched for ExternalSecret "db"\n';
    assert.equal(result.stderr, line.repeat(kinds.length + 1));
  });

  it('is not coloured', () => assert.ok(!`${result.stdout}${result.stderr}`.includes('\u001b')));
});

describe('latchkey inject', () => {
  it('reads standard input, and takes a namespace that no manifest describes as opted in', async () => {
    const input = JSON.stringify({ ...pod('web', 'unheard-of'), spec: podSpec('nowhere', ['a']) });
    const { exitCode, stdout, stderr } = await shop.run(['inject', '-f', '-'], { input });
    assert.equal(exitCode, 0);
    const [{ metadata } = {}] = documentsOf(stdout);
    assert.deepEqual((metadata as { annotations: unknown }).annotations, { 'latchkey.dev/status': 'pending' });
    assert.match(stderr, /namespace "unheard-of" is not among the manifests and is taken as opted in\n/);
    assert.match(stderr, /Secret "nowhere" does not exist and no ExternalSecret makes it.*\[SecretUnmanaged\]\n/);
  });

  it('leaves what it has printed as it is when it reads it again', async () => {
    const base = join(shop.path, 'base');
    const input = JSON.stringify(pod('web', 'shop'));
    const first = await shop.run(['inject', '-f', '-', '--lookup', base], { input });
    const second = await shop.run(['inject', '--lookup', base, '-f', '-'], { input: first.stdout });
    assert.equal(second.stdout, first.stdout);
    assert.match(first.stdout, /"latchkey\.dev\/status": "fresh"/);
  });

  it('ends with 1 when a workload would be denied, says why, and prints it as it was', async () => {
    const orphan = externalSecret({ name: 'orphan', namespace: 'shop', store: 'nowhere', data: { password: 'x' } });
    const bad = withAnnotations(pod('impatient', 'shop'), { 'latchkey.dev/max-age': 'soon' });
    const file = await shop.write(
      'denied.yaml',
      orphan,
      podWith('storeless', 'shop', 'orphan', ['password']),
      bad,
      pod('fine', 'shop'),
    );
    const { exitCode, stdout, stderr } = await shop.run(['inject', '--lookup', join(shop.path, 'base'), '-f', file]);
    assert.equal(exitCode, 1);
    assert.deepEqual(
      documentsOf(stdout).map(({ metadata }) => {
        const { name, annotations } = metadata as { name: string; annotations?: Record<string, string> };
        return [name, annotations?.['latchkey.dev/status']];
      }),
      [
        ['orphan', undefined],
        ['storeless', undefined],
        ['impatient', undefined],
        ['fine', 'fresh'],
      ],
    );
    assert.match(
      stderr,
      /^latchkey: Pod "shop\/storeless" needs Secret "orphan" \(env PASSWORD of container "app"\), made by ExternalSecret "orphan" from SecretStore "nowhere": .* \[StoreNotFound\]$/m,
    );
    assert.match(
      stderr,
      /^latchkey: Pod "shop\/impatient": annotation latchkey\.dev\/max-age .* \[InvalidAnnotation\]$/m,
    );
  });

  it('prints a pod that is admitted in spite of a failure, and warns', async () => {
    const storeless = (inNamespace: string): Manifest =>
      externalSecret({ name: 'orphan', namespace: inNamespace, store: 'nowhere', data: { password: 'x' } });
    const file = await shop.write(
      'lenient.yaml',
      namespace('audited', { 'latchkey.dev/injection': 'audit' }),
      storeless('audited'),
      storeless('shop'),
      podWith('watched', 'audited', 'orphan', ['password']),
      withAnnotations(podWith('lenient', 'shop', 'orphan', ['password']), { 'latchkey.dev/on-failure': 'allow' }),
    );
    const { exitCode, stdout, stderr } = await shop.run(['inject', '--lookup', join(shop.path, 'base'), '-f', file]);
    assert.equal(exitCode, 0);
    assert.equal(stdout.match(/latchkey\.dev\/status: pending/g)?.length, 2);
    for (const name of ['audited/watched', 'shop/lenient']) {
      assert.ok(stderr.includes(`latchkey: admitted although Pod "${name}" needs Secret "orphan"`));
    }
  });
});

describe('latchkey inject of a whole application', () => {
  const application = `# The front.
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data:
    zeta:  "1"   # before alpha
    alpha: 'two'
---
# The pods of it.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    metadata:
      annotations:
        latchkey.dev/env: DB_PASSWORD=db#password # wanted
    spec:
      containers:
      # the only one
      - name: app
        image: "registry.example/app:1"
        args: [--port, '80']
      future: {kept: true}
`;
  const added = `        env:
        - name: DB_PASSWORD
          valueFrom:
            secretKeyRef:
              name: db-credentials
              key: password
`;
  const through = (input: string, ...args: readonly string[]) =>
    shop.run(['inject', '-f', '-', '--lookup', join(shop.path, 'base'), ...args], { input });

  it('changes nothing but what admission adds: comments, order and ways of writing stay', async () => {
    const { stdout, exitCode } = await through(application);
    assert.equal(exitCode, 0);
    const lines = application.split('\n');
    const at = lines.findIndex((line) => line.includes('args:')) + 1;
    const [before, after] = [lines.slice(0, at), lines.slice(at)];
    // The one freedom: flow collections and spaces before comments of a changed document are written its own way.
    const spaced = (text: string): string => text.replaceAll(/ +#/g, ' #').replaceAll(/\{ ?| ?\}/g, '');
    assert.equal(spaced(stdout), spaced([...before, ...added.trimEnd().split('\n'), ...after].join('\n')));
  });

  it('passes documents that admission would not change to the byte', async () => {
    const unchanged = application.split('---\n')[0] ?? '';
    assert.equal((await through(unchanged)).stdout, unchanged);
  });

  it('prints with --diff only what would change', async () => {
    const { stdout } = await through(application, '--diff');
    const changes = stdout.split('\n').filter((line) => /^[+-]/.test(line));
    assert.deepEqual(changes, [
      '--- as it is: Deployment web',
      '+++ as admitted: Deployment web',
      ...added
        .trimEnd()
        .split('\n')
        .map((line) => `+${line}`),
    ]);
  });

  it('prints nothing with --diff when nothing would change', async () => {
    assert.equal((await through(application.split('---\n')[0] ?? '', '--diff')).stdout, '');
  });

  it('keeps the content of a document with anchors, and JSON stays JSON', async () => {
    const anchored = application.replace("args: [--port, '80']", 'args: &a [x]\n        command: *a');
    const [, deployment = {}] = documentsOf((await through(anchored)).stdout);
    const { template } = deployment['spec'] as { template: { spec: { containers: readonly object[] } } };
    assert.partialDeepStrictEqual(template.spec.containers[0], {
      ...{ args: ['x'], command: ['x'] },
      env: [{ name: 'DB_PASSWORD' }],
    });
    const json = JSON.stringify(pod('web', 'shop'));
    const { metadata } = JSON.parse((await through(json)).stdout) as { metadata: { annotations: object } };
    assert.deepEqual(metadata.annotations, provenance);
  });
});

describe('everything that latchkey inject has printed', () => {
  it('holds no value of any secret', () => shop.sentinels.assertUnseen());
});
