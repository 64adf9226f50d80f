import { createPrivateKey, X509Certificate } from 'node:crypto';
import { LatchkeyError } from '../../src/core/errors.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import type { TlsIdentity } from '../shared/egress.ts';
import type { ClientCertificateRef, LogIn, Proof } from './auth.ts';
import type { Ref } from './schema.ts';

/** What an HTTP header can carry, without spaces. */
const TOKEN = /^[\x21-\x7e]+$/;

type Credentials = ClientContext['credentials'];

/** @throws LatchkeyError `CredentialsNotFound`, also for what cannot be a token. */
export async function readToken({ selector, field }: Ref, credentials: Credentials, signal: AbortSignal) {
  const value = await credentials.readSecretKey(selector, field, signal);
  const token = value.reveal().toString('utf8').trim();
  if (!TOKEN.test(token)) throw missing(`${field} names a Secret key without a token`);
  return token;
}

/** The whole body of a log-in, with its proofs read anew. @throws LatchkeyError `CredentialsNotFound` … */
export async function readLogIn({ body, proofs }: LogIn, credentials: Credentials, signal: AbortSignal) {
  const read = await Promise.all(
    Object.entries(proofs).map(async ([name, proof]) => [name, await readProof(proof, credentials, signal)] as const),
  );
  return { ...body, ...Object.fromEntries(read) };
}

async function readProof(proof: Proof, credentials: Credentials, signal: AbortSignal): Promise<string> {
  if ('serviceAccount' in proof) {
    const { token } = await credentials.requestToken(proof, proof.field, signal);
    return token.reveal().toString('utf8');
  }
  const text = (await credentials.readSecretKey(proof.selector, proof.field, signal)).reveal().toString('utf8');
  // Files made with `echo` end in a line feed; any other space may belong to a password.
  const proven = text.replace(/[\r\n]+$/, '');
  if (proven === '') throw missing(`${proof.field} names a Secret key that is empty`);
  return proven;
}

/** @throws LatchkeyError `CredentialsNotFound`, also for what is no certificate with its key. */
export async function readClientCertificate(
  { certificate, key }: ClientCertificateRef,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<TlsIdentity> {
  const read = async ({ selector, field }: Ref): Promise<string> =>
    (await credentials.readSecretKey(selector, field, signal)).reveal().toString('latin1');
  const [certificatePem, keyPem] = await Promise.all([read(certificate), read(key)]);
  const shown = attempt(() => new X509Certificate(certificatePem));
  if (shown === undefined) throw missing(`${certificate.field} names a Secret key without a certificate in PEM`);
  const privateKey = attempt(() => createPrivateKey(keyPem));
  if (privateKey === undefined) throw missing(`${key.field} names a Secret key without a private key in PEM`);
  if (!shown.checkPrivateKey(privateKey)) throw missing(`${key.field} is not the key of ${certificate.field}`);
  return { certificate: certificatePem, key: keyPem };
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    // OpenSSL's message may quote what it chokes on.
    return undefined;
  }
}

function missing(words: string): LatchkeyError {
  return new LatchkeyError('CredentialsNotFound', words);
}
