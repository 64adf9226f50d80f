import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Cleans up after this process however it ends, SIGKILL included: a tiny shell keeps the list of what is still there
 * and, when its standard input closes (which is when we are gone), ends the processes and removes the directories.
 * It is detached, so that Ctrl-C in the terminal does not end it before its work is done.
 */
const script = `
trap '' INT TERM HUP
state=
while IFS= read -r line; do state=$line; done
IFS=$(printf '\\t'); set -f
for item in $state; do case $item in /*) ;; *) kill -KILL "$item" 2>/dev/null;; esac; done
for try in 1 2 3 4 5 6 7 8 9 10; do
  left=
  for item in $state; do case $item in
    # The files in a cgroup cannot be removed, it goes as if it were empty.
    /sys/fs/cgroup/*) [ ! -d "$item" ] || find "$item" -depth -type d -exec rmdir {} + 2>/dev/null || left=yes;;
    /*) rm -rf -- "$item" 2>/dev/null || left=yes;;
  esac; done
  [ -z "$left" ] && exit 0
  sleep 0.2
done
`;

const entries = new Set<string>();
let shell: ChildProcessByStdio<Writable, null, null> | undefined;

function publish(): void {
  if (shell === undefined) {
    shell = spawn('sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    // Without it everything still works as long as tests stop what they start, so its loss is reported, not fatal.
    const report = (error: Error): void => void process.stderr.write(`latchkey: test janitor: ${error.message}\n`);
    shell.on('error', report);
    shell.stdin.on('error', report);
    shell.unref();
    // The stream of a child is a socket, which can be unreferenced; its type here is only Writable.
    (shell.stdin as Writable & { unref(): void }).unref();
  }
  shell.stdin.write(`${[...entries].join('\t')}\n`);
}

function add(entry: string): () => void {
  entries.add(entry);
  publish();
  return () => {
    if (entries.delete(entry)) publish();
  };
}

/** Has the process killed when this one is gone. The function returned takes it off the list: call it when the process has ended. */
export function endWithThisProcess(pid: number): () => void {
  return add(String(pid));
}

/** Has the directory removed when this process is gone. The function returned takes it off the list: call it once it is removed. */
export function removeWithThisProcess(directory: string): () => void {
  if (!directory.startsWith('/') || /[\t\n]/.test(directory)) {
    throw new TypeError(`an absolute path without tabs and line breaks is needed, not ${JSON.stringify(directory)}`);
  }
  return add(directory);
}
