import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import type { DocumentRef } from '../../src/ports/provider.ts';

/** The KV engine that a store reads. */
interface Mount {
  readonly path: string | undefined;
  readonly version: 'v1' | 'v2';
}

/** KV v2 has an API of its own for each; KV v1 has only the data. */
type Side = 'data' | 'metadata';

/**
 * The API path of a secret, below `/v1/`, with its query: `secret/data/team/db?version=3`.
 *
 * With a store `path` the key is relative to that mount; a key that repeats the mount (and, with KV v2, `data/`) is taken
 * as the same, as upstream does. Without one the key begins with its mount, and KV v2's `data` is put after its first
 * segment unless the key has a `/data/` of its own, which is how a mount of several segments is named.
 * @throws LatchkeyError `InvalidExternalSecret` for a key or version that no secret can have.
 */
export function secretPath({ key, version }: DocumentRef, mount: Mount): string {
  const path = keyPath(key, mount, 'data');
  if (!version) return path;
  if (mount.version === 'v1')
    throw unusable(`KV v1 keeps no versions, so secret "${printable(key)}" has none to choose`);
  if (!/^\d+$/.test(version)) throw unusable(`"${printable(version)}" is no version: in Vault they are numbers`);
  return `${path}?version=${version}`;
}

/** Where KV v2 keeps what is beside a secret. @throws LatchkeyError as {@link secretPath}. */
export function metadataPath(key: string, mount: Mount): string {
  if (mount.version === 'v1') throw unusable(`KV v1 keeps no metadata, so secret "${printable(key)}" has none`);
  return keyPath(key, mount, 'metadata');
}

/** A folder of secrets, as an API path on each side, ending in a slash. */
export type Folder = Readonly<Record<Side, string>>;

/** @param path as `find` spells it, relative to the store's mount or beginning with one; empty = the whole mount. */
export function folderAt(path: string, mount: Mount): Folder {
  const isBare = path.split('/').every((segment) => segment === '');
  if (isBare && mount.path === undefined) {
    throw unusable('find needs a path that begins with a mount, since the store has no path');
  }
  const side = (name: Side): string => {
    const encoded = encode(locate(isBare ? '' : `${path}/`, mount, name));
    if (encoded === undefined) throw unusable(`"${printable(path)}" cannot be a folder in Vault`);
    return `${encoded}/`;
  };
  return { data: side('data'), metadata: side('metadata') };
}

/** What is in a folder, by a name out of its listing; a name that no secret can have gives `undefined`. */
export function below(folder: Folder, name: string): Folder | undefined {
  const encoded = encode(name);
  if (encoded === undefined || encoded === '') return undefined;
  const end = name.endsWith('/') ? '/' : '';
  return { data: `${folder.data}${encoded}${end}`, metadata: `${folder.metadata}${encoded}${end}` };
}

/** Segments of a path that is written in a store, percent-encoded. `undefined` when it would lead elsewhere. */
export function encode(path: string): string | undefined {
  const segments = path.split('/').filter(Boolean);
  if (segments.some(isRelative)) return undefined;
  return segments.map((segment) => encodeURIComponent(segment.toWellFormed())).join('/');
}

/** Segments with which a path would leave the mount it begins with. */
export function isRelative(segment: string): boolean {
  return segment === '.' || segment === '..';
}

function keyPath(key: string, mount: Mount, side: Side): string {
  const isBare = key.split('/').every((segment) => segment === '');
  const path = isBare ? undefined : encode(locate(key, mount, side));
  if (path === undefined) throw unusable(`"${printable(key)}" cannot be the key of a secret in Vault`);
  return path;
}

function locate(key: string, { path, version }: Mount, side: Side): string {
  if (path === undefined) {
    if (version === 'v1') return key;
    if (key.includes('/data/')) return side === 'data' ? key : key.replace('/data/', '/metadata/');
    const [first = '', ...rest] = key.split('/');
    return [first, side, ...rest].join('/');
  }
  const rest = withoutPrefix(key, `${path}/`);
  if (version === 'v1') return `${path}/${rest}`;
  return `${path}/${side}/${rest === key ? key : withoutPrefix(rest, 'data/')}`;
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function unusable(message: string): LatchkeyError {
  return new LatchkeyError('InvalidExternalSecret', message);
}
