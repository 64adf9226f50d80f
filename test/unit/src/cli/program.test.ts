import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import packageJson from '../../../../package.json' with { type: 'json' };
import { createTemporaryDirectory } from '../../../support/process/temporary-directory.ts';
import { SentinelCollector } from '../../../support/sentinel/sentinel.ts';
import { latchkey } from './support.ts';

describe('latchkey', () => {
  it('lists its commands with --help', async () => {
    const { exitCode, stdout, stderr } = await latchkey(['--help']);
    assert.deepEqual([exitCode, stderr], [0, '']);
    for (const command of ['serve', 'inject', 'check', 'sync', 'certs', 'version']) {
      assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'));
    }
  });

  it('explains the options of a command with its --help', async () => {
    const { exitCode, stdout } = await latchkey(['check', '--help']);
    assert.equal(exitCode, 0);
    for (const option of ['--filename', '--cluster', '--output', '--resolve', '--default-stale-if-error']) {
      assert.ok(stdout.includes(option), option);
    }
  });

  it('says its version and Node’s', async () => {
    const { exitCode, stdout } = await latchkey(['version']);
    assert.deepEqual([exitCode, stdout], [0, `latchkey ${packageJson.version} (Node ${process.version})\n`]);
  });

  const mistakes: Readonly<Record<string, readonly [args: readonly string[], stderr: RegExp]>> = {
    'no command': [[], /Usage: latchkey/],
    'a command that it does not know': [['injekt'], /^error: unknown command 'injekt'/],
    'an option that it does not know': [['check', '-f', '-', '--fast'], /^error: unknown option '--fast'/],
    'a command without what it needs': [
      ['inject'],
      /^latchkey: nothing to look at: name manifests with -f, or use --cluster/,
    ],
    'a format that it does not know': [['check', '-f', '-', '-o', 'xml'], /^error: option '-o, --output <format>' /],
    'a time that is none': [['inject', '-f', '-', '--timeout', 'soon'], /"soon" is not a duration such as /],
    'nothing to sync': [['sync'], /^latchkey: nothing to look at: name manifests with -f, or use --cluster/],
    'certificates without a directory': [['certs'], /^error: required option '--certificate-directory <dir>'/],
  };
  for (const [name, [args, want]] of Object.entries(mistakes)) {
    it(`ends with 2 and says what is wrong on stderr when it is given ${name}`, async () => {
      const { exitCode, stdout, stderr } = await latchkey(args);
      assert.deepEqual([exitCode, stdout], [2, '']);
      assert.match(stderr, want);
      assert.doesNotMatch(stderr, /^\s+at /m, 'a stack');
    });
  }

  it('takes an option from the environment, and names the variable when it cannot be read', async () => {
    const { exitCode, stderr } = await latchkey(['inject', '-f', '-'], { env: { LATCHKEY_TIMEOUT: 'soon' } });
    assert.equal(exitCode, 2);
    assert.match(stderr, /LATCHKEY_TIMEOUT/);
  });

  it('ends with 2 and one sentence when a file cannot be read', async () => {
    const { exitCode, stdout, stderr } = await latchkey(['check', '-f', '/nonexistent/manifests.yaml']);
    assert.deepEqual([exitCode, stdout], [2, '']);
    assert.match(stderr, /^latchkey: \/nonexistent\/manifests\.yaml cannot be read[^\n]*\n$/);
  });

  for (const command of ['check', 'inject', 'sync']) {
    it(`ends with 2 and one sentence when ${command} cannot reach the cluster`, async () => {
      await using temporary = await createTemporaryDirectory('cli');
      const kubeconfig = join(temporary.path, 'kubeconfig');
      await writeFile(
        kubeconfig,
        JSON.stringify({
          clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
          users: [{ name: 'u', user: { token: 'not-real' } }],
          contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
          'current-context': 'x',
        }),
      );
      const { exitCode, stdout, stderr } = await latchkey([command, '--cluster', '--kubeconfig', kubeconfig]);
      assert.deepEqual([exitCode, stdout], [2, '']);
      assert.match(stderr, /^latchkey: the API server could not be asked to list [^\n]* \[ClusterUnavailable\]\n$/);
    });
  }

  it('ends with 2 and one sentence without a value when a manifest is no YAML', async () => {
    await using temporary = await createTemporaryDirectory('cli');
    const sentinels = new SentinelCollector();
    const file = join(temporary.path, 'bad.yaml');
    await writeFile(file, `kind: Secret\nstringData:\n  password: "${sentinels.mint()}\n`);
    const { exitCode, stdout, stderr } = await latchkey(['inject', '-f', file]);
    sentinels.collect('output', stdout + stderr);
    assert.deepEqual([exitCode, stdout], [2, '']);
    assert.match(stderr, /^latchkey: [^\n]*bad\.yaml: document 1 is not YAML \(line \d\)[^\n]*\n$/);
    sentinels.assertUnseen();
  });
});
