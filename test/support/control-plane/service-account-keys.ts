import { generateKeyPair } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface ServiceAccountKeys {
  readonly privateKeyFile: string;
  readonly publicKeyFile: string;
}

/** Makes the key pair ServiceAccount tokens are signed with. RSA, as in nearly every cluster, because who checks those tokens often takes RS256 only. */
export async function createServiceAccountKeys(directory: string): Promise<ServiceAccountKeys> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const keys = { privateKeyFile: join(directory, 'sa.key'), publicKeyFile: join(directory, 'sa.pub') };
  await writeFile(keys.privateKeyFile, privateKey, { mode: 0o600 });
  await writeFile(keys.publicKeyFile, publicKey);
  return keys;
}
