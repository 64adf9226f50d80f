import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

let setpriv: string | null | undefined;

/** The command that runs `command` so that the kernel kills it when this process dies (Linux with util-linux); elsewhere the janitor alone sees to that. */
export function dieWithParent(command: string, args: readonly string[]): [command: string, args: string[]] {
  setpriv ??= process.platform === 'linux' ? findExecutable('setpriv') : null;
  if (setpriv === null) return [command, [...args]];
  return [setpriv, ['--pdeathsig', 'KILL', '--', command, ...args]];
}

/** The path of the first executable of that name in PATH, or null. */
export function findExecutable(name: string): string | null {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    if (directory !== '' && isExecutable(join(directory, name))) return join(directory, name);
  }
  return null;
}

/** Whether the file exists and may be executed. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // The only question asked was whether; the reason does not matter to any caller.
  }
}
