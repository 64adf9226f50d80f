import type { ConversionStrategy } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';

export const LONGEST_KEY_CHARACTERS = 253;

/**
 * Makes a key of a name, per code point: letters, numbers, `-`, `.` and `_` stay; anything else becomes `_`, or with strategy
 * Unicode `_U` and its code in at least four hex digits and `_`. Letters beyond ASCII stay too, and no Secret takes them.
 */
export function convertKey(name: string, strategy: ConversionStrategy = 'Default'): string {
  return name.replaceAll(/[^\p{L}\p{N}._-]/gu, (character) =>
    strategy === 'Unicode' ? `_U${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}_` : '_',
  );
}

/**
 * Converts all names of one source.
 * @throws LatchkeyError `InvalidData` when two names become one key.
 */
export function convertKeys<T>(values: ReadonlyMap<string, T>, strategy?: ConversionStrategy): ReadonlyMap<string, T> {
  const converted = new Map<string, T>();
  for (const [name, value] of values) {
    const key = convertKey(name, strategy);
    if (converted.has(key)) {
      throw new LatchkeyError(
        'InvalidData',
        `two names become the key "${printable(key, 60)}": rewrite them, or use conversionStrategy Unicode`,
      );
    }
    converted.set(key, value);
  }
  return converted;
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
