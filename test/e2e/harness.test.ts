/** The real node itself: several at once, and nothing of them left, however they end. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { startNodeCluster, type NodeCluster } from '../support/node/node-cluster.ts';
import { whyNoNode } from '../support/node/prerequisites.ts';
import { waitUntil } from '../support/process/wait-until.ts';

/** What is there of one node on this machine; other suites may run theirs at the same time. */
async function tracesOf(
  pid: number,
  { link, directory }: { link: string; directory: string },
): Promise<readonly string[]> {
  const hierarchies = await readdir('/sys/fs/cgroup');
  const groups = await Promise.all(
    ['.', ...hierarchies].map((name) => readdir(join('/sys/fs/cgroup', name)).catch(() => [])),
  );
  // Unlike `ip`, these do not wait for the kernel while it tears some other node's network down.
  const files = ['/proc/net/dev', '/proc/net/route', '/proc/self/mounts'];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const isOurs = (line: string): boolean =>
    new RegExp(`\\b${link}\\b`).test(line) || line.includes(directory) || line === `latchkey-${pid}-${link}`;
  const directories = await readdir(directory).then(
    () => [directory],
    () => [],
  );
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const isOfNode = await Promise.all(processes.map((each) => worksIn(each, directory)));
  const left = processes.filter((_, index) => isOfNode[index]).map((each) => `process ${each}`);
  return [...left, ...texts.flatMap((text) => text.split('\n')), ...groups.flat(), ...directories].filter(isOurs);
}

/** All that a node runs works in its directory, as seen from outside of its namespaces. */
async function worksIn(processId: string, directory: string): Promise<boolean> {
  try {
    return (await readlink(`/proc/${processId}/cwd`)).startsWith(directory);
  } catch {
    return false; // It has ended, or is a thread of the kernel.
  }
}

async function kernelSettings(): Promise<readonly string[]> {
  const names = [
    'vm/overcommit_memory',
    'vm/panic_on_oom',
    'kernel/panic',
    'kernel/panic_on_oops',
    'net/ipv4/ip_forward',
  ];
  return Promise.all(names.map((name) => readFile(`/proc/sys/${name}`, 'utf8')));
}

describe('a real node', { skip: whyNoNode() ?? false }, () => {
  async function runPod({ controlPlane, cable }: NodeCluster): Promise<void> {
    const image = ['--image=localhost/busybox:1', '--restart=Never', '--', 'sleep', '60'];
    await kubectlOrThrow(controlPlane, ['run', 'any', ...image]);
    await kubectlOrThrow(controlPlane, ['wait', '--for=condition=Ready', 'pod/any', '--timeout=30s'], {
      timeoutMs: 40_000,
    });
    const address = await kubectlOrThrow(controlPlane, ['get', 'pod', 'any', '-o=jsonpath={.status.podIP}']);
    assert.ok(address.startsWith(cable.podRange.replace(/0\/24$/, '')), `${address} is of ${cable.podRange}`);
  }

  it('runs beside another, and both leave the machine as it was', async () => {
    const before = await kernelSettings();
    const clusters = await Promise.all([startNodeCluster(), startNodeCluster()]);
    const places = clusters.map(({ cable, logDirectory }) => ({ link: cable.link, directory: dirname(logDirectory) }));
    try {
      await Promise.all(clusters.map(runPod));
      for (const place of places) assert.ok((await tracesOf(process.pid, place)).length > 3, 'what is there is seen');
      assert.deepEqual(await kernelSettings(), before);
    } finally {
      await Promise.all(clusters.map((cluster) => cluster.stop()));
    }
    for (const place of places) assert.deepEqual(await tracesOf(process.pid, place), []);
  });

  it('dies with the process that started it, also when that is killed', async () => {
    const program = `
      import { startNodeCluster } from '${join(import.meta.dirname, '../support/node/node-cluster.ts')}';
      const { cable, logDirectory } = await startNodeCluster();
      process.stdout.write(JSON.stringify({ link: cable.link, logDirectory }) + '\\n');
      setInterval(() => {}, 1_000);`;
    const args = ['--input-type=module-typescript', '-e', program];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { link, logDirectory } = JSON.parse(line.toString()) as { link: string; logDirectory: string };
    const { pid = 0 } = child;
    const place = { link, directory: dirname(logDirectory) };
    assert.ok((await tracesOf(pid, place)).length > 3, 'what is there is seen');
    child.kill('SIGKILL');
    await waitUntil(
      async () => {
        assert.deepEqual(await tracesOf(pid, place), []);
        return true;
      },
      { what: 'nothing to be left', timeoutMs: 60_000, intervalMs: 200 },
    );
  });
});
