import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeWithThisProcess } from '../process/janitor.ts';
import { waitUntil } from '../process/wait-until.ts';

const ROOT = '/sys/fs/cgroup';
/** What the kubelet needs of cgroup v1; the unified hierarchy beside them gets its groups from the runtime itself. */
const V1_CONTROLLERS = ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids', 'systemd'];
const V2_CONTROLLERS = ['cpu', 'cpuset', 'memory', 'pids', 'io'];
const removeTimeoutMs = 10_000;

/** A group of its own for one node, in every hierarchy. */
export interface Cgroup {
  /** For the kubelet’s `cgroupRoot`. */
  readonly path: string;
  /** Removes it with everything below. The processes in it must have ended. */
  remove(): Promise<void>;
}

export async function createCgroup(name: string): Promise<Cgroup> {
  const isV2 = existsSync(join(ROOT, 'cgroup.controllers'));
  const forget = (await groupsNamed(name)).map(removeWithThisProcess);
  if (isV2) await createV2(name);
  else await createV1(name);
  return {
    path: `/${name}`,
    async remove() {
      await removeEverywhere(name);
      for (const each of forget) each();
    },
  };
}

async function createV1(name: string): Promise<void> {
  for (const controller of V1_CONTROLLERS) {
    const directory = join(ROOT, controller);
    if (!existsSync(directory)) throw new Error(`cgroup v1 has no ${directory}`);
    await mkdir(join(directory, name), { recursive: true });
  }
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    await writeFile(join(ROOT, 'cpuset', name, file), await readFile(join(ROOT, 'cpuset', file)));
  }
}

async function createV2(name: string): Promise<void> {
  const enable = V2_CONTROLLERS.map((controller) => `+${controller}`).join(' ');
  await writeFile(join(ROOT, 'cgroup.subtree_control'), enable);
  await mkdir(join(ROOT, name), { recursive: true });
  await writeFile(join(ROOT, name, 'cgroup.subtree_control'), enable);
}

async function removeEverywhere(name: string): Promise<void> {
  const groups = await groupsNamed(name);
  await waitUntil(
    async () => {
      for (const group of groups) await removeTree(group);
      return !groups.some(existsSync);
    },
    { what: `the cgroups ${name} to be empty`, timeoutMs: removeTimeoutMs, intervalMs: 50 },
  );
}

async function groupsNamed(name: string): Promise<readonly string[]> {
  return [ROOT, ...(await readdir(ROOT)).map((entry) => join(ROOT, entry))].map((parent) => join(parent, name));
}

/** Groups are removed like empty directories, from the leaves up; the files in them cannot be. */
async function removeTree(group: string): Promise<void> {
  if (!existsSync(group)) return;
  for (const entry of await readdir(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(group, entry.name));
  }
  await rmdir(group);
}
