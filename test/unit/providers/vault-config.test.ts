import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/vault/index.ts';
import type { Json } from '../../../src/api/kubernetes.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import type { ClientContext } from '../../../src/ports/provider.ts';
import { credentialsFrom } from '../../contract/context.ts';
import { assertNothingLeaks, failure } from '../../contract/secrets-client.suite.ts';
import { VAULT_TOKEN, vaultContext } from '../../contract/vault.subject.ts';
import { startVaultStub, vaultReply } from '../../contract/vault-stub.ts';
import type { VaultRequest } from '../../contract/vault-stub.ts';

const signal = new AbortController().signal;
const at = 'spec.provider.vault';
const SENTINEL = 'fake-sentinel';
const SECRET = { name: 'vault', key: 'secret' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const unsupported = (field: string): { code: ErrorCode; message: string } => ({
  code: 'Unsupported',
  message: `${at}.${field} is not supported by this version`,
});
const invalid = (words: string): { code: ErrorCode; message: string } => ({
  code: 'InvalidProviderConfig',
  message: `${at}.${words}`,
});

const cases: Record<string, { section: Record<string, Json>; code: ErrorCode; message: string }> = {
  'no server': { section: { server: null }, ...invalid('server is required (a string)') },
  'a version that is none': { section: { version: 'v3' }, ...invalid('version must be one of v1, v2') },
  'no way to log in': {
    section: { auth: { namespace: 'a' } },
    ...invalid(`auth names no way to log in: add auth.tokenSecretRef or another`),
  },
  'a log-in by AWS identity': {
    section: { auth: { iam: { vaultRole: 'app' } } },
    ...unsupported('auth.iam'),
  },
  'a log-in by Google identity': { section: { auth: { gcp: { role: 'app' } } }, ...unsupported('auth.gcp') },
  'an AppRole without its id': {
    section: { auth: { appRole: { path: 'approle', secretRef: SECRET } } },
    ...invalid('auth.appRole needs roleId or roleRef'),
  },
  'a Kubernetes log-in without a token': {
    section: { auth: { kubernetes: { mountPath: 'kubernetes', role: 'app' } } },
    ...invalid("auth.kubernetes needs serviceAccountRef or secretRef: Latchkey's own token is sent to no backend"),
  },
  'a JWT log-in without a token': {
    section: { auth: { jwt: { path: 'jwt', role: 'app' } } },
    ...invalid('auth.jwt needs secretRef or kubernetesServiceAccountToken'),
  },
  'a user whose name leads elsewhere': {
    section: { auth: { userPass: { username: '..', secretRef: SECRET } } },
    ...invalid('auth.userPass.username must not be . or ..'),
  },
  'a method whose mount leads elsewhere': {
    section: { auth: { ldap: { path: 'ldap/../../sys', username: 'app', secretRef: SECRET } } },
    ...invalid('auth.ldap has a path with the segments . or ..'),
  },
  'half a client certificate': {
    section: { tls: { certSecretRef: SECRET } },
    ...invalid('tls needs both certSecretRef and keySecretRef'),
  },
  'a write check that KV v1 has not': {
    section: { version: 'v1', checkAndSet: { required: true } },
    ...invalid('checkAndSet needs version v2'),
  },
  'a credential of another namespace': {
    section: { auth: { appRole: { roleId: 'id', secretRef: { ...SECRET, namespace: 'team-b' } } } },
    ...invalid('auth.appRole.secretRef.namespace is "team-b", but a SecretStore reads its own namespace only'),
  },
  'a service account of another namespace': {
    section: { auth: { kubernetes: { role: 'app', serviceAccountRef: { name: 'app', namespace: 'team-b' } } } },
    ...invalid(
      'auth.kubernetes.serviceAccountRef.namespace is "team-b", but a SecretStore reads its own namespace only',
    ),
  },
  'a path out of its mount': {
    section: { path: 'secret/../sys' },
    ...invalid('path must not have the segments . or ..'),
  },
  'a server that is no URL': {
    section: { server: SENTINEL },
    ...invalid('server must be a URL of the form https://host:port'),
  },
  'a server without TLS': {
    section: { server: 'http://vault.example:8200' },
    ...invalid('server must be https, unless Latchkey is started with --allowed-backend-hosts vault.example'),
  },
  'a server that is the metadata service': {
    section: { server: 'https://169.254.169.254' },
    ...invalid(
      'server leads to a link-local address, which stores may not use, unless Latchkey is started with --allowed-backend-hosts 169.254.169.254',
    ),
  },
  'a CA bundle that is no base64 of PEM': {
    section: { caBundle: base64(SENTINEL) },
    ...invalid('caBundle holds no certificate in PEM'),
  },
  'a CA bundle whose certificate is none': {
    section: { caBundle: base64('-----BEGIN CERTIFICATE-----\nZmFrZQ==\n-----END CERTIFICATE-----\n') },
    ...invalid('caBundle holds a certificate that cannot be read'),
  },
  'a header that cannot be sent': {
    section: { headers: { 'X-Fake': `${SENTINEL}\r\nx-other: 1` } },
    ...invalid('headers."X-Fake" is no HTTP header'),
  },
  'a header whose name is none': {
    section: { headers: { 'a b': SENTINEL } },
    ...invalid('headers."a b" is no HTTP header'),
  },
  'a token among the headers': {
    section: { headers: { 'x-Vault-Token': SENTINEL } },
    ...invalid('headers."x-Vault-Token" is not for a store to set'),
  },
};

/** One read of the key `db`, and the requests that it took. */
async function read(section: Record<string, Json>, overrides: Partial<ClientContext> = {}): Promise<VaultRequest[]> {
  const stub = await startVaultStub(() => vaultReply('{"data":{"a":"fake"}}'));
  const client = await createProvider().newClient(vaultContext(stub.endpoint, section, overrides), signal);
  await client.getSecret({ key: 'db' }, signal);
  await client.close();
  await stub.close();
  return [...stub.requests];
}

describe('a Vault store', () => {
  for (const [sentence, { section, code, message }] of Object.entries(cases)) {
    it(`with ${sentence} is ${code}, and nothing is sent`, async () => {
      const onRequest = (): void => assert.fail('a request was sent');
      const context = vaultContext('https://vault.example:8200', section, { onRequest });
      const error = await failure(createProvider().newClient(context, signal));
      assert.deepEqual({ code: error.code, message: error.message }, { code, message });
      assertNothingLeaks(error, SENTINEL);
    });
  }

  const tokens: Record<string, Record<string, string>> = {
    missing: {},
    empty: { 'vault/token': ' \n' },
    'no token': { 'vault/token': `${SENTINEL}\nsecond line` },
  };
  for (const [what, values] of Object.entries(tokens)) {
    it(`says CredentialsNotFound, naming the field, for a token that is ${what}`, async () => {
      const context = vaultContext('https://vault.example', {}, { credentials: credentialsFrom(values) });
      const error = await failure(createProvider().newClient(context, signal));
      assert.equal(error.code, 'CredentialsNotFound');
      assert.ok(error.message.startsWith(`${at}.auth.tokenSecretRef`));
      assertNothingLeaks(error, SENTINEL);
    });
  }

  it('sends its token, namespace and headers, each once', async () => {
    const section = { namespace: 'team', headers: { 'X-Fake': 'fake', 'X-VAULT-namespace': 'other' } };
    const [request] = await read(section, { credentials: credentialsFrom({ 'vault/token': `${VAULT_TOKEN}\n` }) });
    assert.deepEqual([request?.path, request?.token], ['team/kv/data/db', VAULT_TOKEN]);
    assert.deepEqual([request?.headers['x-vault-namespace'], request?.headers['x-fake']], ['team', 'fake']);
  });

  it('may have its server below a path', async () => {
    const stub = await startVaultStub(() => vaultReply('{"data":{}}'));
    const context = vaultContext(`${stub.endpoint}/behind/proxy/`);
    const client = await createProvider().newClient(context, signal);
    await failure(client.getSecret({ key: 'db' }, signal));
    await client.close();
    await assert.rejects(stub.close(), /GET \/behind\/proxy\/v1\/team\/kv\/data\/db/);
  });

  it('that names no login sends no token, as before an agent that adds one', async () => {
    const [request] = await read({ auth: null });
    assert.equal(request?.token, undefined);
  });

  it('takes nothing from this process’s VAULT_ variables, however the store is made', async () => {
    const ambient = {
      VAULT_TOKEN: 'fake-ambient-token',
      VAULT_NAMESPACE: 'fake-ambient-namespace',
      VAULT_PREFIX: '/fake-ambient-prefix',
      VAULT_ADDR: 'http://127.0.0.1:1',
      VAULT_SKIP_VERIFY: '1',
      HTTP_PROXY: 'http://127.0.0.1:1',
    };
    Object.assign(process.env, ambient);
    try {
      for (const auth of [null, { tokenSecretRef: { name: 'vault', key: 'token' } }]) {
        const [request] = await read({ auth });
        assert.equal(request?.path, 'team/kv/data/db');
        assert.equal(request?.token, auth === null ? undefined : VAULT_TOKEN);
        assert.doesNotMatch(JSON.stringify(request), /ambient/);
      }
    } finally {
      for (const name of Object.keys(ambient)) delete process.env[name];
    }
  });

  it('keeps the tokens of two stores apart, also when their reads cross', async () => {
    const stub = await startVaultStub(() => vaultReply('{"data":{}}'));
    const clients = await Promise.all(
      ['fake-one', 'fake-two'].map((token) => {
        const credentials = credentialsFrom({ 'vault/token': token });
        return createProvider().newClient(vaultContext(stub.endpoint, {}, { credentials }), signal);
      }),
    );
    const read = (key: string) =>
      Promise.all(clients.map((client, index) => client.getSecret({ key: `${key}${index}` }, signal)));
    await Promise.all([read('a'), read('b'), read('c')]);
    for (const { path, token } of stub.requests) assert.equal(token, path.endsWith('0') ? 'fake-one' : 'fake-two');
    assert.equal(stub.requests.length, 6);
    await Promise.all(clients.map((client) => client.close()));
    await stub.close();
  });

  it('reads whole documents as Vault spells them: digits, order and escapes stay', async () => {
    const spelled = '{"a":"\\u003c\\u0026","big":12345678901234567890,"n":1.50,"o":{"z":[1,null]}}';
    const stub = await startVaultStub(() => vaultReply(`{"data":${spelled},"metadata":{"version":1}}`));
    const client = await createProvider().newClient(vaultContext(stub.endpoint), signal);
    const document = await client.getSecret({ key: 'db' }, signal);
    assert.equal(document.reveal().toString('utf8'), spelled);
    await client.close();
    await stub.close();
  });
});
