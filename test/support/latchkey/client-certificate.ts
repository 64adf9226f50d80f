import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';
import { issueInWorker } from '../../../certs/issue.ts';
import type { KeyAndCertificate } from '../../../certs/issuing.ts';

const HOUR_MS = 3_600_000;

/** An authority of its own. */
export async function createAuthority(): Promise<KeyAndCertificate> {
  const issuer = { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + HOUR_MS };
  return (await issueInWorker({ issuer }, AbortSignal.timeout(30_000))).issuer;
}

/** What a client shows: Latchkey itself makes certificates for servers only. */
export function createClientCertificate(
  authority: KeyAndCertificate,
  commonName = 'kube-apiserver',
): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - HOUR_MS);
  certificate.validity.notAfter = new Date(Date.now() + HOUR_MS);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  certificate.setIssuer(forge.pki.certificateFromPem(authority.certificatePem).subject.attributes);
  certificate.setExtensions([
    { name: 'keyUsage', critical: true, digitalSignature: true },
    { name: 'extKeyUsage', clientAuth: true },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(authority.privateKeyPem), forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: privateKey };
}
