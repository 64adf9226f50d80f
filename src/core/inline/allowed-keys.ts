import type { RE2JS } from 're2js';
import { INLINE_KEYS_ANNOTATION } from '../../api/keys.ts';
import type { SecretStore } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';
import { describeStore, type StoreKey } from '../store/store-access.ts';

const LONGEST_CHARACTERS = 1_024;
/** Compiled once per text; a store's annotation seldom changes, and there are few stores. */
const compiled = new WeakMap<SecretStore['metadata'], RE2JS>();

/**
 * Whether a store lets pods name this key in an inline reference: its annotation `latchkey.dev/inline-keys` is a regular
 * expression (RE2, so that none takes more than linear time) that must match the whole key. Without it none is allowed.
 *
 * @throws LatchkeyError `StoreForbidden`, or `InvalidProviderConfig` when the expression cannot be read.
 */
export async function assertInlineKeyAllowed(storeKey: StoreKey, store: SecretStore, key: string): Promise<void> {
  const expression = store.metadata.annotations?.[INLINE_KEYS_ANNOTATION] ?? '';
  if (expression === '') {
    throw new LatchkeyError(
      'StoreForbidden',
      `${describeStore(storeKey)} allows no inline references: it has no annotation ${INLINE_KEYS_ANNOTATION}`,
    );
  }
  const pattern = await patternOf(storeKey, store, expression);
  if (!pattern.matches(key)) {
    throw new LatchkeyError(
      'StoreForbidden',
      `annotation ${INLINE_KEYS_ANNOTATION} of ${describeStore(storeKey)} does not allow the key "${printable(key, 120)}"`,
    );
  }
}

async function patternOf(storeKey: StoreKey, { metadata }: SecretStore, expression: string): Promise<RE2JS> {
  const known = compiled.get(metadata);
  if (known !== undefined) return known;
  const pattern = expression.length > LONGEST_CHARACTERS ? undefined : await compile(expression);
  if (pattern === undefined) {
    throw new LatchkeyError(
      'InvalidProviderConfig',
      `annotation ${INLINE_KEYS_ANNOTATION} of ${describeStore(storeKey)} is no regular expression of at most ${LONGEST_CHARACTERS} characters`,
    );
  }
  compiled.set(metadata, pattern);
  return pattern;
}

async function compile(expression: string): Promise<RE2JS | undefined> {
  const { RE2JS: Engine } = await import('re2js');
  try {
    return Engine.compile(expression);
  } catch {
    return undefined;
  }
}
