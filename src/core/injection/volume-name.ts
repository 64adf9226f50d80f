import { createHash } from 'node:crypto';

const LONGEST_READABLE_CHARACTERS = 40;

/**
 * Name of the volume for one use of an ExternalSecret: readable, a DNS label, and the same for the same source, so that
 * several mounts share a volume and a second call finds it.
 */
export function volumeNameOf(externalSecret: string, source: object): string {
  const readable = externalSecret.replaceAll('.', '-').slice(0, LONGEST_READABLE_CHARACTERS).replace(/-+$/, '');
  const hash = createHash('sha256')
    .update(JSON.stringify([externalSecret, source]))
    .digest('hex');
  return `latchkey-${readable}-${hash.slice(0, 8)}`;
}
