import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeImageArchive } from '../../../scripts/image/oci-archive.ts';
import { runCommandOrThrow } from '../process/run-command.ts';

const timeoutMs = 30_000;

/** TERM ends it at once: process 1 ignores every signal it has no handler for, and the sandbox would wait to be killed. */
const PAUSE = `#!/bin/sh
trap 'exit 0' TERM INT
sleep 2147483647 &
wait
`;

/** Archives busybox, under the name it has everywhere too, and pause. */
export async function writeTestImages(busybox: string, work: string, archive: string): Promise<void> {
  const tree = join(work, 'tree');
  const directories = ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'root', 'var', 'run'];
  await Promise.all(directories.map((name) => mkdir(join(tree, name), { recursive: true })));
  await chmod(join(tree, 'tmp'), 0o1777);
  await copyFile(busybox, join(tree, 'bin/busybox'));
  const { stdout } = await runCommandOrThrow(busybox, ['--list'], { timeoutMs });
  const applets = stdout.split('\n').filter((applet) => applet !== '' && applet !== 'busybox');
  await Promise.all(applets.map((applet) => symlink('busybox', join(tree, 'bin', applet))));
  await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/tmp:/bin/sh\n');
  await writeFile(join(tree, 'etc/group'), 'root:x:0:\napp:x:1000:\n');
  await writeFile(join(tree, 'pause'), PAUSE, { mode: 0o755 });
  const Env = ['PATH=/bin'];
  const images = [
    { name: 'localhost/busybox:1', config: { Env, Cmd: ['/bin/sh'] } },
    { name: 'docker.io/library/busybox:1', config: { Env, Cmd: ['/bin/sh'] } },
    { name: 'localhost/pause:1', config: { Env, Entrypoint: ['/pause'] } },
  ];
  await writeImageArchive(tree, images, work, archive);
}
