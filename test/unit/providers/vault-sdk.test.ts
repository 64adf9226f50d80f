/** node-vault is asked for by name. Each defect of 0.12.0 is shown here with it alone, and that nothing of it is left with ours. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import nodeVault from 'node-vault';
import { openConnection } from '../../../providers/shared/backend-connection.ts';
import { openEgress } from '../../../providers/shared/egress.ts';
import { createVaultSdk } from '../../../providers/vault/sdk.ts';
import { startVaultStub, vaultErrorReply, vaultReply } from '../../contract/vault-stub.ts';

const { signal } = new AbortController();

interface Sent {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** node-vault as it is, before a server that grants a token for everything. */
function alone(options: object = {}) {
  const sent: Sent[] = [];
  const answer = { statusCode: 200, body: { auth: { client_token: 'fake-granted' } }, request: { path: '' } };
  const send = async ({ method, uri, headers }: Sent) => {
    sent.push({ method, uri, headers: { ...headers } });
    return answer;
  };
  const client = nodeVault({
    endpoint: 'https://vault.example',
    token: 'fake-first',
    'request-promise': { defaults: () => send },
    ...options,
  });
  return { client, sent };
}

async function ours() {
  const stub = await startVaultStub(({ path }) =>
    path.startsWith('denied')
      ? vaultErrorReply(403, ['permission denied'])
      : vaultReply('{"fake":12345678901234567890}'),
  );
  const url = new URL(stub.endpoint);
  const connection = openConnection(url, 'Vault', openEgress({}));
  const sdk = await createVaultSdk(url, connection);
  return {
    sdk,
    stub,
    close: async () => {
      connection.close();
      await stub.close();
    },
  };
}

const request = (path: string, token?: string) => ({
  path,
  headers: { 'x-vault-request': 'true', ...(token === undefined ? {} : { 'x-vault-token': token }) },
  signal,
});

describe('node-vault', () => {
  it('asks for a Kubernetes log-in at a path without its mount; ours is a write where it belongs', async () => {
    const { client, sent } = alone();
    await client.kubernetesLogin({ role: 'app', jwt: 'fake' });
    assert.equal(sent[0]?.uri, 'https://vault.example/v1/auth//login');
    const { sdk, stub, close } = await ours();
    await sdk.write(request('auth/kubernetes/login'), { role: 'app', jwt: 'fake' });
    assert.deepEqual(
      stub.requests.map(({ method, path, body }) => [method, path, body]),
      [['POST', 'auth/kubernetes/login', { role: 'app', jwt: 'fake' }]],
    );
    await close();
  });

  it('replaces the token of all its requests with every log-in; with ours each request has its own', async () => {
    const { client, sent } = alone();
    await client.approleLogin({ role_id: 'fake', secret_id: 'fake' });
    await client.read('secret/data/db');
    assert.equal(sent.at(-1)?.headers['X-Vault-Token'], 'fake-granted');
    const { sdk, stub, close } = await ours();
    await sdk.read(request('a', 'fake-one'));
    await sdk.write(request('auth/approle/login'), {});
    await Promise.all([
      sdk.read(request('b', 'fake-two')),
      sdk.list(request('c', 'fake-three')),
      sdk.read(request('d')),
    ]);
    const tokens = Object.fromEntries(stub.requests.map(({ path, token }) => [path, token]));
    assert.deepEqual(tokens, {
      a: 'fake-one',
      'auth/approle/login': undefined,
      b: 'fake-two',
      'c?list=1': 'fake-three',
      d: undefined,
    });
    await close();
  });

  it('takes what is not configured from VAULT_ variables; ours takes nothing', async () => {
    const ambient = { VAULT_TOKEN: 'fake-ambient', VAULT_NAMESPACE: 'fake-ambient', VAULT_PREFIX: '/fake-ambient' };
    Object.assign(process.env, ambient);
    try {
      const { client, sent } = alone({ token: undefined });
      await client.read('db');
      assert.match(
        JSON.stringify(sent),
        /"uri":"https:\/\/vault\.example\/v1\/fake-ambient\/db".*"fake-ambient".*"fake-ambient"/,
      );
      const { sdk, stub, close } = await ours();
      await sdk.read(request('db'));
      assert.equal(JSON.stringify(stub.requests).includes('ambient'), false);
      await close();
    } finally {
      for (const name of Object.keys(ambient)) delete process.env[name];
    }
  });

  it('throws errors that hold the answer; ours hands out answers of every status, byte for byte', async () => {
    const { sdk, close } = await ours();
    assert.equal((await sdk.read(request('denied'))).status, 403);
    assert.match(String((await sdk.read(request('db'))).body), /"fake":12345678901234567890/);
    await close();
  });

  it('lists by the verb LIST, which not every proxy lets pass; ours by GET, as Vault’s own client', async () => {
    const { client, sent } = alone();
    await client.list('secret/metadata/');
    assert.equal(sent[0]?.method, 'LIST');
    const { sdk, stub, close } = await ours();
    await sdk.list(request('secret/metadata/'));
    assert.deepEqual([stub.requests[0]?.method, stub.requests[0]?.path], ['GET', 'secret/metadata/?list=1']);
    await close();
  });
});
