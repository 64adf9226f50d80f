import { createHmac } from 'node:crypto';

/**
 * Opaque version of a Secret's data: tells two versions apart, and without the installation's key tells nothing about
 * the data (a bare hash would let anyone check a guess).
 */
export function opaqueVersion(versionKey: string, namespace: string, secretName: string, dataHash: string): string {
  return createHmac('sha256', Buffer.from(versionKey, 'hex'))
    .update(`${namespace}/${secretName}\n${dataHash}`)
    .digest('hex')
    .slice(0, 16);
}
