import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { createProvider } from '../../providers/vault/index.ts';
import type { Json } from '../../src/api/kubernetes.ts';
import type { DocumentRef } from '../../src/ports/provider.ts';
import { credentialsFrom } from '../contract/context.ts';
import { failure } from '../contract/secrets-client.suite.ts';
import { vaultContext } from '../contract/vault.subject.ts';
import { documentedPolicy } from '../support/openbao/documented-set-up.ts';
import { startOpenBao } from '../support/openbao/openbao.ts';
import type { OpenBao } from '../support/openbao/openbao.ts';
import { openBaoWriter } from '../support/openbao/openbao-writer.ts';

const signal = new AbortController().signal;
const SECRET_MOUNT = { path: 'secret' };
/** Where the tests' credential reader has the token. */
const SECRET_TOKEN = { tokenSecretRef: { name: 'vault', key: 'token' } };
const PAGE = join(import.meta.dirname, '../../docs/providers/vault.md');

describe('the vault provider against OpenBao', () => {
  let bao: OpenBao;
  before(async () => {
    bao = await startOpenBao();
    await bao.writer.enableKv('team/kv', 2);
    await bao.writer.enableKv('old', 1);
  });
  after(() => bao.stop());

  /** One read by a new client; `section` is laid over the store's section. */
  async function read(
    ref: DocumentRef,
    section: Record<string, Json> = SECRET_MOUNT,
    token = bao.rootToken,
    server = bao,
  ): Promise<string> {
    const credentials = credentialsFrom({ 'vault/token': token });
    const client = await createProvider().newClient(vaultContext(server.endpoint, section, { credentials }), signal);
    try {
      return (await client.getSecret(ref, signal)).reveal().toString('utf8');
    } finally {
      await client.close();
    }
  }

  const put = (path: string, data: object): Promise<unknown> => bao.writer.call('POST', path, { data });
  const backend = (server = bao): string => `Vault at ${new URL(server.endpoint).host}`;

  it('reads versions by number, the newest by default', async () => {
    await put('secret/data/rotated', { a: 'first' });
    await put('secret/data/rotated', { a: 'second' });
    assert.equal(await read({ key: 'rotated' }), '{"a":"second"}');
    assert.equal(await read({ key: 'rotated', version: '1' }), '{"a":"first"}');
    assert.equal(await read({ key: 'rotated', version: '0' }), '{"a":"second"}');
    assert.equal((await failure(read({ key: 'rotated', version: '3' }))).code, 'SecretNotFound');
  });

  it('says that what is deleted or destroyed does not exist, and reads an older version beside it', async () => {
    await put('secret/data/going', { a: 'first' });
    await put('secret/data/going', { a: 'second' });
    await bao.writer.call('DELETE', 'secret/data/going');
    const deleted = await failure(read({ key: 'going' }));
    assert.equal(deleted.code, 'SecretNotFound');
    assert.equal(deleted.message, `${backend()} has no secret "going": it is deleted`);
    assert.equal(await read({ key: 'going', version: '1' }), '{"a":"first"}');
    await bao.writer.call('PUT', 'secret/destroy/going', { versions: [1] });
    const destroyed = await failure(read({ key: 'going', version: '1' }));
    assert.equal(destroyed.message, `${backend()} has no secret "going" in version "1": it is deleted`);
  });

  it('finds a key with and without the store’s path, and with what it repeats of it', async () => {
    await put('team/kv/data/app/db', { a: 'v2' });
    await put('secret/data/app/db', { a: 'default' });
    await bao.writer.call('POST', 'old/app/db', { a: 'v1' });
    const found = await Promise.all([
      read({ key: 'app/db' }, { path: 'team/kv' }),
      read({ key: 'team/kv/app/db' }, { path: 'team/kv' }),
      read({ key: 'team/kv/data/app/db' }, { path: 'team/kv' }),
      read({ key: 'team/kv/data/app/db' }, { path: null }),
      read({ key: 'secret/app/db' }, { path: null }),
      read({ key: 'app/db' }, { path: 'old', version: 'v1' }),
      read({ key: 'old/app/db' }, { path: null, version: 'v1' }),
    ]);
    const values = found.map((document) => (JSON.parse(document) as { a: string }).a);
    assert.deepEqual(values, ['v2', 'v2', 'v2', 'v2', 'default', 'v1', 'v1']);
  });

  it('reads keys with signs that have a meaning in URLs', async () => {
    await put(`secret/data/${encodeURIComponent('a b?c#d%2f+é')}`, { a: 'fake' });
    assert.equal(await read({ key: 'a b?c#d%2f+é' }), '{"a":"fake"}');
  });

  it('hands out a document as upstream prints it: compact, sorted, escaped', async () => {
    // KV v2 itself keeps numbers as floats: 1.50 comes back as 1.5, and digits beyond 2^53 are lost before we see them.
    const given =
      '{"data": {"z": 1.50, "big": 9007199254740991, "a": "<&>\\u2028é", "n": null, "o": {"y": [1, 2], "x": true}}}';
    await bao.writer.call('POST', 'secret/data/spelled', given);
    const want =
      '{"a":"\\u003c\\u0026\\u003e\\u2028é","big":9007199254740991,"n":null,"o":{"x":true,"y":[1,2]},"z":1.5}';
    assert.equal(await read({ key: 'spelled' }), want);
  });

  it('keeps namespaces apart', async () => {
    await bao.writer.call('POST', 'sys/namespaces/tenant', {});
    const tenant = openBaoWriter({ endpoint: bao.endpoint, token: bao.rootToken, namespace: 'tenant' });
    await tenant.enableKv('secret', 2);
    await tenant.call('POST', 'secret/data/place', { data: { a: 'tenant' } });
    await put('secret/data/place', { a: 'root' });
    assert.equal(await read({ key: 'place' }), '{"a":"root"}');
    assert.equal(await read({ key: 'place' }, { ...SECRET_MOUNT, namespace: 'tenant' }), '{"a":"tenant"}');
    const unknown = await failure(read({ key: 'place' }, { ...SECRET_MOUNT, namespace: 'nobody' }));
    assert.equal(unknown.code, 'InvalidProviderConfig');
  });

  it('tells a token that is unknown from one that may not read', async () => {
    await put('secret/data/guarded/a', { a: 'fake' });
    const unknown = await failure(read({ key: 'guarded/a' }, SECRET_MOUNT, 'fake-unknown-token'));
    assert.equal(unknown.code, 'BackendAuthFailed');
    const token = await bao.writer.createToken('path "secret/data/guarded/a" { capabilities = ["read"] }');
    assert.equal(await read({ key: 'guarded/a' }, SECRET_MOUNT, token), '{"a":"fake"}');
    const elsewhere = await failure(read({ key: 'guarded/b' }, SECRET_MOUNT, token));
    assert.equal(elsewhere.code, 'BackendPermissionDenied');
    assert.equal(elsewhere.message, `${backend()} does not let the store's token read secret "guarded/b"`);
    await bao.writer.call('POST', 'auth/token/revoke', { token });
    assert.equal((await failure(read({ key: 'guarded/a' }, SECRET_MOUNT, token))).code, 'BackendAuthFailed');
    const none = await failure(read({ key: 'guarded/a' }, { ...SECRET_MOUNT, auth: null }));
    assert.equal(none.code, 'BackendAuthFailed');
  });

  it('tells a mount that is not there, or of the other version, from a secret that is not', async () => {
    const unmounted = await failure(read({ key: 'a' }, { path: 'nowhere' }));
    assert.equal(unmounted.code, 'InvalidProviderConfig');
    const versioned = await failure(read({ key: 'a' }, { path: 'secret', version: 'v1' }));
    assert.equal(versioned.code, 'InvalidProviderConfig');
    assert.match(versioned.message, /keeps secret "a" in KV v2, but spec\.provider\.vault\.version is v1$/);
    assert.equal((await failure(read({ key: 'a' }))).code, 'SecretNotFound');
  });

  it('says BackendUnavailable while it is sealed', async () => {
    await using sealed = await startOpenBao();
    await sealed.writer.call('POST', 'sys/seal');
    const error = await failure(read({ key: 'a' }, SECRET_MOUNT, sealed.rootToken, sealed));
    assert.deepEqual([error.code, error.message], ['BackendUnavailable', `${backend(sealed)} is sealed`]);
  });

  it('trusts with TLS the store’s CA bundle and nothing else', async () => {
    await using secure = await startOpenBao({ tls: true });
    await secure.writer.call('POST', 'secret/data/a', { data: { a: 'fake' } });
    const caBundle = Buffer.from(secure.ca ?? '').toString('base64');
    const readFrom = (section: Record<string, Json>): Promise<string> =>
      read({ key: 'a' }, { ...SECRET_MOUNT, ...section }, secure.rootToken, secure);
    assert.equal(await readFrom({ caBundle }), '{"a":"fake"}');
    const untrusted = await failure(readFrom({}));
    assert.equal(untrusted.code, 'BackendUnavailable');
    assert.equal(untrusted.message, `${backend(secure)} cannot be reached: its TLS certificate is not trusted`);
    process.env['VAULT_SKIP_VERIFY'] = 'true';
    assert.equal((await failure(readFrom({}))).code, 'BackendUnavailable', 'verification was skipped');
    delete process.env['VAULT_SKIP_VERIFY'];
    await using other = await startOpenBao({ tls: true });
    const otherCa = Buffer.from(other.ca ?? '').toString('base64');
    assert.equal((await failure(readFrom({ caBundle: otherCa }))).code, 'BackendUnavailable');
  });

  it('says BackendUnavailable when TLS is spoken with a server that has none', async () => {
    const server = bao.endpoint.replace('http:', 'https:');
    const error = await failure(read({ key: 'a' }, { ...SECRET_MOUNT, server }));
    assert.equal(error.code, 'BackendUnavailable');
  });

  it('reads what docs/providers/vault.md shows, with the policy and the store shown there', async () => {
    const page = await readFile(PAGE, 'utf8');
    const policy = documentedPolicy(page);
    const manifests = /```yaml\n([^`]*)```/.exec(page)?.[1] ?? '';
    const [store, externalSecret] = parseAllDocuments(manifests).map((document) => document.toJS() as Manifest);
    const { key = '', property = '' } = externalSecret?.spec.data?.[0]?.remoteRef ?? {};
    await put(`secret/data/${key}`, { [property]: 'fake' });
    const section = { ...store?.spec.provider?.vault, auth: SECRET_TOKEN, server: bao.endpoint };
    assert.equal(await read({ key }, section, await bao.writer.createToken(policy)), `{"${property}":"fake"}`);
  });
});

interface Manifest {
  readonly spec: {
    readonly provider?: { readonly vault: Record<string, Json> };
    readonly data?: readonly { readonly remoteRef: { readonly key: string; readonly property: string } }[];
  };
}
