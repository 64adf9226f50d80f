import { INLINE_CLUSTER_PREFIX, INLINE_PREFIX, INLINE_PREFIXES } from '../../api/keys.ts';
import type { StoreKind } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { isSubdomainName } from '../names.ts';

/** `latchkey://<SecretStore>/<key>[?version=v][#property]`, decoded. */
export interface InlineReference {
  readonly storeKind: StoreKind;
  readonly storeName: string;
  /** As sent to the backend. */
  readonly key: string;
  readonly version: string;
  readonly property: string;
}

const LONGEST_CHARACTERS = 2_048;

/** Anything that begins like one must be one: half a reference must never reach a program as its password. */
export function isInlineReference(value: unknown): value is string {
  return typeof value === 'string' && INLINE_PREFIXES.some((prefix) => value.startsWith(prefix));
}

/**
 * Reads a value for which {@link isInlineReference} holds. The store ends at the first `/`; `#`, `?` and `%` inside a part
 * are written `%23`, `%3F` and `%25`, and each part is decoded once.
 *
 * @param where for messages: `env DSN of container "app"`.
 * @throws LatchkeyError `InvalidReference`; the value itself is not quoted.
 */
export function parseInlineReference(value: string, where: string): InlineReference {
  const fail = (problem: string): LatchkeyError =>
    new LatchkeyError('InvalidReference', `${where} is an inline reference that ${problem}`);
  if (value.length > LONGEST_CHARACTERS) throw fail(`is longer than ${LONGEST_CHARACTERS} characters`);
  if (value.includes('$(')) throw fail('contains "$(", which Kubernetes would expand');
  const isCluster = value.startsWith(INLINE_CLUSTER_PREFIX);
  const rest = value.slice((isCluster ? INLINE_CLUSTER_PREFIX : INLINE_PREFIX).length);
  const [, storeName = '', encodedKey = '', query, fragment] =
    /^([^/]*)\/([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(rest) ?? [];
  if (!isSubdomainName(storeName)) throw fail('names no store before its first "/"');
  const decode = (part: string, name: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw fail(`has a "%" in its ${name} that is no escape: write "%25"`);
    }
  };
  const key = decode(encodedKey, 'key');
  const problem = keyProblem(key);
  if (problem !== undefined) throw fail(`has a key that ${problem}`);
  const version = query === undefined ? '' : decode(versionOf(query, fail), 'version');
  const property = fragment === undefined ? '' : decode(fragment, 'property');
  if (fragment === '') throw fail('has nothing after its "#"');
  if (fragment?.includes('#') === true) throw fail('has a second "#": write "%23"');
  if (/\p{Cc}/u.test(version + property)) throw fail('has control characters');
  return { storeKind: isCluster ? 'ClusterSecretStore' : 'SecretStore', storeName, key, version, property };
}

function versionOf(query: string, fail: (problem: string) => LatchkeyError): string {
  const [, version = ''] = /^version=([^&?]+)$/.exec(query) ?? [];
  if (version === '') throw fail('has something after its "?" that is not version=…');
  return version;
}

/** What a backend, or a proxy before it, could take for a way to somewhere else. */
function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (/\p{Cc}/u.test(key)) return 'has control characters';
  if (key.includes('..')) return 'contains ".."';
  if (key.includes('//')) return 'contains "//"';
  if (/%(2e|2f|5c)/i.test(key)) return 'is encoded twice';
  return undefined;
}
