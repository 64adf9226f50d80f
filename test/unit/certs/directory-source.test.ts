import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createDirectorySource } from '../../../certs/directory-source.ts';
import type { RotatingCertificateSource } from '../../../certs/certificate-source.ts';
import type { ServingCredentials } from '../../../src/ports/certificate-source.ts';
import { runCommandOrThrow } from '../../support/process/run-command.ts';
import { createTemporaryDirectory } from '../../support/process/temporary-directory.ts';
import { waitUntil } from '../../support/process/wait-until.ts';
import { dayMs, deadline, handClock, names, recordingLogger } from './support.ts';

const logger = recordingLogger();

function source(directory: string, clock = handClock(), pollMs = 60_000): RotatingCertificateSource {
  return createDirectorySource({ directory, names, logger, clock, pollMs });
}

describe('certificates in a directory', () => {
  it('are the same for processes that start at once, and readable by their owner only', async () => {
    await using temporary = await createTemporaryDirectory('certs');
    const directory = join(temporary.path, 'made', 'later');
    const script = join(import.meta.dirname, 'load-directory.ts');
    const load = () => runCommandOrThrow(process.execPath, [script, directory], { timeoutMs: 30_000 });
    const outputs = (await Promise.all([load(), load(), load()])).map(({ stdout }) => stdout);
    assert.equal(new Set(outputs).size, 1);
    assert.deepEqual(await readdir(directory), ['1']);
    for (const name of await readdir(join(directory, '1'))) {
      assert.equal((await stat(join(directory, '1', name))).mode & 0o777, 0o600, name);
    }
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
  });

  it('are renewed in a new set once, however many try', async () => {
    await using temporary = await createTemporaryDirectory('certs');
    const clock = handClock();
    const first = await source(temporary.path, clock).load(deadline());
    for (const generation of ['2', '3']) {
      clock.set(clock.now() + 300 * dayMs);
      const loaded = await Promise.all([1, 2, 3].map(() => source(temporary.path, clock).load(deadline())));
      assert.equal(new Set(loaded.map(({ certificatePem }) => certificatePem)).size, 1);
      assert.equal(loaded[0]?.caBundlePem, first.caBundlePem);
      assert.ok((await readdir(temporary.path)).includes(generation));
    }
    assert.deepEqual((await readdir(temporary.path)).toSorted(), ['2', '3'], 'only the set before is kept');
  });

  it('that somebody else provides are read where they lie and never renewed', async () => {
    await using temporary = await createTemporaryDirectory('certs');
    const made = await source(join(temporary.path, 'made')).load(deadline());
    const provided = join(temporary.path, 'provided');
    await mkdir(provided);
    for (const name of ['tls.crt', 'tls.key', 'ca.crt', 'path', 'version-key']) {
      const text = await readFile(join(temporary.path, 'made', '1', name), 'utf8');
      await writeFile(join(provided, name), `${text}\n`);
    }
    const clock = handClock(Date.now() + 350 * dayMs);
    const { certificatePem, caBundlePem, ...loaded } = await source(provided, clock).load(deadline());
    assert.equal(certificatePem.trim(), made.certificatePem.trim());
    assert.equal(caBundlePem.trim(), made.caBundlePem.trim());
    assert.equal(loaded.pathSegment, made.pathSegment);
    assert.ok(!(await readdir(provided)).includes('1'));
  });

  it('that are spoilt stop the start and are left alone', async () => {
    await using temporary = await createTemporaryDirectory('certs');
    await source(temporary.path).load(deadline());
    const file = join(temporary.path, '1', 'tls.key');
    await writeFile(file, 'spoilt');
    await assert.rejects(source(temporary.path).load(deadline()), /tls\.key is not a PEM private key/);
    assert.equal(await readFile(file, 'utf8'), 'spoilt');
  });

  it('that change are noticed by watching; a spoilt set changes nothing', async () => {
    await using temporary = await createTemporaryDirectory('certs');
    const clock = handClock();
    const follower = source(temporary.path, clock);
    await follower.load(deadline());
    const seen: ServingCredentials[] = [];
    const controller = new AbortController();
    follower.follow((credentials) => seen.push(credentials), controller.signal);
    await new Promise((resolve) => setTimeout(resolve, 100));

    await mkdir(join(temporary.path, '2'));
    await writeFile(join(temporary.path, '2', 'tls.crt'), 'spoilt');
    await waitUntil(() => logger.lines.some((line) => line.includes('ones at hand stay')), {
      what: 'a warning',
      timeoutMs: 5_000,
    });
    assert.equal(seen.length, 0);

    const other = await createTemporaryDirectory('certs');
    const renewed = await source(other.path).load(deadline());
    await mkdir(join(temporary.path, '3'));
    for (const name of await readdir(join(other.path, '1'))) {
      await writeFile(join(temporary.path, '3', name), await readFile(join(other.path, '1', name)));
    }
    await writeFile(join(temporary.path, 'touched'), '');
    await waitUntil(() => seen.length > 0, { what: 'the new set', timeoutMs: 5_000 });
    assert.deepEqual(seen, [renewed]);
    controller.abort();
    await other.remove();
  });
});
