import { hash } from 'node:crypto';

/**
 * Upstream's ObjectHash: lowercase hex SHA3-224 of Go's `%+v` of a value. Kept to the byte, so that External Secrets
 * Operator finds its own hash on Secrets that Latchkey wrote and the other way round.
 */
export function objectHash(goText: string): string {
  return hash('sha3-224', goText);
}

/** Hash of a Secret's data: `map[key:[98 121 116 101]]`, keys in byte order. */
export function dataHash(data: Iterable<readonly [string, Uint8Array]>): string {
  const entries = [...data].sort(([a], [b]) => compareBytes(a, b));
  return objectHash(`map[${entries.map(([key, bytes]) => `${key}:[${bytes.join(' ')}]`).join(' ')}]`);
}

/**
 * `<generation>-<hash of annotations and labels>`: a Secret that carries another one was made from an older spec.
 */
export function syncedResourceVersion(metadata: VersionedMetadata): string {
  const known = versions.get(metadata);
  if (known !== undefined) return known;
  const text = `{annotations:${goMap(metadata.annotations)} labels:${goMap(metadata.labels)}}`;
  const version = `${metadata.generation ?? 0}-${objectHash(text)}`;
  versions.set(metadata, version);
  return version;
}

interface VersionedMetadata {
  readonly generation?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Objects never change once they are read, and every pod asks for the version of the same few. */
const versions = new WeakMap<VersionedMetadata, string>();

function goMap(map: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(map ?? {}).sort(([a], [b]) => compareBytes(a, b));
  return `map[${entries.map(([key, value]) => `${key}:${value}`).join(' ')}]`;
}

/** Go sorts map keys by their UTF-8 bytes, JavaScript by UTF-16 units; they differ beyond the basic plane. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
