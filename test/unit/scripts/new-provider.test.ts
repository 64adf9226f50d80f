/** Scaffolds a provider into a copy of the project, and looks at what works of it and what does not yet. */
import assert from 'node:assert/strict';
import { cp, readFile, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { insertSorted } from '../../../scripts/new-provider/insert-sorted.ts';
import { runCommand, type CommandResult } from '../../support/process/run-command.ts';
import { createTemporaryDirectory, type TemporaryDirectory } from '../../support/process/temporary-directory.ts';

const root = join(import.meta.dirname, '../../..');
const LEFT_OUT = ['node_modules', '.git', 'dist'];
const FILES = [
  'providers/punchcards/index.ts',
  'providers/punchcards/schema.ts',
  'providers/punchcards/provider.ts',
  'providers/punchcards/client.ts',
  'test/contract/punchcards.subject.ts',
  'test/unit/providers/punchcards-config.test.ts',
  'docs/providers/punchcards.md',
];
/** What reading is needed for. */
const READING =
  /^(hands out|reads|serves|answers|finds|says (?!BackendTimeout when the caller))|says BackendTimeout when the backend/;

let copy: TemporaryDirectory;
let scaffolded: CommandResult;

function run(command: string, ...args: readonly string[]): Promise<CommandResult> {
  // A test runner within a test runs nothing as long as it knows.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return runCommand(command, args, { cwd: copy.path, env, timeoutMs: 120_000 });
}

const scaffold = (name: string): Promise<CommandResult> => run(process.execPath, 'scripts/new-provider.ts', name);
const tool = (name: string, ...args: readonly string[]): Promise<CommandResult> =>
  run(process.execPath, join('node_modules/.bin', name), ...args);
const runTests = (...args: readonly string[]): Promise<CommandResult> =>
  run(process.execPath, '--test', '--test-reporter=tap', ...args);

/** Names of tests that have this outcome, of whatever depth. */
function testsThat(outcome: 'ok' | 'not ok', { stdout }: CommandResult): readonly string[] {
  return [...stdout.matchAll(/^ *(ok|not ok) \d+ - (.*)$/gm)].flatMap(([, found, name = '']) =>
    found === outcome ? [name] : [],
  );
}

before(async () => {
  copy = await createTemporaryDirectory('new-provider');
  await cp(root, copy.path, { recursive: true, filter: (path) => path === root || !LEFT_OUT.includes(basename(path)) });
  await symlink(join(root, 'node_modules'), join(copy.path, 'node_modules'));
  scaffolded = await scaffold('punchcards');
});
after(() => copy.remove());

describe('a scaffolded provider', () => {
  it('is told of file by file, with what to do next', () => {
    assert.deepEqual([scaffolded.exitCode, scaffolded.stderr], [0, '']);
    assert.deepEqual(scaffolded.stdout.split('\n').slice(0, FILES.length), FILES);
    assert.match(scaffolded.stdout, /TO WRITE[^]*--test-name-pattern='\^punchcards as a SecretsClient'/);
  });

  it('has types, lint and format in order', async () => {
    const results = await Promise.all([
      tool('tsc', '-p', '.'),
      tool('oxlint', '--type-aware', '--deny-warnings', ...FILES.filter((file) => file.endsWith('.ts'))),
      tool('prettier', '--check', ...FILES, 'providers/index.ts', 'providers/README.md', 'test/contract/subjects.ts'),
    ]);
    for (const { exitCode, stdout, stderr } of results) assert.equal(exitCode, 0, stdout + stderr);
  });

  it('is registered, and judges stores already', async () => {
    const result = await runTests(
      '--test-name-pattern=the registry of providers',
      '--test-name-pattern=punchcards$',
      '--test-name-pattern=spec.provider.punchcards',
      'test/contract/providers.test.ts',
      'test/unit/providers/punchcards-config.test.ts',
    );
    assert.deepEqual([result.exitCode, testsThat('not ok', result)], [0, []], result.stdout);
    assert.ok(testsThat('ok', result).includes('loads no SDK with punchcards'));
    assert.ok(testsThat('ok', result).includes('a store with spec.provider.punchcards'));
  });

  it('fails in the contract suite at what is to be written, and at nothing else', async () => {
    const result = await runTests(
      '--test-name-pattern=^punchcards as a SecretsClient',
      'test/contract/providers.test.ts',
    );
    const [passed, failed] = [testsThat('ok', result), testsThat('not ok', result)];
    const reading = failed.filter((name) => name !== 'punchcards as a SecretsClient');
    assert.deepEqual(
      reading.filter((name) => !READING.test(name)),
      [],
    );
    assert.deepEqual(
      passed.filter((name) => READING.test(name)),
      [],
    );
    assert.ok(reading.length >= 20 && passed.length >= 4, result.stdout);
    const first = /^ *not ok \d+ - hands out plain text byte for byte$[^]*?error: '?(.*?)'?$/m.exec(result.stdout)?.[1];
    assert.match(first ?? '', /^Punchcards at 127\.0\.0\.1:\d+ was not asked for ".*": reading is to be written$/);
  });

  it('is not made a second time, nor under a name that no manifest could have', async () => {
    const second = await scaffold('punchcards');
    assert.deepEqual([second.exitCode, second.stderr], [2, 'There is a provider punchcards already.\n']);
    for (const name of ['', '../x', 'Punch Cards', 'a-b']) assert.equal((await scaffold(name)).exitCode, 2, name);
    assert.match(await readFile(join(copy.path, 'providers/index.ts'), 'utf8'), /fake[^]*punchcards[^]*vault/);
  });
});

describe('a line among lines that look alike', () => {
  const text = ['head', '  b: 1', '  d: 1', 'tail'].join('\n');
  for (const [name, order] of [
    ['a', 'a b d'],
    ['c', 'b c d'],
    ['e', 'b d e'],
  ] as const) {
    it(`goes to its place: ${name} of ${order}`, () => {
      const [head, ...rest] = insertSorted(text, /^ {2}\w: 1$/, `  ${name}: 1`).split('\n');
      assert.deepEqual([head, rest.at(-1)], ['head', 'tail']);
      assert.equal(
        rest
          .slice(0, -1)
          .map((line) => line.trim()[0])
          .join(' '),
        order,
      );
    });
  }

  it('is missed when there are none', () => {
    assert.throws(() => insertSorted('head', /^ {2}\w: 1$/, '  a: 1'), /there is no line like/);
  });
});
