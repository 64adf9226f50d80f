import { readFile, readlink } from 'node:fs/promises';
import { runCommand, runCommandOrThrow } from '../process/run-command.ts';
import { waitUntil } from '../process/wait-until.ts';

/** Both ends of the virtual cable between this machine and one node, and the addresses in use. */
export interface Cable {
  readonly link: string;
  /** Of this machine, as the node sees it: API server, webhooks, test servers. */
  readonly hostAddress: string;
  readonly nodeAddress: string;
  /** Of pods; routed here through the node, no address translation. */
  readonly podRange: string;
  /** Gives the far end to the namespace of a process, where it is called `node0`. */
  plugInto(pid: number): Promise<void>;
  /** Takes the far end back out of that namespace, with which it would vanish. */
  unplugFrom(pid: number): Promise<void>;
  /** No packet passes until it is mended. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  remove(): Promise<void>;
}

const HIGHEST_NUMBER = 250;
/** The kernel takes one change of the network at a time, and tearing a namespace down is one. */
const timeoutMs = 60_000;
const ip = (...args: readonly string[]) => runCommandOrThrow('ip', args, { timeoutMs });

/**
 * Lays a cable with subnets that nobody else here uses: making the link is what reserves its number, so several harnesses
 * may do this at once. Both ends vanish with the node's namespace.
 *
 * @throws Error when there is no number left or the kernel refuses.
 */
export async function layCable(): Promise<Cable> {
  for (let number = 1; number <= HIGHEST_NUMBER; number += 1) {
    const link = `latchkey${number}`;
    const farEnd = `${link}far`;
    const made = await runCommand('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', farEnd], { timeoutMs });
    if (made.exitCode !== 0) {
      if (/File exists/.test(made.stderr)) continue;
      throw new Error(`ip link add ${link}: ${made.stderr.trim()}`);
    }
    const index = await indexOf(link);
    const [hostAddress, nodeAddress] = [`10.99.${number}.1`, `10.99.${number}.2`];
    const podRange = `10.88.${number}.0/24`;
    await ip('address', 'add', `${hostAddress}/24`, 'dev', link);
    await ip('link', 'set', link, 'up');
    // Without carrier there is no route: it comes up with the far end.
    const route = (): Promise<void> =>
      waitUntil(
        async () => {
          const args = ['route', 'replace', podRange, 'via', nodeAddress, 'dev', link];
          return (await runCommand('ip', args, { timeoutMs })).exitCode === 0;
        },
        { what: 'the route to the pods', timeoutMs, intervalMs: 20 },
      );
    return {
      ...{ link, hostAddress, nodeAddress, podRange },
      async plugInto(pid) {
        await waitUntil(() => hasOwnNetwork(pid), { what: 'the node’s namespace', timeoutMs, intervalMs: 10 });
        await ip('link', 'set', farEnd, 'netns', String(pid), 'name', 'node0');
        await route();
      },
      async unplugFrom(pid) {
        const inside = [`--net=/proc/${pid}/ns/net`, 'ip', 'link', 'set', 'node0'];
        await runCommandOrThrow('nsenter', [...inside, 'down'], { timeoutMs });
        const args = [...inside, 'name', farEnd, 'netns', String(process.pid)];
        await runCommandOrThrow('nsenter', args, { timeoutMs });
      },
      async cut() {
        await ip('link', 'set', link, 'down');
      },
      async mend() {
        await ip('link', 'set', link, 'up');
        await route();
      },
      async remove() {
        // It vanishes with the node, and then its name may be another harness's already.
        if ((await indexOf(link)) !== index) return;
        const removed = await runCommand('ip', ['link', 'delete', link], { timeoutMs });
        if (removed.exitCode !== 0 && !/Cannot find device/.test(removed.stderr))
          throw new Error(removed.stderr.trim());
      },
    };
  }
  throw new Error(`all ${HIGHEST_NUMBER} cables are in use; see "ip link"`);
}

/** The kernel's number for a device, never given twice; undefined when there is none of that name. */
async function indexOf(link: string): Promise<string | undefined> {
  try {
    return await readFile(`/sys/class/net/${link}/ifindex`, 'utf8');
  } catch (error) {
    // ENODEV: it vanished between the opening and the reading.
    if (['ENOENT', 'ENODEV', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

async function hasOwnNetwork(pid: number): Promise<boolean> {
  const [theirs, ours] = await Promise.all([readlink(`/proc/${pid}/ns/net`), readlink('/proc/self/ns/net')]);
  return theirs !== ours;
}

/** The first child of a process, once it has one. */
export async function childOf(pid: number): Promise<number> {
  let child = 0;
  await waitUntil(
    async () => {
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
      child = Number(children.trim().split(' ')[0]);
      return child > 0;
    },
    { what: `a child of process ${pid}`, timeoutMs, intervalMs: 10 },
  );
  return child;
}
