import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unpackDebianPackages } from '../../test/support/debian/unpack-packages.ts';
import { cacheDirectory } from '../../test/support/process/cache-directory.ts';
import { withDirectoryLock } from '../../test/support/process/directory-lock.ts';

interface Architecture {
  readonly triplet: string;
  /** Where a program for it has its loader looked for. */
  readonly loader: string;
  readonly sha256: Readonly<Record<string, string>>;
}

/** Bookworm takes no more point releases, so these versions stay where they are. */
const CODENAME = 'bookworm';
const PACKAGES = ['libc6=2.36-9+deb12u14', 'libgcc-s1=12.2.0-14+deb12u1', 'libstdc++6=12.2.0-14+deb12u1'];
/** What Node is linked to, and what name resolution in libc loads by itself. */
const LIBRARIES = [
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libnss_dns.so.2',
  'libnss_files.so.2',
  'libpthread.so.0',
  'libresolv.so.2',
  'libstdc++.so.6',
];
/** By Node's name for it. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: {
    triplet: 'x86_64-linux-gnu',
    loader: 'lib64/ld-linux-x86-64.so.2',
    sha256: {
      'libc6_2.36-9+deb12u14_amd64.deb': 'ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf',
      'libgcc-s1_12.2.0-14+deb12u1_amd64.deb': '3016e62cb4b7cd8038822870601f5ed131befe942774d0f745622cc77d8a88f7',
      'libstdc++6_12.2.0-14+deb12u1_amd64.deb': '5cd3171216d4ab0fc911cfe9c35509bf2dd8f47761c43b7f6a4296701551a24d',
    },
  },
  arm64: {
    triplet: 'aarch64-linux-gnu',
    loader: 'lib/ld-linux-aarch64.so.1',
    sha256: {
      'libc6_2.36-9+deb12u14_arm64.deb': '01f4330719fd4f65580e16ea5a0527f372fca750e8f588d26deaf09f2d3b1cf4',
      'libgcc-s1_12.2.0-14+deb12u1_arm64.deb': '576926b283613db80168ddf76380a3bd877602778cf0d226caa7bfbfa71eacf3',
      'libstdc++6_12.2.0-14+deb12u1_arm64.deb': '26e138c677a985775331373828a6c286c551ff397cb735d00e2383cb273d1cb2',
    },
  },
};
const lockTimeoutMs = 10 * 60_000;

/**
 * Adds the pinned C and C++ libraries to an image's tree, out of the cache or Debian's packages.
 *
 * @throws Error on a machine of another architecture or without apt, and when a package has another hash than it should.
 */
export async function addLibraries(tree: string): Promise<void> {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) throw new Error(`there is no image for ${process.arch}`);
  const version = createHash('sha256')
    .update(JSON.stringify([PACKAGES, architecture]))
    .digest('hex')
    .slice(0, 16);
  const directory = cacheDirectory(`image-libraries-${version}`);
  await withDirectoryLock(directory, () => get(directory, architecture), { timeoutMs: lockTimeoutMs });
  const { triplet, loader } = architecture;
  const add = async (from: string, to: string): Promise<void> => {
    await mkdir(dirname(join(tree, to)), { recursive: true });
    await copyFile(await realpath(join(directory, from)), join(tree, to));
  };
  await add(`lib/${triplet}/${loader.split('/').at(-1)}`, loader);
  for (const name of LIBRARIES) {
    const places = [`lib/${triplet}/${name}`, `usr/lib/${triplet}/${name}`];
    await add(places.find((place) => existsSync(join(directory, place))) ?? name, `lib/${triplet}/${name}`);
  }
}

/** In a directory beside it, moved into place when whole. */
async function get(directory: string, { sha256 }: Architecture): Promise<void> {
  if (existsSync(directory)) return;
  const [staging, work] = [`${directory}.unpacking`, `${directory}.downloading`];
  const clear = () => Promise.all([staging, work].map((each) => rm(each, { recursive: true, force: true })));
  await clear();
  try {
    await unpackDebianPackages(PACKAGES, staging, work, { codename: CODENAME, sha256 });
    await rename(staging, directory);
  } finally {
    await clear();
  }
}
