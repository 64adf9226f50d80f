import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CommandResult } from '../../../support/process/run-command.ts';
import { createTemporaryDirectory, type TemporaryDirectory } from '../../../support/process/temporary-directory.ts';
import { latchkey } from './support.ts';

async function filesOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(directory);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const)),
  );
}

describe('latchkey certs', () => {
  let temporary: TemporaryDirectory;
  let directory: string;
  let results: readonly CommandResult[];
  let files: readonly Readonly<Record<string, string>>[];
  before(async () => {
    temporary = await createTemporaryDirectory('cli');
    directory = join(temporary.path, 'certs');
    const args = ['certs', '--certificate-directory', directory];
    const first = await latchkey([...args, '--dns-name', 'webhook.example', '--ip-address', '192.0.2.7']);
    const issued = await filesOf(join(directory, '1'));
    const second = await latchkey([...args, '--dns-name', 'webhook.example', '--ip-address', '192.0.2.7']);
    results = [first, second];
    files = [issued, await filesOf(join(directory, '1'))];
  });
  after(() => temporary.remove());

  it('issues what was missing and shows names, validity and fingerprint', () => {
    const [first] = results;
    assert.deepEqual([first?.exitCode, first?.stderr], [0, '']);
    assert.match(
      first?.stdout ?? '',
      /^valid for +DNS:webhook\.example, IP Address:192\.0\.2\.7\nvalid until +\d{4}-\d\d-\d\dT[\d:.]+Z\nSHA-256 +([0-9A-F]{2}:){31}[0-9A-F]{2}\nCAs in bundle +1\n$/,
    );
  });

  it('keeps and shows the same on a second run', () => {
    const [first, second] = results;
    assert.deepEqual(second, first);
    assert.deepEqual(files[1], files[0]);
  });

  it('prints no line of a key, and neither the path nor the version key', () => {
    const hidden = ['tls.key', 'ca.key', 'path', 'version-key'].flatMap((name) =>
      (files[0]?.[name] ?? '').split('\n').filter((line) => line.length > 16 && !line.startsWith('-----')),
    );
    assert.ok(hidden.length > 4);
    for (const { stdout, stderr } of results) {
      assert.doesNotMatch(stdout + stderr, /BEGIN/);
      for (const line of hidden) assert.ok(!(stdout + stderr).includes(line));
    }
  });

  it('ends with 2 and one sentence that quotes nothing when what is there is spoilt', async () => {
    await writeFile(join(directory, '1', 'tls.key'), 'planted');
    const { exitCode, stdout, stderr } = await latchkey(['certs', '--certificate-directory', directory]);
    assert.deepEqual([exitCode, stdout], [2, '']);
    assert.match(stderr, /^latchkey: [^\n]*tls\.key is not a PEM private key \[InvalidData\]\n$/);
    assert.doesNotMatch(stderr, /planted/);
  });

  it('ends with 2 and one sentence when the directory is a file', async () => {
    const file = join(temporary.path, 'file');
    await writeFile(file, 'planted');
    const { exitCode, stdout, stderr } = await latchkey(['certs', '--certificate-directory', file]);
    assert.deepEqual([exitCode, stdout], [2, '']);
    assert.match(stderr, /^latchkey: [^\n]+\n$/);
  });
});
