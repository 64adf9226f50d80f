import type { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { CertificateSet } from './certificate-set.ts';

/** What a leaf has to be valid for. */
export interface ServingNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/**
 * What a set needs now:
 * `renew-leaf` a new leaf under the same CA; nobody else notices.
 * `introduce-ca` a second CA joins the bundle, the leaf stays.
 * `switch-ca` the second CA becomes the first and issues the leaf.
 * `replace` leaf and CA are of no use any more: a new CA and leaf at once. Path and version key stay.
 */
export type RotationStep = 'none' | 'renew-leaf' | 'introduce-ca' | 'switch-ca' | 'replace';

/** How long the API server must have had a CA before a leaf under it is served. Every API server re-reads within seconds. */
export const PUBLISHED_FOR_MS = 60_000;

/** Decides the next step. One step at a time: after it is stored the set is judged again. */
export function nextStep(set: CertificateSet, names: ServingNames, nowMs: number): RotationStep {
  if (!set.isRenewable) return 'none';
  const caEndMs = set.issuer.validToDate.getTime();
  if (nowMs >= caEndMs) return 'replace';
  if (set.hasNextCa) {
    if (set.nextCaPublishedMs !== undefined && nowMs >= set.nextCaPublishedMs + PUBLISHED_FOR_MS) return 'switch-ca';
  } else if (isDue(set.issuer, nowMs)) return 'introduce-ca';
  if (!covers(set.leaf, names)) return 'renew-leaf';
  // A leaf ends no later than its CA: once they end together a new one would gain nothing.
  return isDue(set.leaf, nowMs) && set.leaf.validToDate.getTime() < caEndMs ? 'renew-leaf' : 'none';
}

/** True while clients accept the leaf. */
export function isServable(set: CertificateSet, nowMs: number): boolean {
  return nowMs < set.leaf.validToDate.getTime();
}

/** The names asked for and those the leaf has: replicas with different settings agree instead of taking turns. */
export function unitedNames(leaf: X509Certificate, names: ServingNames): ServingNames {
  const present = (leaf.subjectAltName ?? '').split(', ');
  const values = (prefix: string): string[] =>
    present.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length));
  return {
    dnsNames: [...new Set([...names.dnsNames, ...values('DNS:')])],
    ipAddresses: [...new Set([...names.ipAddresses, ...values('IP Address:')].map(canonicalIp))],
  };
}

/** Node prints the IPv6 addresses of a certificate in full, people do not. */
function canonicalIp(ip: string): string {
  return isIPv6(ip) ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip;
}

function isDue(certificate: X509Certificate, nowMs: number): boolean {
  const startMs = certificate.validFromDate.getTime();
  const endMs = certificate.validToDate.getTime();
  return endMs - nowMs < (endMs - startMs) / 3;
}

function covers(leaf: X509Certificate, names: ServingNames): boolean {
  return (
    names.dnsNames.every((name) => leaf.checkHost(name) !== undefined) &&
    names.ipAddresses.every((ip) => leaf.checkIP(ip) !== undefined)
  );
}
