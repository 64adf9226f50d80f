import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { awsStore, credentialsSecret, externalSecret, fakeStore } from '../../../support/latchkey/manifests.ts';
import { startHangingBackend, type HangingBackend } from '../../../support/latchkey/hanging-backend.ts';
import type { CommandResult } from '../../../support/process/run-command.ts';
import { waitUntil } from '../../../support/process/wait-until.ts';
import { createShop, MAIN, type Shop } from './support.ts';

/** As docs/cli.md has it; what does not apply is missing. */
interface Report {
  readonly isDryRun: boolean;
  readonly stores: readonly { readonly kind: string; readonly name: string; readonly result: string }[];
  readonly externalSecrets: readonly {
    readonly namespace: string;
    readonly externalSecret: string;
    readonly secret: string;
    readonly result: string;
    readonly keys?: number;
    readonly sizesBytes?: Readonly<Record<string, number>>;
    readonly cause?: string;
    readonly code?: string;
  }[];
}

let shop: Shop;
before(async () => (shop = await createShop()));
after(() => shop[Symbol.asyncDispose]());

const base = (): string => join(shop.path, 'base');
const reportOf = ({ stdout }: CommandResult): Report => JSON.parse(stdout) as Report;

const tally = (texts: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries([...new Set(texts)].map((each) => [each, texts.filter((text) => text === each).length]));

describe('latchkey sync of manifests', () => {
  it('prints what the docs show', async () => {
    const { exitCode, stdout, stderr } = await shop.run(['sync', '-f', base()]);
    assert.deepEqual(
      { exitCode, stderr, lines: stdout.split('\n') },
      {
        exitCode: 0,
        stderr: '',
        lines: [
          'STORE        NAMESPACE  NAME   RESULT',
          'SecretStore  shop       store  valid',
          '',
          'NAMESPACE  EXTERNALSECRET  SECRET          KEYS  RESULT',
          'shop       db              db-credentials  2     would be created',
          '    username: [redacted], 38 bytes',
          '    password: [redacted], 38 bytes',
          '',
          '1 ExternalSecret: 1 would be created',
          '',
        ],
      },
    );
  });

  it('says so when there is nothing to sync', async () => {
    const input = JSON.stringify(credentialsSecret('alone', { key: 'not-real' }, 'shop'));
    const { exitCode, stdout } = await shop.run(['sync', '-f', '-'], { input });
    assert.deepEqual([exitCode, stdout], [0, 'No store and no ExternalSecret.\n']);
  });
});

describe('latchkey sync of many manifests as JSON', () => {
  let result: CommandResult;
  before(async () => {
    const make = (name: string, spec: object = {}, key = 'prod/db') =>
      externalSecret({ name, namespace: 'shop', data: { value: key }, spec: { ...spec } });
    const foreign = fakeStore('foreign', 'shop', {});
    const file = await shop.write(
      'many.yaml',
      make('a-merger', { target: { name: 'db-credentials', creationPolicy: 'Merge' } }),
      make('injected', { target: { creationPolicy: 'None' } }),
      make('gone', {}, 'prod/nowhere'),
      make('gone-retained', { target: { deletionPolicy: 'Merge' } }, 'prod/nowhere'),
      make('nothing-there', { target: { name: 'nowhere', creationPolicy: 'Merge' } }),
      make('of-another', { secretStoreRef: { name: 'foreign' } }),
      make('storeless', { secretStoreRef: { name: 'nowhere' } }),
      { ...foreign, spec: { ...(foreign['spec'] as object), controller: 'someone-else' } },
      fakeStore('broken', 'shop', { '': 'not-real' }),
    );
    result = await shop.run(['sync', '-o', 'json', '-f', base(), file]);
  });

  const rows: Readonly<Record<string, readonly [result: string, keys: number | undefined, cause: RegExp | undefined]>> =
    {
      db: ['created', 2, undefined],
      'a-merger': ['updated', 3, undefined],
      injected: ['not-wanted', undefined, undefined],
      'nothing-there': ['no-target', undefined, undefined],
      'gone-retained': ['created', 0, /^the backend does not have spec\.data\[0\] \(secretKey "value"\)$/],
      gone: ['failed', undefined, /^spec\.data\[0\] \(secretKey "value"\): .* has no secret "prod\/nowhere"$/],
      storeless: ['failed', undefined, /^there is no such SecretStore in namespace "shop"$/],
      'of-another': ['left-alone', undefined, /^it belongs to another controller \(SecretStore "foreign"\)$/],
    };
  for (const [name, [want, keys, cause]] of Object.entries(rows)) {
    it(`says of ${name} that it is ${want}`, () => {
      const row = reportOf(result).externalSecrets.find(({ externalSecret: each }) => each === name);
      assert.deepEqual([row?.result, row?.keys], [want, keys]);
      if (cause === undefined) assert.equal(row?.cause, undefined);
      else assert.match(row?.cause ?? '', cause);
    });
  }

  it('syncs who makes a Secret before who adds to it, and shows the sizes of all values', () => {
    const row = reportOf(result).externalSecrets.find(({ externalSecret: each }) => each === 'a-merger');
    assert.deepEqual(Object.keys(row?.sizesBytes ?? {}).toSorted(), ['password', 'username', 'value']);
  });

  it('has a code for what failed and for nothing else', () => {
    const codes = reportOf(result).externalSecrets.map(({ result: each, code }) => [
      each === 'failed',
      code !== undefined,
    ]);
    for (const [isFailed, hasCode] of codes) assert.equal(hasCode, isFailed);
  });

  it('has stores and ExternalSecrets in the order of their names', () => {
    const { stores, externalSecrets, isDryRun } = reportOf(result);
    assert.equal(isDryRun, true);
    assert.deepEqual(
      stores.map(({ name, result: each }) => [name, each]),
      [
        ['broken', 'failed'],
        ['foreign', 'left-alone'],
        ['store', 'valid'],
      ],
    );
    const names = externalSecrets.map(({ externalSecret: name }) => name);
    assert.deepEqual(names, names.toSorted());
    assert.equal(names.length, 8);
  });

  it('ends with 1 and says nothing on stderr', () => assert.deepEqual([result.exitCode, result.stderr], [1, '']));
});

describe('latchkey sync of named objects', () => {
  before(async () => {
    await shop.write(
      'base/other.yaml',
      fakeStore('store', 'payments', { 'prod/api': shop.sentinels.mint() }),
      externalSecret({ name: 'api', namespace: 'payments', data: { key: 'prod/api' } }),
      externalSecret({ name: 'down', namespace: 'payments', data: { key: 'prod/nowhere' } }),
    );
  });

  const cases: Readonly<Record<string, readonly [args: readonly string[], want: readonly string[]]>> = {
    'one by namespace and name': [['payments/api'], ['payments/api']],
    'several, each once': [
      ['shop/db', 'payments/api', 'shop/db'],
      ['payments/api', 'shop/db'],
    ],
    'a name in the given namespace': [['api', '-n', 'payments'], ['payments/api']],
    'all of a namespace': [['-n', 'shop'], ['shop/db']],
  };
  for (const [what, [args, want]] of Object.entries(cases)) {
    it(`works on ${what}, and on the stores that they name`, async () => {
      const result = await shop.run(['sync', ...args, '-o', 'json', '-f', base()]);
      const { stores, externalSecrets } = reportOf(result);
      assert.deepEqual(
        externalSecrets.map(({ namespace, externalSecret: name }) => `${namespace}/${name}`),
        want,
      );
      assert.equal(stores.length, new Set(want.map((each) => each.split('/')[0])).size);
      assert.equal(result.exitCode, 0);
    });
  }

  const mistakes: Readonly<Record<string, readonly [args: readonly string[], sentence: string]>> = {
    'a name that is nowhere': [['shop/nowhere'], 'there is no ExternalSecret "shop/nowhere" [ExternalSecretNotFound]'],
    'a name without a namespace': [
      ['db'],
      '"db" has no namespace: write namespace/db, or give --namespace [ExternalSecretNotFound]',
    ],
    'a name of three parts': [['a/b/c'], '"a/b/c" is no namespace/name [ExternalSecretNotFound]'],
  };
  for (const [what, [args, sentence]] of Object.entries(mistakes)) {
    it(`ends with 2 and one sentence for ${what}`, async () => {
      const { exitCode, stdout, stderr } = await shop.run(['sync', ...args, '-f', base()]);
      assert.deepEqual([exitCode, stdout, stderr], [2, '', `latchkey: ${sentence}\n`]);
    });
  }

  it('ends with 2 when manifests and the cluster are asked for together', async () => {
    const { exitCode, stderr } = await shop.run(['sync', '--cluster', '-f', base()]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /^error: option '--cluster' cannot be used with option '-f/);
  });

  it('ends with 2 and one sentence for an ExternalSecret without a spec', async () => {
    const input = JSON.stringify({
      apiVersion: 'external-secrets.io/v1',
      kind: 'ExternalSecret',
      metadata: { name: 'x' },
    });
    const { exitCode, stderr } = await shop.run(['sync', '-f', '-'], { input });
    assert.deepEqual(
      [exitCode, stderr],
      [2, 'latchkey: standard input: document 1 (ExternalSecret "x") has no spec [ClusterRejected]\n'],
    );
  });
});

describe('latchkey sync where the backend does not answer', () => {
  let backend: HangingBackend;
  let args: readonly string[];
  let env: Readonly<Record<string, string>>;
  before(async () => {
    backend = await startHangingBackend();
    const file = await shop.write(
      'hanging.yaml',
      awsStore('hanging', 'shop'),
      credentialsSecret('aws-credentials', { id: 'AKIANOTREAL', key: 'not-real' }, 'shop'),
      ...Array.from({ length: 40 }, (_, index) =>
        externalSecret({ name: `db-${index}`, namespace: 'shop', store: 'hanging', data: { value: 'db' } }),
      ),
    );
    args = ['sync', '-o', 'json', '-f', file];
    env = { AWS_SECRETSMANAGER_ENDPOINT: backend.url };
  });
  after(() => backend[Symbol.asyncDispose]());

  it('gives up after --timeout and says what was not tried any more', async () => {
    const result = await shop.run([...args, '--timeout', '2s'], { env });
    const causes = reportOf(result).externalSecrets.map(({ result: each, cause }) => `${each}: ${cause}`);
    assert.equal(result.exitCode, 1);
    assert.deepEqual(tally(causes), {
      'failed: there was no answer within the time left': 32,
      'not-tried: --timeout had passed': 8,
    });
  });

  it('finishes what has begun when it is interrupted, begins no more and reports', async () => {
    const child = spawn(process.execPath, [MAIN, ...args, '--timeout', '3s'], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed = { stdout: '', stderr: '' };
    child.stdout.on('data', (text: Buffer) => (printed.stdout += text.toString()));
    child.stderr.on('data', (text: Buffer) => (printed.stderr += text.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const before = backend.taken();
    await waitUntil(async () => backend.taken() > before, { what: 'a connection', timeoutMs: 10_000 });
    await sleep(100);
    child.kill('SIGINT');
    assert.equal(await ended, 1);
    assert.equal(printed.stderr, 'latchkey: stopping when what has begun is done; once more ends it at once\n');
    const causes = reportOf({ exitCode: 1, ...printed }).externalSecrets.map(
      ({ result, cause }) => `${result}: ${cause}`,
    );
    assert.equal(tally(causes)['not-tried: the command was stopped before'], 8);
  });
});

describe('everything that latchkey sync has printed', () => {
  it('holds no value of any secret', () => shop.sentinels.assertUnseen());
});
