import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { credentialsSecret, externalSecret, namespace, podWith } from '../../../support/latchkey/manifests.ts';
import type { CommandResult } from '../../../support/process/run-command.ts';
import { createShop, type Shop } from './support.ts';

/** As docs/cli.md has it; what does not apply is missing. */
interface Row {
  readonly workload: string;
  readonly secret?: string;
  readonly usedBy?: readonly string[];
  readonly externalSecret?: string;
  readonly result: string;
  readonly code?: string;
  readonly isHad: boolean;
}

let shop: Shop;
before(async () => (shop = await createShop()));
after(() => shop[Symbol.asyncDispose]());

function rowsOf({ stdout }: CommandResult): readonly Row[] {
  const report = JSON.parse(stdout) as { readonly rows: readonly Row[] };
  assert.deepEqual(Object.keys(report), ['rows']);
  return report.rows;
}

const usedBy = ['env PASSWORD of container "app"'];
const storeless = externalSecret({ name: 'storeless', namespace: 'shop', store: 'nowhere', data: { password: 'x' } });
const pod = (name: string, secretName: string): ReturnType<typeof podWith> =>
  podWith(name, 'shop', secretName, ['password']);

function optional(manifest: ReturnType<typeof podWith>, secretName: string): ReturnType<typeof podWith> {
  const valueFrom = { secretKeyRef: { name: secretName, key: 'password', optional: true } };
  return { ...manifest, spec: { containers: [{ name: 'app', env: [{ name: 'PASSWORD', valueFrom }] }] } };
}

describe('latchkey check as a table', () => {
  it('is what the docs show', async () => {
    const file = await shop.write('web.yaml', podWith('web', 'shop', 'db-credentials', ['username', 'password']));
    const { exitCode, stdout, stderr } = await shop.run(['check', '-f', join(shop.path, 'base'), '-f', file]);
    assert.deepEqual(
      { exitCode, stderr, lines: stdout.split('\n') },
      {
        exitCode: 0,
        stderr: '',
        lines: [
          'WORKLOAD        SECRET          EXTERNALSECRET  RESULT',
          'Pod "shop/web"  db-credentials  db              does not exist, would be fetched',
          '    env USERNAME of container "app"',
          '    env PASSWORD of container "app"',
          '',
        ],
      },
    );
  });

  it('says so when there is no workload', async () => {
    const { exitCode, stdout } = await shop.run(['check', '-f', join(shop.path, 'base')]);
    assert.deepEqual([exitCode, stdout], [0, 'No workload among these manifests.\n']);
  });

  it('has the code behind a failure, says what to do and ends with 1, reading a List from standard input', async () => {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [storeless, pod('web', 'storeless')] });
    const { exitCode, stdout } = await shop.run(['check', '-f', join(shop.path, 'base'), '-'], { input });
    assert.equal(exitCode, 1);
    assert.match(stdout, /^Pod "shop\/web" +storeless +storeless +SecretStore "nowhere": .* \[StoreNotFound\]$/m);
    assert.match(stdout, /^ {4}remedy: Correct `spec\.secretStoreRef` of the ExternalSecret/m);
    assert.ok(!stdout.includes('\u001b'), 'colours where no terminal is');
  });
});

describe('latchkey check as JSON', () => {
  let result: CommandResult;
  before(async () => {
    const labels = { 'latchkey.dev/injection': 'disabled' };
    const file = await shop.write(
      'cases.yaml',
      namespace('plain', {}),
      storeless,
      credentialsSecret('by-hand', { password: shop.sentinels.mint() }, 'shop'),
      pod('fetched', 'db-credentials'),
      pod('by-hand', 'by-hand'),
      pod('missing', 'nowhere'),
      optional(pod('optional', ''), 'nowhere'),
      optional(pod('optional-storeless', ''), 'storeless'),
      pod('storeless', 'storeless'),
      podWith('opted-out', 'shop', 'nowhere', ['password'], { labels }),
      podWith('elsewhere', 'plain', 'nowhere', ['password']),
      podWith('bare', 'shop', '', []),
      podWith('impatient', 'shop', 'db-credentials', ['password'], {
        annotations: { 'latchkey.dev/max-age': 'soon' },
      }),
    );
    result = await shop.run(['check', '-o', 'json', '-f', join(shop.path, 'base'), file]);
  });

  const makes = (secret: string, externalSecretName: string): Partial<Row> => ({
    secret,
    usedBy,
    externalSecret: externalSecretName,
  });
  const cases: Readonly<Record<string, readonly [name: string, want: Partial<Row>]>> = {
    'what would be fetched': [
      'shop/fetched',
      { ...makes('db-credentials', 'db'), result: 'does not exist, would be fetched', isHad: true },
    ],
    'what nobody manages': [
      'shop/by-hand',
      { secret: 'by-hand', usedBy, result: 'exists, no ExternalSecret makes it', isHad: true },
    ],
    'what nobody makes': [
      'shop/missing',
      { secret: 'nowhere', usedBy, result: 'missing, and no ExternalSecret makes it', isHad: false },
    ],
    'what nobody makes and the pod can do without': [
      'shop/optional',
      { secret: 'nowhere', usedBy, result: 'optional; missing, and no ExternalSecret makes it', isHad: true },
    ],
    'an opted-out pod': ['shop/opted-out', { result: 'opted out: Latchkey does nothing', isHad: true }],
    'a pod of a namespace that is not opted in': [
      'plain/elsewhere',
      { result: 'namespace not opted in: Latchkey does nothing', isHad: true },
    ],
    'a pod that needs nothing': ['shop/bare', { result: 'refers to no Secret', isHad: true }],
  };
  for (const [what, [name, want]] of Object.entries(cases)) {
    it(`has a row for ${what}`, () => {
      const workload = `Pod "${name}"`;
      assert.deepEqual(
        rowsOf(result).find((row) => row.workload === workload),
        { workload, ...want },
      );
    });
  }

  const failures: Readonly<Record<string, readonly [name: string, code: string, isHad: boolean, result: RegExp]>> = {
    'a store that is missing': ['shop/storeless', 'StoreNotFound', false, /^SecretStore "nowhere": /],
    'a store that is missing and the pod can do without': [
      'shop/optional-storeless',
      'StoreNotFound',
      true,
      /^optional; SecretStore "nowhere": /,
    ],
    'an annotation that cannot be read': ['shop/impatient', 'InvalidAnnotation', false, /^denied: annotation /],
  };
  for (const [what, [name, code, isHad, message]] of Object.entries(failures)) {
    it(`has a code for ${what}`, () => {
      const row = rowsOf(result).find(({ workload }) => workload === `Pod "${name}"`);
      assert.deepEqual([row?.code, row?.isHad], [code, isHad]);
      assert.match(row?.result ?? '', message);
    });
  }

  it('has a row for each workload in the order of the manifests, with no field that the docs do not name', () => {
    const documented = ['workload', 'secret', 'usedBy', 'externalSecret', 'result', 'code', 'isHad'];
    const rows = rowsOf(result);
    assert.equal(rows.length, 10);
    assert.equal(rows[0]?.workload, 'Pod "shop/fetched"');
    for (const row of rows)
      assert.deepEqual(
        Object.keys(row).filter((key) => !documented.includes(key)),
        [],
      );
  });

  it('ends with 1 because something cannot be had', () => assert.equal(result.exitCode, 1));

  it('says nothing on stderr', () => assert.equal(result.stderr, ''));
});

describe('latchkey check --resolve', () => {
  let result: CommandResult;
  let files: readonly string[];
  const contents = async (): Promise<readonly string[]> => {
    const entries = await readdir(shop.path, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return Promise.all(paths.sort().map(async (path) => `${path}\n${await readFile(path, 'utf8')}`));
  };
  before(async () => {
    const file = await shop.write(
      'resolved.yaml',
      externalSecret({ name: 'gone', namespace: 'shop', data: { password: 'prod/nowhere' } }),
      externalSecret({
        name: 'half',
        namespace: 'shop',
        data: { password: { key: 'prod/db', property: 'nowhere' } },
      }),
      pod('fetched', 'db-credentials'),
      podWith('keyless', 'shop', 'db-credentials', ['token']),
      pod('gone', 'gone'),
      pod('half', 'half'),
    );
    files = await contents();
    result = await shop.run(['check', '--resolve', '-o', 'json', '-f', join(shop.path, 'base'), file]);
  });

  const cases: Readonly<Record<string, readonly [code: string | undefined, message: RegExp]>> = {
    fetched: [undefined, /^fresh$/],
    keyless: ['KeyMissing', /does not produce the key "token" that the pod names$/],
    gone: ['SecretNotFound', /has no secret "prod\/nowhere"$/],
    half: ['PropertyNotFound', /secret "prod\/db" has no property "nowhere"$/],
  };
  for (const [name, [code, message]] of Object.entries(cases)) {
    it(`finds out that a Secret is ${code ?? 'had'}`, () => {
      const row = rowsOf(result).find(({ workload }) => workload === `Pod "shop/${name}"`);
      assert.deepEqual([row?.code, row?.isHad], [code, code === undefined]);
      assert.match(row?.result ?? '', message);
    });
  }

  it('ends with 1', () => assert.equal(result.exitCode, 1));

  it('writes nothing', async () => assert.deepEqual(await contents(), files));
});

describe('everything that latchkey check has printed', () => {
  it('holds no value of any secret', () => shop.sentinels.assertUnseen());
});
