import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { createProvider } from '../../providers/vault/index.ts';
import type { Json } from '../../src/api/kubernetes.ts';
import type { ClientContext, SecretsClient } from '../../src/ports/provider.ts';
import { credentialsFrom } from '../contract/context.ts';
import { assertNothingLeaks, failure } from '../contract/secrets-client.suite.ts';
import { vaultContext } from '../contract/vault.subject.ts';
import { createAuthority, createClientCertificate } from '../support/latchkey/client-certificate.ts';
import { startForwardProxy } from '../support/faults/forward-proxy.ts';
import { startLdapFront } from '../support/openbao/ldap-front.ts';
import { startOpenBao } from '../support/openbao/openbao.ts';
import type { OpenBao } from '../support/openbao/openbao.ts';
import { openBaoWriter } from '../support/openbao/openbao-writer.ts';

const { signal } = new AbortController();
const PASSWORD = ' fake password with spaces ';
const POLICY =
  'path "secret/data/*" { capabilities = ["read"] }\n' +
  'path "auth/token/renew-self" { capabilities = ["update"] }\n' +
  'path "auth/token/revoke-self" { capabilities = ["update"] }';
const secretRef = { name: 'vault', key: 'secret' };

describe('logging in to OpenBao', { timeout: 120_000 }, () => {
  let bao: OpenBao;
  const write = (path: string, body: object = {}): Promise<unknown> => bao.writer.call('POST', path, body);

  before(async () => {
    bao = await startOpenBao();
    await write('secret/data/db', { data: { a: 'fake' } });
    await bao.writer.call('PUT', 'sys/policies/acl/reader', { policy: POLICY });
    for (const type of ['approle', 'userpass', 'jwt']) await write(`sys/auth/${type}`, { type });
    await write('auth/userpass/users/app', { password: PASSWORD, token_policies: ['reader'] });
  });
  after(() => bao.stop());

  interface Opened {
    readonly client: SecretsClient;
    readonly calls: string[];
    readonly read: () => Promise<string>;
  }

  /** A client of a store with that way to log in; closed after the body. */
  async function opened<T>(
    auth: Json,
    secrets: Record<string, string>,
    body: (opened: Opened) => Promise<T>,
    section: Record<string, Json> = {},
    server = bao.endpoint,
  ): Promise<T> {
    const calls: string[] = [];
    const overrides: Partial<ClientContext> = {
      credentials: credentialsFrom(secrets),
      onRequest: (call, status) => calls.push(`${call} ${status}`),
    };
    const client = await createProvider().newClient(
      vaultContext(server, { path: 'secret', auth, ...section }, overrides),
      signal,
    );
    try {
      const read = async (): Promise<string> => String((await client.getSecret({ key: 'db' }, signal)).reveal());
      return await body({ client, calls, read });
    } finally {
      await client.close();
    }
  }

  /** An AppRole and a secret id of it. */
  async function appRole(name: string, settings: object = {}): Promise<[auth: Json, secrets: Record<string, string>]> {
    await write(`auth/approle/role/${name}`, {
      token_policies: ['reader'],
      token_no_default_policy: true,
      ...settings,
    });
    const role = (await bao.writer.call('GET', `auth/approle/role/${name}/role-id`)) as { data: { role_id: string } };
    const made = (await write(`auth/approle/role/${name}/secret-id`)) as { data: { secret_id: string } };
    return [{ appRole: { roleId: role.data.role_id, secretRef } }, { 'vault/secret': `${made.data.secret_id}\n` }];
  }

  /** How many tokens OpenBao has given out that are still good. */
  async function tokens(): Promise<number> {
    const answer = await bao.writer.call('GET', 'auth/token/accessors?list=true');
    return (answer as { data: { keys: readonly string[] } }).data.keys.length;
  }

  it('once is enough for a thousand reads, and the token is gone with the client', async () => {
    const [auth, secrets] = await appRole('counted');
    const before = await tokens();
    await opened(auth, secrets, async ({ calls, read }) => {
      for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 50 }, read));
      assert.deepEqual(
        [...Map.groupBy(calls, (call) => call)].map(([call, all]) => [call, all.length]),
        [
          ['Login success', 1],
          ['ReadSecretData success', 1_000],
        ],
      );
      assert.equal(await tokens(), before + 1);
    });
    assert.equal(await tokens(), before);
  });

  it('happens again when the token was revoked behind our back, once for all who read', async () => {
    const [auth, secrets] = await appRole('revoked');
    await opened(auth, secrets, async ({ calls, read }) => {
      await read();
      const { data } = (await bao.writer.call('GET', 'auth/token/accessors?list=true')) as { data: { keys: string[] } };
      for (const accessor of data.keys) {
        const { data: token } = (await write('auth/token/lookup-accessor', { accessor })) as { data: { path: string } };
        if (token.path === 'auth/approle/login') await write('auth/token/revoke-accessor', { accessor });
      }
      assert.deepEqual([...new Set(await Promise.all(Array.from({ length: 20 }, read)))], ['{"a":"fake"}']);
      assert.equal(calls.filter((call) => call.startsWith('Login')).length, 2);
    });
  });

  it('is put off by renewals for as long as OpenBao lets a token live', async () => {
    const [auth, secrets] = await appRole('short', { token_ttl: '2s', token_max_ttl: '5s' });
    await opened(auth, secrets, async ({ calls, read }) => {
      const endMs = Date.now() + 7_000;
      while (Date.now() < endMs) {
        await read();
        await sleep(100);
      }
      const count = (call: string): number => calls.filter((made) => made === `${call} success`).length;
      assert.ok(count('RenewSelf') >= 2, `${count('RenewSelf')} renewals`);
      assert.ok(count('Login') >= 2 && count('Login') <= 4, `${count('Login')} log-ins`);
    });
  });

  it('works with tokens that OpenBao does not keep', async () => {
    const [auth, secrets] = await appRole('batch', { token_type: 'batch' });
    await opened(auth, secrets, async ({ read }) => assert.equal(await read(), '{"a":"fake"}'));
  });

  it('by user and password keeps the password’s spaces, and a wrong one is refused once', async () => {
    const auth = { userPass: { username: 'app', secretRef } };
    await opened(auth, { 'vault/secret': `${PASSWORD}\n` }, async ({ read }) => void (await read()));
    const error = await failure(opened(auth, { 'vault/secret': 'fake-wrong' }, async () => undefined));
    assert.equal(error.code, 'BackendAuthFailed');
    assert.match(error.message, /refused the log-in of spec\.provider\.vault\.auth\.userPass$/);
    assertNothingLeaks(error, 'fake-wrong');
  });

  it('by LDAP speaks the documented API', async () => {
    await using front = await startLdapFront(bao, { name: 'Jörg/A', password: PASSWORD, policies: ['reader'] });
    const auth = { ldap: { username: 'Jörg/A', secretRef } };
    await opened(auth, { 'vault/secret': PASSWORD }, async ({ read }) => void (await read()), {}, front.endpoint);
    assert.deepEqual(front.refusals, []);
    const wrong = opened(auth, { 'vault/secret': 'fake-wrong' }, async () => undefined, {}, front.endpoint);
    assert.equal((await failure(wrong)).code, 'BackendAuthFailed');
  });

  it('by JWT is for whom the JWT is for, by whoever signed it', async () => {
    const key = () =>
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const [issuer, stranger] = [String(key()), String(key())];
    const publicPem = createPublicKey(issuer).export({ type: 'spki', format: 'pem' });
    await write('auth/jwt/config', { jwt_validation_pubkeys: [publicPem] });
    const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'], token_policies: ['reader'] };
    await write('auth/jwt/role/app', role);
    const jwt = (signer: string, aud: string): string => {
      const nowS = Math.floor(Date.now() / 1_000);
      const parts = [
        { alg: 'RS256', typ: 'JWT' },
        { sub: 'app', aud, iat: nowS, nbf: nowS - 5, exp: nowS + 60 },
      ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
      const signature = sign('sha256', Buffer.from(parts.join('.')), createPrivateKey(signer));
      return [...parts, signature.toString('base64url')].join('.');
    };
    const auth = { jwt: { role: 'app', secretRef } };
    await opened(auth, { 'vault/secret': `${jwt(issuer, 'vault')}\n` }, async ({ read }) => void (await read()));
    for (const token of [jwt(issuer, 'other'), jwt(stranger, 'vault'), 'fake-no-jwt']) {
      const error = await failure(opened(auth, { 'vault/secret': token }, async () => undefined));
      assert.equal(error.code, 'BackendAuthFailed');
      assertNothingLeaks(error, token);
    }
  });

  it('may happen in another namespace than the reading', async () => {
    const within = (namespace: string) => openBaoWriter({ endpoint: bao.endpoint, token: bao.rootToken, namespace });
    await write('sys/namespaces/outer');
    await within('outer').call('POST', 'sys/namespaces/inner', {});
    await within('outer/inner').enableKv('secret', 2);
    await within('outer/inner').call('POST', 'secret/data/db', { data: { a: 'inner' } });
    const outer = within('outer');
    await outer.call('POST', 'sys/auth/userpass', { type: 'userpass' });
    await outer.call('PUT', 'sys/policies/acl/inner', {
      policy: 'path "inner/secret/data/*" { capabilities = ["read"] }',
    });
    await outer.call('POST', 'auth/userpass/users/app', { password: PASSWORD, token_policies: ['inner'] });
    const auth = { userPass: { username: 'app', secretRef }, namespace: 'outer' };
    await opened(
      auth,
      { 'vault/secret': PASSWORD },
      async ({ client, read }) => {
        assert.equal(await read(), '{"a":"inner"}');
        await client.validate?.(signal);
      },
      { namespace: 'outer/inner' },
    );
  });

  it('in a namespace that there is not is the store’s fault; a mount is refused like a wrong password', async () => {
    const tryAt = (auth: Record<string, Json>) =>
      failure(
        opened(
          { userPass: { username: 'app', secretRef }, ...auth },
          { 'vault/secret': PASSWORD },
          async () => undefined,
        ),
      );
    assert.equal((await tryAt({ namespace: 'nobody' })).code, 'InvalidProviderConfig');
    const unmounted = await tryAt({ userPass: { path: 'nowhere', username: 'app', secretRef } });
    assert.equal(unmounted.code, 'BackendAuthFailed');
  });
});

describe('certificates before OpenBao', { timeout: 60_000 }, () => {
  let bao: OpenBao;
  let secrets: Record<string, string>;
  let strangers: Record<string, string>;

  before(async () => {
    bao = await startOpenBao({ tls: true });
    const [authority, other] = await Promise.all([createAuthority(), createAuthority()]);
    const certificateOf = (issuer: typeof authority): Record<string, string> => {
      const { cert, key } = createClientCertificate(issuer);
      return { 'client/tls.crt': cert, 'client/tls.key': key, 'vault/token': bao.rootToken };
    };
    [secrets, strangers] = [certificateOf(authority), certificateOf(other)];
    await bao.writer.call('POST', 'secret/data/db', { data: { a: 'fake' } });
    await bao.writer.call('PUT', 'sys/policies/acl/reader', { policy: POLICY });
    await bao.writer.call('POST', 'sys/auth/cert', { type: 'cert' });
    await bao.writer.call('POST', 'auth/cert/certs/app', {
      certificate: authority.certificatePem,
      token_policies: ['reader'],
    });
  });
  after(() => bao.stop());

  async function read(
    section: Record<string, Json>,
    from: Record<string, string>,
    environment: ClientContext['environment'] = {},
  ): Promise<string> {
    const caBundle = Buffer.from(bao.ca ?? '').toString('base64');
    const context = vaultContext(
      bao.endpoint,
      { path: 'secret', caBundle, ...section },
      { credentials: credentialsFrom(from), environment },
    );
    const client = await createProvider().newClient(context, signal);
    try {
      return String((await client.getSecret({ key: 'db' }, signal)).reveal());
    } finally {
      await client.close();
    }
  }

  const CERT = { cert: { vaultRole: 'app', clientCert: { name: 'client' }, secretRef: { name: 'client' } } };
  const TLS = { certSecretRef: { name: 'client' }, keySecretRef: { name: 'client' } };

  it('log in, with and without the role’s name', async () => {
    assert.equal(await read({ auth: CERT }, secrets), '{"a":"fake"}');
    assert.equal(await read({ auth: { cert: { ...CERT.cert, vaultRole: '' } } }, secrets), '{"a":"fake"}');
  });

  it('of a stranger do not', async () => {
    assert.equal((await failure(read({ auth: CERT }, strangers))).code, 'BackendAuthFailed');
  });

  it('may be shown beside any other way to log in', async () => {
    assert.equal(await read({ tls: TLS }, secrets), '{"a":"fake"}');
  });

  it('go through the proxy of the environment, past which nothing is seen', async () => {
    const proxy = await startForwardProxy();
    assert.equal(await read({ auth: CERT }, secrets, { HTTPS_PROXY: proxy.url }), '{"a":"fake"}');
    assert.deepEqual([...new Set(proxy.seen)], [`CONNECT ${new URL(bao.endpoint).host}`]);
    proxy.close();
  });

  it('of the server are verified with what caProvider names', async () => {
    const caProvider = { type: 'Secret', name: 'ca', key: 'ca.crt' };
    const section = { caBundle: null, caProvider };
    assert.equal(await read(section, { ...secrets, 'ca/ca.crt': bao.ca ?? '' }), '{"a":"fake"}');
    const stranger = (await createAuthority()).certificatePem;
    assert.equal((await failure(read(section, { ...secrets, 'ca/ca.crt': stranger }))).code, 'BackendUnavailable');
    assert.equal((await failure(read(section, secrets))).code, 'CredentialsNotFound');
  });

  it('that are none, or whose key is another’s, are refused before anything is sent', async () => {
    const key = 'client/tls.key';
    for (const [changes, words] of [
      [{ 'client/tls.crt': 'fake' }, 'tls.certSecretRef names a Secret key without a certificate in PEM'],
      [{ [key]: 'fake' }, 'tls.keySecretRef names a Secret key without a private key in PEM'],
      [{ [key]: strangers[key] ?? '' }, 'tls.keySecretRef is not the key of spec.provider.vault.tls.certSecretRef'],
    ] as const) {
      const error = await failure(read({ tls: TLS }, { ...secrets, ...changes }));
      assert.deepEqual([error.code, error.message], ['CredentialsNotFound', `spec.provider.vault.${words}`]);
    }
  });
});
