import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';

export const LONGEST_KEY_CHARACTERS = 253;

/** conversionStrategy `Default`: what may not stand in a Secret's key becomes `_`, per code point. */
export function convertKey(key: string): string {
  return key.replaceAll(/[^\p{L}\p{N}._-]/gu, '_');
}

/** Whether the characters of a key are such that a Secret may have it. */
export function isSecretKey(key: string): boolean {
  return /^[-._a-zA-Z0-9]+$/.test(key) && key !== '.' && !key.startsWith('..');
}

/**
 * Whether a Secret may have this key, as the API server will judge it.
 * @throws LatchkeyError `InvalidData`
 */
export function assertSecretKey(key: string): void {
  if (key.length > LONGEST_KEY_CHARACTERS) {
    throw new LatchkeyError(
      'InvalidData',
      `key "${printable(key, 40)}" has ${key.length} characters, a Secret allows ${LONGEST_KEY_CHARACTERS}`,
    );
  }
  if (!isSecretKey(key)) {
    throw new LatchkeyError(
      'InvalidData',
      `"${printable(key, 60)}" cannot be a key of a Secret (letters, digits, "-", "." and "_" only)`,
    );
  }
}
