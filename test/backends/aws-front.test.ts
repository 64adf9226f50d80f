/** The front that stands in for what moto leaves out must refuse what AWS STS refuses, or tests behind it prove nothing. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createProvider } from '../../providers/aws/index.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import { awsContext } from '../contract/aws.subject.ts';
import { credentialsFrom } from '../contract/context.ts';
import { assertNothingLeaks, failure } from '../contract/secrets-client.suite.ts';
import { startAwsFront, type AwsFront } from '../support/moto/aws-front.ts';
import { startMoto, type Moto } from '../support/moto/moto.ts';

const ROLE = 'arn:aws:iam::111122223333:role/reader';
const SUBJECT = 'system:serviceaccount:team-a:reader';
const ISSUER = 'https://issuer.example';
const signal = new AbortController().signal;
const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const another = generateKeyPairSync('rsa', { modulusLength: 2048 });

function token(claims: object = {}, key: KeyObject = own.privateKey, header: object = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const parts = [
    { alg: 'RS256', kid: 'own', ...header },
    { iss: ISSUER, aud: ['sts.amazonaws.com'], sub: SUBJECT, nbf: now, exp: now + 600, ...claims },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return [...parts, sign('RSA-SHA256', Buffer.from(parts.join('.')), key).toString('base64url')].join('.');
}

describe('a log-in with a token', () => {
  let moto: Moto;
  let front: AwsFront;
  before(async () => {
    moto = await startMoto();
    const keys = [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'own' }];
    const trust = { issuer: ISSUER, keys, audience: 'sts.amazonaws.com', subjects: { [ROLE]: SUBJECT } };
    front = await startAwsFront(moto.endpoint, trust);
  });
  after(async () => {
    await front.stop();
    await moto.stop();
  });

  /** What becomes of a read; the secret itself does not exist. */
  async function readWith(text: string): Promise<string> {
    const credentials = {
      ...credentialsFrom({}),
      readServiceAccount: async () => ({
        namespace: 'team-a',
        name: 'reader',
        annotations: { 'eks.amazonaws.com/role-arn': ROLE },
      }),
      requestToken: async () => ({ token: SecretValue.fromText(text), expiresAtMs: Date.now() + 600_000 }),
    };
    const section = { auth: { jwt: { serviceAccountRef: { name: 'reader' } } } };
    const client = await createProvider().newClient(awsContext(front.endpoint, { credentials }, section), signal);
    const error = await failure(client.getSecret({ key: 'none' }, signal));
    await client.close();
    assertNothingLeaks(error, text);
    return error.code;
  }

  it('that is good is let in', async () => {
    assert.equal(await readWith(token()), 'SecretNotFound');
  });

  const seconds = Math.floor(Date.now() / 1000);
  const bad: Record<string, { text: string; code?: string }> = {
    'it is no JWT': { text: 'not-a-jwt' },
    'it is not signed with RS256': { text: token({}, own.privateKey, { alg: 'none' }) },
    'its key is not the issuer’s': { text: token({}, another.privateKey, { kid: 'another' }) },
    'it is forged': { text: token({}, another.privateKey) },
    'it comes from another issuer': { text: token({ iss: 'https://attacker.example' }) },
    'it is for another audience': { text: token({ aud: ['https://kubernetes.default.svc'] }) },
    'it is not good yet': { text: token({ nbf: seconds + 600 }) },
    'it has expired': { text: token({ exp: seconds - 1 }) },
    'the role does not trust its subject': {
      text: token({ sub: 'system:serviceaccount:team-b:reader' }),
      code: 'BackendPermissionDenied',
    },
  };
  for (const [why, { text, code = 'BackendAuthFailed' }] of Object.entries(bad)) {
    it(`is refused when ${why}`, async () => {
      assert.equal(await readWith(text), code);
      assert.equal(front.refusals.at(-1), why);
    });
  }
});
