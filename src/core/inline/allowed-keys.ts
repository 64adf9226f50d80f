import { INLINE_KEYS_ANNOTATION } from '../../api/keys.ts';
import type { SecretStore } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';
import { patternOf, WHAT_A_PATTERN_IS } from '../patterns.ts';
import { describeStore, type StoreKey } from '../store/store-key.ts';

/**
 * Whether a store lets pods name this key in an inline reference: its annotation `latchkey.dev/inline-keys` is a regular
 * expression (RE2) that must match the whole key. Without it none is allowed.
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
  const pattern = await patternOf(store.metadata, expression);
  if (pattern === undefined) {
    throw new LatchkeyError(
      'InvalidProviderConfig',
      `annotation ${INLINE_KEYS_ANNOTATION} of ${describeStore(storeKey)} is not ${WHAT_A_PATTERN_IS}`,
    );
  }
  if (!pattern.matches(key)) {
    throw new LatchkeyError(
      'StoreForbidden',
      `annotation ${INLINE_KEYS_ANNOTATION} of ${describeStore(storeKey)} does not allow the key "${printable(key, 120)}"`,
    );
  }
}
