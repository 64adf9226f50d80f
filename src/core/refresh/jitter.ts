import { hash } from 'node:crypto';

const LEAST = 0.9;

/**
 * Which part of its interval an object waits, from 0.9 to 1.0: always the same for one object, so that what was created
 * together spreads out and stays so.
 */
export function jitter(uid: string): number {
  return LEAST + (1 - LEAST) * (hash('sha256', uid, 'buffer').readUInt32BE() / 2 ** 32);
}
