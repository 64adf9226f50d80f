import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import type { DocumentRef } from '../../src/ports/provider.ts';
import { isRelative } from './schema.ts';
import type { VaultConfig } from './schema.ts';

type Mount = Pick<VaultConfig, 'path' | 'version'>;

/**
 * The API path of a secret, below `/v1/`, with its query: `secret/data/team/db?version=3`.
 *
 * With a store `path` the key is relative to that mount; a key that repeats the mount (and, with KV v2, `data/`) is taken
 * as the same, as upstream does. Without one the key begins with its mount, and KV v2's `data` is put after its first
 * segment unless the key has a `/data/` of its own, which is how a mount of several segments is named.
 * @throws LatchkeyError `InvalidExternalSecret` for a key or version that no secret can have.
 */
export function secretPath({ key, version }: DocumentRef, mount: Mount): string {
  const segments = locate(key, mount).split('/').filter(Boolean);
  const isBare = key.split('/').every((segment) => segment === '');
  if (isBare || segments.some(isRelative)) throw unusable(`"${printable(key)}" cannot be the key of a secret in Vault`);
  const path = segments.map((segment) => encodeURIComponent(segment.toWellFormed())).join('/');
  if (!version) return path;
  if (mount.version === 'v1')
    throw unusable(`KV v1 keeps no versions, so secret "${printable(key)}" has none to choose`);
  if (!/^\d+$/.test(version)) throw unusable(`"${printable(version)}" is no version: in Vault they are numbers`);
  return `${path}?version=${version}`;
}

function locate(key: string, { path, version }: Mount): string {
  if (path === undefined) {
    if (version === 'v1' || key.includes('/data/')) return key;
    const [first = '', ...rest] = key.split('/');
    return [first, 'data', ...rest].join('/');
  }
  const below = withoutPrefix(key, `${path}/`);
  if (version === 'v1') return `${path}/${below}`;
  return `${path}/data/${below === key ? key : withoutPrefix(below, 'data/')}`;
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function unusable(message: string): LatchkeyError {
  return new LatchkeyError('InvalidExternalSecret', message);
}
