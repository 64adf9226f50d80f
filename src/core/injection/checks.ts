/** What Kubernetes would refuse in a pod anyway, said before it does and with the annotation's name. */
import { isSecretKey, LONGEST_KEY_CHARACTERS } from '../external-secret/convert-key.ts';
import { isLabelName, isSubdomainName, printable } from '../names.ts';
import { invalid } from './grammar.ts';

/** What every supported Kubernetes accepts; newer ones allow more. */
const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;
const LONGEST_PATH_CHARACTERS = 1_024;

export function isEnvName(name: string): boolean {
  return ENV_NAME.test(name) && name !== '.' && !name.startsWith('..');
}

export function assertName(name: string, where: string): string {
  if (isSubdomainName(name)) return name;
  throw invalid(
    where,
    name === '' ? 'names no ExternalSecret' : `names "${printable(name, 60)}", which no ExternalSecret can be called`,
  );
}

export function assertContainerName(name: string, where: string): string {
  if (isLabelName(name)) return name;
  throw invalid(where, `names "${printable(name, 60)}", which no container can be called`);
}

export function assertEnvName(name: string, where: string): string {
  if (isEnvName(name)) return name;
  throw invalid(where, name === '' ? 'names no env' : `names "${printable(name, 60)}", which no env can be called`);
}

export function assertEnvPrefix(prefix: string, where: string): string {
  if (prefix === '' || isEnvName(prefix)) return prefix;
  throw invalid(where, `has the prefix "${printable(prefix, 60)}", which no env can begin with`);
}

export function assertSecretKeyName(key: string, where: string): string {
  if (key.length <= LONGEST_KEY_CHARACTERS && isSecretKey(key)) return key;
  throw invalid(
    where,
    key === '' ? 'names no key' : `names "${printable(key, 60)}", which no Secret can have as a key`,
  );
}

/** Absolute, and staying where it says. */
export function assertMountPath(path: string, where: string, isWindows: boolean): string {
  if (path === '') throw invalid(where, 'has no mount path');
  const isAbsolute = isWindows ? /^[a-zA-Z]:[\\/]/.test(path) : path.startsWith('/');
  const rest = isWindows ? path.slice(2) : path;
  const problem = !isAbsolute
    ? `is not absolute`
    : rest.includes(':')
      ? 'contains a colon'
      : problemOf(rest, isWindows ? /[\\/]/ : '/');
  if (problem !== undefined) throw invalid(where, `has the mount path "${printable(path, 80)}", which ${problem}`);
  if (/^[\\/]+$/.test(rest)) throw invalid(where, 'would be mounted over the whole file system');
  return path;
}

/** A file below the mount path. */
export function assertFilePath(path: string, where: string): string {
  const problem =
    path === '' ? 'is empty' : path.startsWith('/') ? 'is absolute' : (problemOf(path, '/') ?? reservedProblem(path));
  if (problem !== undefined) throw invalid(where, `has the path "${printable(path, 80)}", which ${problem}`);
  return path;
}

/** The kubelet keeps `..data` and the like for itself. */
function reservedProblem(path: string): string | undefined {
  return path.startsWith('..') ? 'begins with ".."' : undefined;
}

function problemOf(path: string, separator: string | RegExp): string | undefined {
  if (path.length > LONGEST_PATH_CHARACTERS) return 'is too long';
  if (/\p{Cc}/u.test(path)) return 'has control characters';
  if (path.split(separator).includes('..')) return 'leads upwards';
  return undefined;
}

/** The same for every spelling of one path. */
export function normalisedPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.replaceAll('\\', '/').split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return /^[a-zA-Z]:/.test(path) ? parts.join('/').toLowerCase() : `/${parts.join('/')}`;
}
