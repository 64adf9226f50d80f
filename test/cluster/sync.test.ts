/** latchkey sync on a real API server: what it writes, what it leaves, and what it says. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import * as make from '../support/latchkey/manifests.ts';
import { runCommand, type CommandResult } from '../support/process/run-command.ts';
import { SentinelCollector } from '../support/sentinel/sentinel.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface Fetched {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly status?: { readonly refreshTime?: string; readonly conditions?: readonly Condition[] };
}

interface Told {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

const MAIN = join(import.meta.dirname, '../../src/main.ts');

let controlPlane: ControlPlane;
const sentinels = new SentinelCollector();

const apply = (...manifests: readonly make.Manifest[]): Promise<string> =>
  kubectlOrThrow(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });

async function list<T = Fetched>(kind: string): Promise<readonly T[]> {
  const text = await kubectlOrThrow(controlPlane, ['get', kind, '-A', '-o', 'json']);
  return (JSON.parse(text) as { readonly items: readonly T[] }).items;
}

async function sync(...args: readonly string[]): Promise<CommandResult> {
  const result = await runCommand(
    process.execPath,
    [MAIN, 'sync', ...args, '--cluster', '--kubeconfig', controlPlane.kubeconfigFile],
    { env: { PATH: process.env['PATH'] ?? '', HOME: controlPlane.directory }, timeoutMs: 60_000 },
  );
  sentinels.collect(`sync ${args.join(' ')}`, result.stdout + result.stderr);
  return result;
}

const lines = (...expected: readonly string[]): string => expected.map((line) => `${line}\n`).join('');

/** Everything that a sync might write, by what it is and the version it has. */
async function versions(...kinds: readonly string[]): Promise<readonly string[]> {
  const objects = (await Promise.all(kinds.map((kind) => list(kind)))).flat();
  return objects.map(
    ({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name} ${metadata.resourceVersion}`,
  );
}

async function readyOf(kind: string, name: string): Promise<readonly (string | undefined)[]> {
  const object = (await list(kind)).find(({ metadata }) => metadata.name === name);
  const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready');
  return [ready?.status, ready?.reason, ready?.message];
}

const secretNames = async (): Promise<readonly string[]> =>
  (await list('secrets'))
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    .filter((name) => /^(shop|pay)/.test(name));

before(async () => {
  controlPlane = await startControlPlane({ users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  const store = (inNamespace: string): make.Manifest =>
    make.fakeStore('store', inNamespace, { 'prod/db': sentinels.mint(), 'prod/api': sentinels.mint() });
  const brokenStore: make.Manifest = {
    ...make.fakeStore('broken', 'shop', {}),
    spec: { provider: { fake: { data: [], validationResult: 2 } } },
  };
  const foreignStore: make.Manifest = {
    ...make.fakeStore('foreign', 'shop', {}),
    spec: { controller: 'someone-else', provider: { fake: { data: [] } } },
  };
  // Whether a namespace has opted in matters to pods only.
  await apply(make.namespace('shop', {}), make.namespace('payments', {}));
  await apply(store('shop'), store('payments'), brokenStore, foreignStore);
  await apply(
    make.externalSecret({ name: 'db', namespace: 'shop', data: { password: 'prod/db', again: 'prod/db' } }),
    make.externalSecret({ name: 'typo', namespace: 'shop', data: { password: 'prod/typo' } }),
    make.externalSecret({ name: 'theirs', namespace: 'shop', store: 'foreign', data: { password: 'prod/db' } }),
    make.externalSecret({ name: 'api', namespace: 'payments', data: { key: 'prod/api' } }),
  );
});

after(() => controlPlane?.stop());

const STORES = [
  'STORE        NAMESPACE  NAME     RESULT',
  'SecretStore  payments   store    valid',
  'SecretStore  shop       broken   failed: spec.provider.fake.validationResult declares this store broken [InvalidProviderConfig]',
  'SecretStore  shop       foreign  left alone: it belongs to controller "someone-else"',
  'SecretStore  shop       store    valid',
  '',
];
const TYPO =
  'shop       typo            typo    -     failed: spec.data[0] (secretKey "password"): the fake provider has no secret "prod/typo" [SecretNotFound]';
const THEIRS =
  'shop       theirs          theirs  -     left alone: it belongs to another controller (SecretStore "foreign")';
const TITLES = 'NAMESPACE  EXTERNALSECRET  SECRET  KEYS  RESULT';

describe('latchkey sync --cluster --dry-run', () => {
  it('says what would be done, and does nothing', async () => {
    const kinds = ['secrets', 'externalsecrets', 'secretstores', 'events.v1.events.k8s.io'];
    const before = await versions(...kinds);
    const { exitCode, stdout, stderr } = await sync('--dry-run');
    assert.deepEqual([exitCode, stderr], [1, '']);
    assert.equal(
      stdout,
      lines(
        ...STORES,
        TITLES,
        'payments   api             api     1     would be created',
        'shop       db              db      2     would be created',
        THEIRS,
        TYPO,
        '',
        '4 ExternalSecrets: 2 would be created, 1 left alone, 1 failed',
      ),
    );
    assert.deepEqual(await versions(...kinds), before);
  });

  it('knows a Secret that is there from one that is not', async () => {
    await apply(make.credentialsSecret('api', { other: 'not-real' }, 'payments'));
    const { stdout } = await sync('payments/api', '--dry-run');
    assert.match(stdout, /^payments +api +api +1 +would be updated$/m);
    await kubectlOrThrow(controlPlane, ['delete', 'secret', 'api', '-n', 'payments']);
  });
});

describe('latchkey sync --cluster of a named object', () => {
  it('works on it and its store, and on nothing else', async () => {
    const { exitCode, stdout } = await sync('payments/api');
    assert.equal(exitCode, 0);
    assert.equal(
      stdout,
      lines(
        'STORE        NAMESPACE  NAME   RESULT',
        'SecretStore  payments   store  valid',
        '',
        TITLES,
        'payments   api             api     1     created',
        '',
        '1 ExternalSecret: 1 created',
      ),
    );
    assert.deepEqual(await secretNames(), ['payments/api']);
    const judged = (await list('secretstores')).filter(({ status }) => status !== undefined);
    assert.deepEqual(
      judged.map(({ metadata }) => metadata.namespace),
      ['payments'],
    );
  });

  it('ends with 2 for one that is nowhere, before anything is written', async () => {
    const before = await versions('secrets', 'externalsecrets', 'secretstores');
    const { exitCode, stdout, stderr } = await sync('payments/api', 'shop/nowhere');
    assert.deepEqual(
      [exitCode, stdout, stderr],
      [2, '', 'latchkey: there is no ExternalSecret "shop/nowhere" [ExternalSecretNotFound]\n'],
    );
    assert.deepEqual(await versions('secrets', 'externalsecrets', 'secretstores'), before);
  });
});

describe('latchkey sync --cluster of everything', () => {
  let result: CommandResult;
  before(async () => (result = await sync()));

  it('syncs the good ones beside one that fails, and ends with 1', () => {
    assert.deepEqual([result.exitCode, result.stderr], [1, '']);
    assert.equal(
      result.stdout,
      lines(
        ...STORES,
        TITLES,
        'payments   api             api     1     unchanged',
        'shop       db              db      2     created',
        THEIRS,
        TYPO,
        '',
        '4 ExternalSecrets: 1 created, 1 unchanged, 1 left alone, 1 failed',
      ),
    );
  });

  it('leaves the Secrets in the cluster, of the good ones only', async () => {
    assert.deepEqual(await secretNames(), ['payments/api', 'shop/db']);
  });

  const conditions: readonly (readonly [kind: string, name: string, ready: readonly (string | undefined)[]])[] = [
    ['externalsecrets', 'db', ['True', 'SecretSynced', 'secret synced']],
    [
      'externalsecrets',
      'typo',
      [
        'False',
        'SecretSyncedError',
        'spec.data[0] (secretKey "password"): the fake provider has no secret "prod/typo" [SecretNotFound]',
      ],
    ],
    ['externalsecrets', 'theirs', [undefined, undefined, undefined]],
    ['secretstores', 'store', ['True', 'Valid', 'store validated']],
    [
      'secretstores',
      'broken',
      [
        'False',
        'InvalidProviderConfig',
        'spec.provider.fake.validationResult declares this store broken [InvalidProviderConfig]',
      ],
    ],
    ['secretstores', 'foreign', [undefined, undefined, undefined]],
  ];
  for (const [kind, name, ready] of conditions) {
    it(`has written the Ready condition of ${kind}/${name} by the time it ends: ${ready[1] ?? 'none'}`, async () => {
      assert.deepEqual(await readyOf(kind, name), ready);
    });
  }

  it('has told of what happened in Events', async () => {
    const told = (await list<Told>('events.v1.events.k8s.io')).map(
      ({ type, reason, regarding: { kind, name } }) => `${kind} ${name}: ${type} ${reason}`,
    );
    for (const wanted of [
      'ExternalSecret db: Normal Created',
      'ExternalSecret typo: Warning UpdateFailed',
      'SecretStore store: Normal Valid',
      'SecretStore broken: Warning InvalidProviderConfig',
    ]) {
      assert.ok(told.includes(wanted), `${wanted} in ${told.join('; ')}`);
    }
  });
});

describe('a second latchkey sync --cluster', () => {
  it('writes no Secret, no store and no Event, and of the statuses only when they were refreshed', async () => {
    await apply(make.externalSecret({ name: 'typo', namespace: 'shop', data: { password: 'prod/db' } }));
    const first = await sync('-n', 'shop');
    assert.match(first.stdout, /^3 ExternalSecrets: 1 created, 1 unchanged, 1 left alone$/m);
    assert.equal(first.exitCode, 0);
    const kinds = ['secrets', 'secretstores', 'events.v1.events.k8s.io'];
    const before = await versions(...kinds);
    const conditions = async (): Promise<unknown> =>
      (await list('externalsecrets')).map(({ status }) => status?.conditions);
    const conditionsBefore = await conditions();
    const second = await sync('-n', 'shop', '-o', 'json');
    const { externalSecrets } = JSON.parse(second.stdout) as {
      readonly externalSecrets: readonly { readonly result: string }[];
    };
    assert.deepEqual(
      externalSecrets.map(({ result }) => result),
      ['unchanged', 'left-alone', 'unchanged'],
    );
    assert.equal(second.exitCode, 0);
    assert.deepEqual(await versions(...kinds), before);
    assert.deepEqual(await conditions(), conditionsBefore);
  });
});

describe('no secret value', () => {
  it('was seen in any output, status or Event', async () => {
    sentinels.collect('Events', JSON.stringify(await list('events.v1.events.k8s.io')));
    for (const kind of ['externalsecrets', 'secretstores']) {
      // The store's spec is where the fake provider has its values from.
      sentinels.collect(kind, JSON.stringify((await list(kind)).map(({ status }) => status)));
    }
    sentinels.assertUnseen();
  });
});
