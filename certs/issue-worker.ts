/**
 * The process that makes certificates: one job over its channel, then it ends and takes node-forge's memory with it. A
 * bundle keeps it as an entry of its own beside the bundle of certs/issue.ts, named `issue-worker`.
 */
import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import type { Issued, IssueRequest, KeyAndCertificate, LeafRequest, Validity } from './issuing.ts';

// Node's key generation runs in OpenSSL, off this thread; forge's own takes seconds.
const generateKeys = promisify(generateKeyPair);

process.once('disconnect', () => process.exit(1));
process.once('message', (request: IssueRequest) => void answer(request));

async function answer(request: IssueRequest): Promise<void> {
  try {
    const issued = await issue(request);
    process.send?.(issued, () => process.exit(0));
  } catch {
    // What forge or OpenSSL say may quote what they were given; the parent only learns that it failed.
    process.exit(1);
  }
}

async function issue(request: IssueRequest): Promise<Issued> {
  const issuer = 'certificatePem' in request.issuer ? request.issuer : await issueCa(request.issuer);
  return request.leaf === undefined ? { issuer } : { issuer, leaf: await issueLeaf(issuer, request.leaf) };
}

async function issueCa(validity: Validity): Promise<KeyAndCertificate> {
  const { certificate, privateKeyPem } = await startCertificate(validity);
  // The number makes the names of successive CAs differ: some verifiers look issuers up by name alone.
  const name = [{ name: 'commonName', value: `Latchkey CA ${certificate.serialNumber.slice(0, 8)}` }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifier(certificate) },
  ]);
  return finish(certificate, privateKeyPem, privateKeyPem);
}

async function issueLeaf(issuer: KeyAndCertificate, request: LeafRequest): Promise<KeyAndCertificate> {
  const { certificate, privateKeyPem } = await startCertificate(request.validity);
  const issuerCertificate = forge.pki.certificateFromPem(issuer.certificatePem);
  certificate.setSubject([{ name: 'commonName', value: 'latchkey' }]);
  certificate.setIssuer(issuerCertificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifier(issuerCertificate) },
    {
      name: 'subjectAltName',
      // Types of GeneralName, RFC 5280 §4.2.1.6: 2 dNSName, 7 iPAddress.
      altNames: [
        ...request.dnsNames.map((value) => ({ type: 2, value })),
        ...request.ipAddresses.map((ip) => ({ type: 7, ip })),
      ],
    },
  ]);
  return finish(certificate, privateKeyPem, issuer.privateKeyPem);
}

async function startCertificate(
  validity: Validity,
): Promise<{ certificate: forge.pki.Certificate; privateKeyPem: string }> {
  const { publicKey, privateKey } = await generateKeys('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = newSerialNumber();
  certificate.validity.notBefore = new Date(validity.notBeforeMs);
  certificate.validity.notAfter = new Date(validity.notAfterMs);
  return { certificate, privateKeyPem: privateKey };
}

function finish(certificate: forge.pki.Certificate, privateKeyPem: string, signerPem: string): KeyAndCertificate {
  certificate.sign(forge.pki.privateKeyFromPem(signerPem), forge.md.sha256.create());
  return { certificatePem: forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n'), privateKeyPem };
}

/** 127 random bits; the first byte is never zero nor negative, so that DER needs no padding (RFC 5280 §4.1.2.2). */
function newSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function keyIdentifier(certificate: forge.pki.Certificate): string {
  return certificate.generateSubjectKeyIdentifier().getBytes();
}
