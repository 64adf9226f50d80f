import { readFileSync } from 'node:fs';

/** What tells a process from a later one with the same id; `startTicks` is only known on Linux. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks?: string | undefined;
}

/** The identity of a running process. Undefined when there is none with this id, or only a zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  if (process.platform !== 'linux') return { pid };
  try {
    // The command name, in parentheses, may hold anything: fields are counted from its end. State is field 3, start time 22.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' ? undefined : { pid, startTicks: fields[19] };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether the process with this identity still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  const current = identifyProcess(identity.pid);
  if (current === undefined) return false;
  return identity.startTicks === undefined || identity.startTicks === current.startTicks;
}
