import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findExecutable } from '../process/parent-death.ts';
import { runCommandOrThrow } from '../process/run-command.ts';

/** One release of Debian in place of whatever the machine is configured for. */
export interface DebianRelease {
  /** `bookworm` */
  readonly codename: string;
  /** By the name of the package file; every one that is downloaded must be here. */
  readonly sha256: Readonly<Record<string, string>>;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const timeoutMs = 5 * 60_000;

/**
 * Downloads Debian packages (`name` or `name=version`) and unpacks them into `directory`. The system is not touched:
 * package lists and archives go to `work`, and nothing is installed.
 *
 * @throws Error when there is no apt here, a package cannot be had, or one has another hash than `release` says.
 */
export async function unpackDebianPackages(
  names: readonly string[],
  directory: string,
  work: string,
  release?: DebianRelease,
): Promise<void> {
  if (findExecutable('apt-get') === null) throw new Error(`${names.join(', ')}: no apt-get to get them with`);
  const path = (name: string): string => join(work, name);
  const directories = [path('lists/partial'), path('cache/archives/partial'), path('downloads'), directory];
  await Promise.all(directories.map((each) => mkdir(each, { recursive: true })));
  const settings = [
    `Dir::State::Lists=${path('lists')}`,
    `Dir::Cache=${path('cache')}`,
    'APT::Sandbox::User=root',
    ...(release === undefined ? [] : await onlyFrom(release, path('sources.list'))),
  ];
  const options = ['-qq', ...settings.flatMap((setting) => ['-o', setting])];
  await runCommandOrThrow('apt-get', [...options, 'update'], { timeoutMs });
  await runCommandOrThrow('apt-get', [...options, 'download', ...names], { cwd: path('downloads'), timeoutMs });
  for (const file of await readdir(path('downloads'))) {
    if (release !== undefined) await verify(path('downloads'), file, release.sha256[file]);
    await runCommandOrThrow('dpkg-deb', ['-x', join(path('downloads'), file), directory], { timeoutMs });
  }
}

async function onlyFrom({ codename }: DebianRelease, sourcesFile: string): Promise<readonly string[]> {
  await writeFile(sourcesFile, `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${codename} main\n`);
  return [`Dir::Etc::SourceList=${sourcesFile}`, 'Dir::Etc::SourceParts=/dev/null'];
}

async function verify(directory: string, file: string, expected: string | undefined): Promise<void> {
  const bytes = await readFile(join(directory, file));
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== expected) throw new Error(`${file} has the SHA-256 ${actual}, not ${expected ?? 'a pinned one'}`);
}
