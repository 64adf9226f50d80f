/** Whoever may write a store chooses where Latchkey connects. None of what Latchkey has must arrive anywhere for it. */
import assert from 'node:assert/strict';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { openConnection } from '../../providers/shared/backend-connection.ts';
import { openEgress } from '../../providers/shared/egress.ts';
import { guardedLookup } from '../../providers/shared/egress-guard.ts';
import { createProvider } from '../../providers/vault/index.ts';
import type { Json } from '../../src/api/kubernetes.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { credentialsFrom } from '../contract/context.ts';
import { assertNothingLeaks, failure } from '../contract/secrets-client.suite.ts';
import { vaultContext } from '../contract/vault.subject.ts';
import { startVaultStub, vaultReply } from '../contract/vault-stub.ts';
import { startLdapFront } from '../support/openbao/ldap-front.ts';
import { startOpenBao } from '../support/openbao/openbao.ts';

const { signal } = new AbortController();
/** What the tenant gives the store itself. */
const OWN = 'fake-tenant-password';
/** What a process of ours may have, and a tenant must not get. */
const OURS = {
  VAULT_TOKEN: 'fake-ours-vault-token',
  VAULT_NAMESPACE: 'fake-ours-namespace',
  AWS_SECRET_ACCESS_KEY: 'fake-ours-aws-key',
  VAULT_ADDR: 'https://fake-ours.example',
};
const secretRef = { name: 'vault', key: 'secret' };
const PASSWORD = { userPass: { username: 'app', secretRef } };

/** Everything that arrives at a loopback port, in bytes. */
async function listenForAnything() {
  const received: Buffer[] = [];
  const sockets: Socket[] = [];
  const server: Server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on('data', (bytes) => received.push(bytes)).on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    sockets,
    bytes: () => Buffer.concat(received),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a namespaced Vault store of an attacker', { timeout: 60_000 }, () => {
  before(() => void Object.assign(process.env, OURS));
  after(() => {
    for (const name of Object.keys(OURS)) delete process.env[name];
  });

  async function tryStore(server: string, auth: Json, overrides: Partial<ClientContext> = {}) {
    const credentials = credentialsFrom({ 'vault/secret': OWN });
    const context = vaultContext(server, { auth }, { credentials, environment: { ...OURS }, ...overrides });
    const client = await createProvider().newClient(context, signal);
    try {
      return await client.getSecret({ key: 'db' }, signal);
    } finally {
      await client.close();
    }
  }

  const targets = (port: number): Record<string, string> => ({
    'at the metadata service': `http://169.254.169.254:${port}`,
    'at the metadata service by https': `https://169.254.169.254:${port}`,
    'at the metadata service’s name': `https://metadata.google.internal:${port}`,
    'at loopback': `http://127.0.0.1:${port}`,
    'at loopback by https': `https://127.0.0.1:${port}`,
    'at loopback by name': `https://localhost:${port}`,
    'at loopback in disguise': `https://0x7f.1:${port}`,
    'at loopback as IPv6': `https://[::ffff:127.0.0.1]:${port}`,
    'with credentials in its URL': `https://user:fake@vault.example:${port}`,
  });

  it('reaches nothing that is local, whether it logs in or not, with a proxy or without', async () => {
    const listener = await listenForAnything();
    const proxy = await listenForAnything();
    for (const server of Object.values(targets(listener.port))) {
      for (const auth of [null, PASSWORD]) {
        for (const environment of [{}, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` }]) {
          const overrides = { allowedBackendHosts: [], environment };
          const error = await failure(tryStore(server, auth, overrides));
          assert.equal(error.code, 'InvalidProviderConfig', server);
          const { store, config } = vaultContext(server, { auth });
          assert.throws(() => createProvider().validateStore({ store, config, allowedBackendHosts: [] }), {
            code: 'InvalidProviderConfig',
          });
        }
      }
    }
    assert.deepEqual([listener.sockets.length, proxy.sockets.length], [0, 0]);
    await Promise.all([listener.close(), proxy.close()]);
  });

  it('reaches nothing that is local by a name that resolves there, at the first or at a later connection', async () => {
    const listener = await listenForAnything();
    for (const address of ['127.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fe80::1%eth0']) {
      const family = address.includes(':') ? 6 : 4;
      const lookup = guardedLookup('server', 'rebound.example', (_host, _options, callback) =>
        callback(null, [{ address, family }]),
      );
      const url = new URL(`https://rebound.example:${listener.port}/`);
      const connection = openConnection(url, 'Vault', openEgress({}, { lookup }));
      const request = { method: 'GET', url: url.href, headers: { 'x-vault-token': OWN }, signal };
      for (let count = 0; count < 2; count += 1) {
        assert.equal((await failure(connection.send(request))).code, 'InvalidProviderConfig', address);
      }
      connection.close();
    }
    assert.equal(listener.sockets.length, 0);
    await listener.close();
  });

  it('gets what the tenant gave the store and nothing else, in any request', async () => {
    const stub = await startVaultStub(({ path }) =>
      path.endsWith('/login/app')
        ? { status: 200, body: '{"auth":{"client_token":"fake-granted","lease_duration":60,"renewable":true}}' }
        : vaultReply('{"data":{"a":"fake"}}'),
    );
    for (const auth of [null, PASSWORD]) await tryStore(stub.endpoint, auth);
    assert.equal(stub.requests.length, 4);
    const sent = JSON.stringify(stub.requests);
    for (const ours of Object.values(OURS)) assert.equal(sent.includes(ours), false, ours);
    const allowed = [
      'host',
      'connection',
      'x-vault-request',
      'x-vault-token',
      'content-type',
      'content-length',
      'transfer-encoding',
    ];
    for (const { headers } of stub.requests) {
      assert.deepEqual(
        Object.keys(headers).filter((name) => !allowed.includes(name)),
        [],
      );
    }
    await stub.close();
  });

  it('cannot send Latchkey elsewhere by a redirect: neither a log-in nor a read, nor its close', async () => {
    const listener = await listenForAnything();
    const location = `http://127.0.0.1:${listener.port}/v1/anything`;
    for (const status of [301, 302, 303, 307, 308]) {
      const stub = await startVaultStub(() => ({ status, body: '', headers: { location } }));
      for (const auth of [null, PASSWORD]) {
        const error = await failure(tryStore(stub.endpoint, auth));
        assert.equal(error.code, 'BackendResponseInvalid');
        assertNothingLeaks(error, OWN);
      }
      await stub.close();
    }
    assert.equal(listener.sockets.length, 0);
    await listener.close();
  });

  it('never gets a token of Latchkey itself for the Kubernetes method', async () => {
    const stub = await startVaultStub(() => vaultReply('{}'));
    for (const auth of [{ kubernetes: { role: 'app' } }, { kubernetes: { mountPath: 'k8s', role: 'app' } }]) {
      for (const isAmbientIdentityAllowed of [false, true]) {
        const error = await failure(tryStore(stub.endpoint, auth, { isAmbientIdentityAllowed }));
        assert.equal(error.code, 'InvalidProviderConfig');
      }
    }
    assert.equal(stub.requests.length, 0);
    await stub.close();
  });

  it('cannot read a value or password back out of what an honest server refuses', async () => {
    await using bao = await startOpenBao();
    await using front = await startLdapFront(bao, { name: 'app', password: 'fake-right', policies: [] });
    const error = await failure(tryStore(front.endpoint, { ldap: { username: 'app', secretRef } }));
    assert.equal(error.code, 'BackendAuthFailed');
    assertNothingLeaks(error, OWN);
  });
});
