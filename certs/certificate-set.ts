import { createPrivateKey, X509Certificate } from 'node:crypto';
import { LatchkeyError } from '../src/core/errors.ts';
import type { ServingCredentials } from '../src/ports/certificate-source.ts';

/**
 * A stored set: file name (directory) or data key (Secret) → text. `tls.crt`, `tls.key` and `ca.crt` are what
 * Kubernetes' own TLS Secrets have.
 *
 * | entry | |
 * |---|---|
 * | `tls.crt`, `tls.key` | the leaf with its CA behind it, and the leaf's key |
 * | `ca.crt` | the bundle that the API server is to trust: first the CA of the leaf, then at most one more, the next CA or the one before |
 * | `ca.key` | key of the first CA; absent = somebody else renews this set |
 * | `next-ca.key` | only while a CA is introduced: key of the bundle's second CA |
 * | `next-ca-published` | since when the API server is known to have both CAs, RFC 3339 |
 * | `path`, `version-key` | {@link ServingCredentials} |
 */
export type Entries = Readonly<Record<string, string>>;

export const ENTRY_NAMES = [
  'tls.crt',
  'tls.key',
  'ca.crt',
  'ca.key',
  'next-ca.key',
  'next-ca-published',
  'path',
  'version-key',
] as const;

/** A stored set that was read and found consistent. */
export interface CertificateSet {
  readonly entries: Entries;
  readonly leaf: X509Certificate;
  readonly issuer: X509Certificate;
  /** PEM of each CA in the bundle, in order. */
  readonly bundle: readonly string[];
  readonly isRenewable: boolean;
  readonly hasNextCa: boolean;
  /** Milliseconds since the epoch; undefined = the API server is not known to have the next CA. */
  readonly nextCaPublishedMs: number | undefined;
}

/**
 * Reads a stored set and checks that its parts belong together.
 * @throws LatchkeyError `InvalidData` naming the entry that is missing or wrong, never its content.
 */
export function parseCertificateSet(entries: Entries): CertificateSet {
  const bundle = splitPem(required(entries, 'ca.crt'));
  const leaf = certificate(required(entries, 'tls.crt'), 'tls.crt');
  const issuer = certificate(bundle[0] ?? '', 'ca.crt');
  const isRenewable = 'ca.key' in entries;
  const hasNextCa = 'next-ca.key' in entries;
  requireKey(entries, 'tls.key', leaf, 'tls.crt');
  if (isRenewable) {
    requireKey(entries, 'ca.key', issuer, 'ca.crt');
    if (bundle.length > 2) throw invalid('ca.crt', 'holds more than two CAs');
    if (!leaf.verify(issuer.publicKey)) throw invalid('tls.crt', 'is not issued by the first CA of ca.crt');
  }
  if (hasNextCa) requireKey(entries, 'next-ca.key', certificate(bundle[1] ?? '', 'ca.crt'), 'the second CA of ca.crt');
  for (const name of ['path', 'version-key']) {
    if (!/^[0-9a-f]{64}$/.test(required(entries, name))) throw invalid(name, 'is not 64 hexadecimal digits');
  }
  return { entries, leaf, issuer, bundle, isRenewable, hasNextCa, nextCaPublishedMs: publishedMs(entries) };
}

/** The part of a set that the webhook serves and registers with. */
export function servingCredentials(set: CertificateSet): ServingCredentials {
  return {
    certificatePem: required(set.entries, 'tls.crt'),
    privateKeyPem: required(set.entries, 'tls.key'),
    caBundlePem: required(set.entries, 'ca.crt'),
    pathSegment: required(set.entries, 'path'),
    versionKey: required(set.entries, 'version-key'),
    notAfterMs: set.leaf.validToDate.getTime(),
  };
}

/** Each certificate of a PEM text, with its final line break. */
export function splitPem(text: string): readonly string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => `${block.replaceAll('\r\n', '\n')}\n`);
}

/**
 * Text of an entry that must be there.
 * @throws LatchkeyError `InvalidData` when it is not.
 */
export function required(entries: Entries, name: string): string {
  const value = entries[name];
  if (value === undefined || value === '') throw invalid(name, 'is missing');
  return value;
}

function certificate(pem: string, name: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw invalid(name, 'is not a PEM certificate', cause);
  }
}

function requireKey(entries: Entries, name: string, owner: X509Certificate, ownerName: string): void {
  if (!belongs(required(entries, name), name, owner)) throw invalid(name, `does not belong to ${ownerName}`);
}

function belongs(pem: string, name: string, owner: X509Certificate): boolean {
  try {
    return owner.checkPrivateKey(createPrivateKey(pem));
  } catch (cause) {
    throw invalid(name, 'is not a PEM private key', cause);
  }
}

function publishedMs(entries: Entries): number | undefined {
  const text = entries['next-ca-published'];
  if (text === undefined || text === '') return undefined;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw invalid('next-ca-published', 'is not a time');
  return ms;
}

function invalid(name: string, problem: string, cause?: unknown): LatchkeyError {
  return new LatchkeyError('InvalidData', `the stored certificates cannot be used: ${name} ${problem}`, { cause });
}
