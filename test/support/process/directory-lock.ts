import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

interface Owner extends ProcessIdentity {
  readonly host: string;
}

export interface LockOptions {
  readonly timeoutMs: number;
  /** Called once when another process holds the lock. */
  readonly onWait?: ((holderPid: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const breakerLifetimeMs = 10_000;
const pollIntervalMs = 100;

/**
 * Runs `work` while holding the lock `<path>.lock`, a directory that names its owner, so that processes that need the
 * same thing do not make it twice. The lock of a process that has died is taken over.
 *
 * @throws Error when the lock cannot be had within `timeoutMs`.
 */
export async function withDirectoryLock<T>(path: string, work: () => Promise<T>, options: LockOptions): Promise<T> {
  const lock = `${path}.lock`;
  await mkdir(dirname(lock), { recursive: true });
  await acquire(lock, options);
  try {
    return await work();
  } finally {
    await removeAtomically(lock);
  }
}

async function acquire(lock: string, options: LockOptions): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  let waiting = false;
  while (!(await tryAcquire(lock))) {
    const owner = await readOwner(lock);
    if (owner === undefined) continue; // Released this very moment: the next try decides.
    if (Date.now() > deadline) {
      throw new Error(`process ${owner.pid} held ${lock} for over ${options.timeoutMs / 1000} s`);
    }
    if (isStale(owner)) {
      if (await breakLock(lock)) continue;
    } else if (!waiting) {
      waiting = true;
      options.onWait?.(owner.pid);
    }
    await sleep(pollIntervalMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

/** A holder on another host (a shared home directory) cannot be looked at and counts as alive. */
function isStale(owner: Owner): boolean {
  return owner.host === hostname() && !isRunning(owner);
}

/** The directory appears complete, by a rename, so that no one ever sees a lock without its owner. */
async function tryAcquire(lock: string): Promise<boolean> {
  const own = `${lock}.${randomUUID()}`;
  const owner: Owner = { pid: process.pid, host: hostname(), ...identifyProcess(process.pid) };
  await mkdir(own);
  try {
    await writeFile(join(own, 'owner.json'), JSON.stringify(owner));
    await rename(own, lock);
    return true;
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

async function readOwner(lock: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(lock, 'owner.json'), 'utf8')) as Owner;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Only one process at a time may break, after looking again: else a second one would break the lock of the first. */
async function breakLock(lock: string): Promise<boolean> {
  const breaker = `${lock}.breaker`;
  try {
    await mkdir(breaker);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    await removeIfForgotten(breaker);
    return false;
  }
  try {
    const owner = await readOwner(lock);
    if (owner !== undefined && isStale(owner)) await removeAtomically(lock);
    return true;
  } finally {
    await rmdir(breaker);
  }
}

async function removeIfForgotten(breaker: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(breaker);
    if (Date.now() - mtimeMs > breakerLifetimeMs) await rmdir(breaker);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error; // Its maker removed it meanwhile.
  }
}

/** By a rename first: a lock that loses its owner before the directory itself goes could be taken over half removed. */
async function removeAtomically(lock: string): Promise<void> {
  const removed = `${lock}.${randomUUID()}`;
  await rename(lock, removed);
  await rm(removed, { recursive: true, force: true });
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
