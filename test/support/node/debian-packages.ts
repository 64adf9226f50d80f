import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findExecutable } from '../process/parent-death.ts';
import { runCommandOrThrow } from '../process/run-command.ts';

const timeoutMs = 5 * 60_000;

/**
 * Downloads Debian packages and unpacks them into `directory`. The system is not touched: package lists and archives go
 * to `work`, and nothing is installed.
 *
 * @throws Error when this is no Debian, or a package cannot be had.
 */
export async function unpackDebianPackages(names: readonly string[], directory: string, work: string): Promise<void> {
  if (findExecutable('apt-get') === null) throw new Error(`${names.join(', ')}: no apt-get to get them with`);
  const [lists, cache, downloads] = ['lists', 'cache', 'downloads'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  await Promise.all(
    [join(lists, 'partial'), join(cache, 'archives/partial'), downloads, directory].map((path) =>
      mkdir(path, { recursive: true }),
    ),
  );
  const options = [
    '-qq',
    '-o',
    `Dir::State::Lists=${lists}`,
    '-o',
    `Dir::Cache=${cache}`,
    '-o',
    'APT::Sandbox::User=root',
  ];
  await runCommandOrThrow('apt-get', [...options, 'update'], { timeoutMs });
  await runCommandOrThrow('apt-get', [...options, 'download', ...names], { cwd: downloads, timeoutMs });
  for (const file of await readdir(downloads)) {
    await runCommandOrThrow('dpkg-deb', ['-x', join(downloads, file), directory], { timeoutMs });
  }
}
