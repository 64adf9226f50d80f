import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { issueInWorker } from '../../../certs/issue.ts';
import { openConnection } from '../../../providers/shared/backend-connection.ts';
import { openEgress } from '../../../providers/shared/egress.ts';
import type { EgressOptions } from '../../../providers/shared/egress.ts';
import { guardedLookup } from '../../../providers/shared/egress-guard.ts';
import { failure } from '../../contract/secrets-client.suite.ts';
import { createAuthority, createClientCertificate } from '../../support/latchkey/client-certificate.ts';
import { startForwardProxy } from '../../support/faults/forward-proxy.ts';
import { createTemporaryDirectory } from '../../support/process/temporary-directory.ts';

const { signal } = new AbortController();
const PROXY_PASSWORD = 'fake-proxy-password';
const HOUR_MS = 3_600_000;

async function listening<T extends Server>(server: T): Promise<T> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe('egress', { timeout: 30_000 }, () => {
  let backend: HttpsServer;
  let ca: string;
  let identity: { certificate: string; key: string };

  before(async () => {
    const validity = { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + HOUR_MS };
    const { issuer, leaf } = await issueInWorker(
      { issuer: validity, leaf: { dnsNames: ['vault.example', 'localhost'], ipAddresses: ['127.0.0.1'], validity } },
      AbortSignal.timeout(30_000),
    );
    assert.ok(leaf);
    const clients = await createAuthority();
    const { cert, key } = createClientCertificate(clients);
    [ca, identity] = [issuer.certificatePem, { certificate: cert, key }];
    backend = await listening(
      createHttpsServer(
        {
          cert: leaf.certificatePem,
          key: leaf.privateKeyPem,
          ca: clients.certificatePem,
          requestCert: true,
          rejectUnauthorized: false,
        },
        ({ socket }, response) => response.end(Reflect.get(socket, 'authorized') === true ? 'known' : 'unknown'),
      ),
    );
  });
  after(() => {
    backend.closeAllConnections();
    backend.close();
  });

  /** One request through agents of that environment; the body of its answer. */
  async function ask(url: string, environment: Record<string, string>, options: EgressOptions = {}): Promise<string> {
    const connection = openConnection(new URL(url), 'The backend', openEgress(environment, options));
    try {
      return String((await connection.send({ method: 'GET', url, headers: {}, signal })).body);
    } finally {
      connection.close();
    }
  }
  const refusing = guardedLookup('server', 'vault.example', (_host, _options, callback) =>
    callback(null, [{ address: '169.254.169.254', family: 4 }]),
  );

  it('tunnels https through HTTPS_PROXY, end to end with the store’s authorities and client certificate', async () => {
    const proxy = await startForwardProxy();
    const url = `https://vault.example:${portOf(backend)}/`;
    const HTTPS_PROXY = proxy.url.replace('//', `//latchkey:${PROXY_PASSWORD}@`);
    assert.equal(await ask(url, { HTTPS_PROXY }, { ca, identity }), 'known');
    assert.equal(await ask(url, { https_proxy: proxy.url }, { ca, lookup: refusing }), 'unknown');
    const [first, second] = proxy.seen;
    assert.match(first ?? '', /^CONNECT vault\.example:\d+ Basic /);
    assert.match(second ?? '', /^CONNECT vault\.example:\d+$/);
    assert.equal((await failure(ask(url, { HTTPS_PROXY }))).code, 'BackendUnavailable', 'an unknown authority');
    proxy.close();
  });

  it('hands plain http to HTTP_PROXY', async () => {
    const proxy = await startForwardProxy();
    assert.equal(await ask('http://vault.example/a', { HTTP_PROXY: proxy.url }), 'from the proxy');
    assert.deepEqual(proxy.seen, ['GET http://vault.example/a']);
    proxy.close();
  });

  it('goes past the proxy, under the guard, to what NO_PROXY lists', async () => {
    const proxy = await startForwardProxy();
    const environment = { HTTPS_PROXY: proxy.url, NO_PROXY: 'other.example,.example' };
    const error = await failure(ask('https://vault.example/', environment, { ca, lookup: refusing }));
    assert.equal(error.code, 'InvalidProviderConfig');
    assert.match(error.message, /leads to a link-local address/);
    const direct = { HTTPS_PROXY: proxy.url, no_proxy: '127.0.0.1' };
    assert.equal(await ask(`https://127.0.0.1:${portOf(backend)}/`, direct, { ca }), 'unknown');
    assert.deepEqual(proxy.seen, []);
    proxy.close();
  });

  it('says that the proxy does not lead there, without naming it', async () => {
    const proxy = await startForwardProxy('refuses');
    const HTTPS_PROXY = proxy.url.replace('//', `//latchkey:${PROXY_PASSWORD}@`);
    const error = await failure(ask('https://vault.example/', { HTTPS_PROXY }));
    assert.equal(error.message, 'The backend cannot be reached: the proxy does not lead there');
    assert.equal(error.code, 'BackendUnavailable');
    proxy.close();
  });

  for (const proxy of ['proxy.example:3128', 'not a url', 'socks5://proxy.example:1080', 'http://[']) {
    it(`refuses to go past a proxy that it cannot use: ${proxy}`, async () => {
      const error = await failure(ask('https://vault.example/', { HTTPS_PROXY: proxy }));
      assert.equal(error.message, "Latchkey's HTTPS_PROXY must be of the form http://host:port");
    });
  }

  it('trusts NODE_EXTRA_CA_CERTS beside the system’s authorities, for every agent', async () => {
    const directory = await createTemporaryDirectory('egress');
    const file = join(directory.path, 'ca.pem');
    await writeFile(file, ca);
    const module = join(import.meta.dirname, '../../../providers/shared/egress.ts');
    const program =
      `import { get } from 'node:https'; const { openEgress } = await import(${JSON.stringify(module)});` +
      `get(process.argv[1], { agent: openEgress({}).httpsAgent }, ({ statusCode }) => { console.log(statusCode); process.exit(); })` +
      `.on('error', ({ code }) => { console.log(code); });`;
    const run = async (env: Record<string, string>): Promise<string> => {
      const args = ['--input-type=module', '--eval', program, '--', `https://127.0.0.1:${portOf(backend)}/`];
      return (await promisify(execFile)(process.execPath, args, { env })).stdout.trim();
    };
    assert.equal(await run({ NODE_EXTRA_CA_CERTS: file }), '200');
    assert.match(await run({}), /UNABLE_TO_VERIFY|SELF_SIGNED/);
    await directory.remove();
  });
});
