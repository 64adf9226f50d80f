import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createProvider } from '../../providers/vault/index.ts';
import type { Json } from '../../src/api/kubernetes.ts';
import type { FindQuery, SecretsClient } from '../../src/ports/provider.ts';
import { credentialsFrom } from '../contract/context.ts';
import { failure } from '../contract/secrets-client.suite.ts';
import { vaultContext } from '../contract/vault.subject.ts';
import { startOpenBao } from '../support/openbao/openbao.ts';
import type { OpenBao } from '../support/openbao/openbao.ts';
import { openBaoWriter } from '../support/openbao/openbao-writer.ts';

const { signal } = new AbortController();
const matching = (pattern: RegExp): FindQuery => ({
  matchNames: async (names) => names.map((name) => pattern.test(name)),
});

describe('find and metadata against OpenBao', () => {
  let bao: OpenBao;
  const call = (method: 'POST' | 'DELETE' | 'PUT', path: string, body?: object): Promise<unknown> =>
    bao.writer.call(method, path, body);

  before(async () => {
    bao = await startOpenBao();
    await bao.writer.enableKv('team/kv', 2);
    await bao.writer.enableKv('old', 1);
    await bao.writer.enableKv('empty', 2);
    for (const [name, team] of [
      ['db', 'a'],
      ['app/db', 'a'],
      ['app/cache/redis', 'b'],
      ['app/sp ace#1', 'b'],
      // A folder that is called like the mount itself, and one like KV v2's own word.
      ['team/kv/inner', 'c'],
      ['data/odd', 'c'],
    ] as const) {
      const at = name.split('/').map(encodeURIComponent).join('/');
      await call('POST', `team/kv/data/${at}`, { data: { is: name } });
      await call('POST', `team/kv/metadata/${at}`, { custom_metadata: { team, 'managed-by': 'someone' } });
      await call('POST', `old/${at}`, { is: name });
    }
  });
  after(() => bao.stop());

  async function withClient<T>(
    section: Record<string, Json>,
    body: (client: Required<SecretsClient>) => Promise<T>,
    token = bao.rootToken,
  ): Promise<T> {
    const credentials = credentialsFrom({ 'vault/token': token });
    const client = await createProvider().newClient(vaultContext(bao.endpoint, section, { credentials }), signal);
    try {
      assert.ok(client.findSecrets && client.getMetadata && client.validate);
      return await body(client as Required<SecretsClient>);
    } finally {
      await client.close();
    }
  }

  /** Names that are found; each value has to be its own. */
  async function find(section: Record<string, Json>, query: FindQuery, prefix = '', token?: string): Promise<string[]> {
    const found = await withClient(section, (client) => client.findSecrets(query, signal), token);
    for (const [name, value] of found) {
      assert.equal(String(value.reveal()), JSON.stringify({ is: name.slice(prefix.length) }));
    }
    return [...found.keys()];
  }

  const V2 = { path: 'team/kv' };
  const V1 = { path: 'old', version: 'v1' };
  const ALL = ['app/cache/redis', 'app/db', 'app/sp ace#1', 'data/odd', 'db', 'team/kv/inner'];

  it('walks both versions, with and without the store’s path', async () => {
    assert.deepEqual(await find(V2, {}), ALL);
    assert.deepEqual(await find(V1, {}), ALL);
    const below = (prefix: string): string[] => ALL.map((name) => `${prefix}${name}`);
    assert.deepEqual(await find({ path: null }, { path: 'team/kv/data' }, 'team/kv/data/'), below('team/kv/data/'));
    assert.deepEqual(await find({ path: null, version: 'v1' }, { path: 'old' }, 'old/'), below('old/'));
  });

  it('begins at the query’s path, and matches names with it', async () => {
    assert.deepEqual(await find(V2, { path: 'app' }), ['app/cache/redis', 'app/db', 'app/sp ace#1']);
    assert.deepEqual(await find(V2, { path: 'app', ...matching(/^app\/[a-z]+$/) }), ['app/db']);
    assert.deepEqual(await find(V1, matching(/db$/)), ['app/db', 'db']);
  });

  it('finds by custom metadata', async () => {
    assert.deepEqual(await find(V2, { tags: { team: 'b' } }), ['app/cache/redis', 'app/sp ace#1']);
    assert.deepEqual(await find(V2, { tags: { team: 'a', 'managed-by': 'someone' }, ...matching(/^app/) }), ['app/db']);
    assert.deepEqual(await find(V2, { tags: { team: 'nobody' } }), []);
  });

  it('leaves out what is deleted but still listed, and says when there is nothing to list', async () => {
    await call('POST', 'team/kv/data/app/old', { data: { is: 'gone' } });
    await call('DELETE', 'team/kv/data/app/old');
    assert.deepEqual(await find(V2, { path: 'app' }), ['app/cache/redis', 'app/db', 'app/sp ace#1']);
    assert.equal((await failure(find(V2, { path: 'nowhere' }))).code, 'SecretNotFound');
    assert.equal((await failure(find({ path: 'empty' }, {}))).code, 'SecretNotFound');
    const unmounted = await failure(find({ path: 'unmounted' }, {}));
    assert.equal(unmounted.code, 'InvalidProviderConfig');
  });

  it('needs the right to list, and says which folder it may not', async () => {
    const token = await bao.writer.createToken('path "team/kv/data/*" { capabilities = ["read"] }');
    const error = await failure(find(V2, { path: 'app' }, '', token));
    assert.equal(error.code, 'BackendPermissionDenied');
    assert.match(error.message, /does not let the store's token list folder "app"$/);
  });

  it('stays within its namespace', async () => {
    await call('POST', 'sys/namespaces/walled', {});
    const walled = openBaoWriter({ endpoint: bao.endpoint, token: bao.rootToken, namespace: 'walled' });
    await walled.enableKv('team/kv', 2);
    await walled.call('POST', 'team/kv/data/inside', { data: { is: 'inside' } });
    assert.deepEqual(await find({ ...V2, namespace: 'walled' }, {}), ['inside']);
  });

  it('gives hundreds of secrets, as many requests under way as the limit says', async () => {
    await bao.writer.enableKv('many', 2);
    for (let index = 0; index < 300; index += 1) {
      await call('POST', `many/data/f${index % 7}/${index}`, { data: { is: `f${index % 7}/${index}` } });
    }
    assert.equal((await find({ path: 'many' }, {})).length, 300);
  });

  it('tells custom metadata and three of Vault’s own, the custom ones first', async () => {
    const metadata = (section: Record<string, Json>, key: string) =>
      withClient(section, (client) => client.getMetadata({ key }, signal));
    await call('POST', 'team/kv/metadata/described', { custom_metadata: { z: '<&>', current_version: 'ours' } });
    const described = await metadata(V2, 'described');
    assert.match(
      String(described.reveal()),
      /^\{"created_time":"[^"]+Z","current_version":"ours","delete_version_after":"0s","z":"\\u003c\\u0026\\u003e"\}$/,
    );
    const { created_time: created, ...others } = JSON.parse(String((await metadata(V2, 'team/kv/data/db')).reveal()));
    assert.match(created, /^\d{4}-/);
    assert.deepEqual(others, { current_version: '1', delete_version_after: '0s', team: 'a', 'managed-by': 'someone' });
    assert.equal((await failure(metadata(V2, 'nothing'))).code, 'SecretNotFound');
    const v1 = await failure(metadata(V1, 'db'));
    assert.deepEqual(
      [v1.code, v1.message],
      ['InvalidExternalSecret', 'KV v1 keeps no metadata, so secret "db" has none'],
    );
  });

  it('validates a token that Vault knows, whatever it may do', async () => {
    const validate = (token: string) => withClient(V2, (client) => client.validate(signal), token);
    await validate(bao.rootToken);
    await validate(await bao.writer.createToken('path "none" { capabilities = ["read"] }'));
    assert.equal((await failure(validate('fake-unknown'))).code, 'BackendAuthFailed');
  });
});
