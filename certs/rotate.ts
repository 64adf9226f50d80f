import { randomBytes } from 'node:crypto';
import { type CertificateSet, type Entries, required } from './certificate-set.ts';
import type { Issue, Issued, IssueRequest, KeyAndCertificate, Validity } from './issuing.ts';
import { type RotationStep, type ServingNames, unitedNames } from './rotation.ts';

const dayMs = 24 * 60 * 60 * 1000;
const leafLifeMs = 365 * dayMs;
const caLifeMs = 10 * leafLifeMs;
/** Certificates begin this much in the past: clocks differ. */
const backdatedMs = 60 * 60 * 1000;

export interface Maker {
  readonly issue: Issue;
  readonly names: ServingNames;
  readonly nowMs: number;
}

/** Makes a set where there is none: CA, leaf, path and version key. */
export async function newEntries(maker: Maker, signal: AbortSignal): Promise<Entries> {
  const secrets = { path: randomBytes(32).toString('hex'), 'version-key': randomBytes(32).toString('hex') };
  return { ...(await newCaAndLeaf(maker, signal)), ...secrets };
}

/** Makes the set that follows from a step. Path and version key are carried over. */
export async function rotatedEntries(
  set: CertificateSet,
  step: Exclude<RotationStep, 'none'>,
  maker: Maker,
  signal: AbortSignal,
): Promise<Entries> {
  const kept = { path: required(set.entries, 'path'), 'version-key': required(set.entries, 'version-key') };
  switch (step) {
    case 'replace':
      return { ...(await newCaAndLeaf(maker, signal)), ...kept };
    case 'introduce-ca': {
      const { issuer } = await maker.issue({ issuer: validity(maker.nowMs, caLifeMs) }, signal);
      const bundle = `${set.bundle[0] ?? ''}${issuer.certificatePem}`;
      return { ...set.entries, 'ca.crt': bundle, 'next-ca.key': issuer.privateKeyPem };
    }
    case 'switch-ca': {
      const next = { certificatePem: set.bundle[1] ?? '', privateKeyPem: required(set.entries, 'next-ca.key') };
      // Replicas that have not read this yet still serve the old leaf: the old CA stays, second.
      const bundle = `${next.certificatePem}${set.bundle[0] ?? ''}`;
      return { ...(await newLeaf(set, next, maker, signal)), 'ca.crt': bundle, 'ca.key': next.privateKeyPem, ...kept };
    }
    case 'renew-leaf':
      return renewedLeaf(set, maker, signal);
  }
}

async function renewedLeaf(set: CertificateSet, maker: Maker, signal: AbortSignal): Promise<Entries> {
  const issuer = { certificatePem: set.bundle[0] ?? '', privateKeyPem: required(set.entries, 'ca.key') };
  // A second CA that is not the next one is the one before, and by now nobody serves a leaf of it.
  const bundle = set.hasNextCa ? set.bundle.join('') : issuer.certificatePem;
  return { ...set.entries, ...(await newLeaf(set, issuer, maker, signal)), 'ca.crt': bundle };
}

async function newCaAndLeaf(maker: Maker, signal: AbortSignal): Promise<Entries> {
  const request: IssueRequest = {
    issuer: validity(maker.nowMs, caLifeMs),
    leaf: { ...maker.names, validity: validity(maker.nowMs, leafLifeMs) },
  };
  const issued = await maker.issue(request, signal);
  return { ...leafEntries(issued), 'ca.crt': issued.issuer.certificatePem, 'ca.key': issued.issuer.privateKeyPem };
}

async function newLeaf(
  set: CertificateSet,
  issuer: KeyAndCertificate,
  maker: Maker,
  signal: AbortSignal,
): Promise<Entries> {
  const wanted = validity(maker.nowMs, leafLifeMs);
  const isSameCa = issuer.certificatePem === set.bundle[0];
  const caEndMs = isSameCa ? set.issuer.validToDate.getTime() : wanted.notAfterMs;
  const leaf = {
    ...unitedNames(set.leaf, maker.names),
    validity: { ...wanted, notAfterMs: Math.min(wanted.notAfterMs, caEndMs) },
  };
  return leafEntries(await maker.issue({ issuer, leaf }, signal));
}

function leafEntries(issued: Issued): Entries {
  return {
    'tls.crt': `${issued.leaf?.certificatePem ?? ''}${issued.issuer.certificatePem}`,
    'tls.key': issued.leaf?.privateKeyPem ?? '',
  };
}

function validity(nowMs: number, lifeMs: number): Validity {
  return { notBeforeMs: nowMs - backdatedMs, notAfterMs: nowMs + lifeMs };
}
