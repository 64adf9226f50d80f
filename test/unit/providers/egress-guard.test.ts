import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { LookupOptions } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { openConnection } from '../../../providers/shared/backend-connection.ts';
import { openEgress } from '../../../providers/shared/egress.ts';
import { guardUrl, guardedLookup } from '../../../providers/shared/egress-guard.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';
import { failure } from '../../contract/secrets-client.suite.ts';

const field = 'spec.provider.x.server';

function refusalOf(url: string, allowedHosts: readonly string[] = []): string {
  let message = '';
  assert.throws(
    () => guardUrl(url, field, allowedHosts),
    (error) => {
      assert.ok(error instanceof LatchkeyError);
      assert.equal(error.code, 'InvalidProviderConfig');
      message = error.message;
      return true;
    },
  );
  return message;
}

/** Addresses by what the refusal calls them; several spellings of one address on purpose. */
const REFUSED: Record<string, readonly string[]> = {
  'a loopback': [
    '127.0.0.1',
    '127.255.255.254',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '0.0.0.0',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:7f00:0001]',
    '１２７.0.0.1',
    'localhost',
    'LocalHost.',
    'a.localhost',
  ],
  'a link-local': [
    '169.254.169.254',
    '169.254.170.2',
    '0xa9fea9fe',
    '[fe80::1]',
    '[febf::1]',
    '[::ffff:169.254.169.254]',
  ],
  'a metadata service’s': [
    '[fd00:ec2::254]',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '[::ffff:100.100.100.200]',
    'metadata.google.internal',
    'metadata',
    'instance-data.ec2.internal',
  ],
  'a translated local': ['[64:ff9b::127.0.0.1]', '[64:ff9b::169.254.169.254]', '[::127.0.0.1]'],
};

const FINE = [
  'https://vault.example',
  'https://vault.example:8200/prefix',
  'https://10.0.0.7:8200',
  'https://192.168.1.1',
  'https://172.16.0.1',
  'https://100.64.0.1',
  'https://8.8.8.8',
  'https://[fd00::1]:8200',
  'https://[2001:db8::1]',
  'https://[::ffff:10.0.0.7]',
  'https://[64:ff9b::8.8.8.8]',
];

describe('a URL out of an object', () => {
  for (const [kind, hosts] of Object.entries(REFUSED)) {
    for (const host of hosts) {
      it(`may not lead to ${kind} address: ${host}`, () => {
        const message = refusalOf(`https://${host}:8200/`);
        assert.ok(message.startsWith(`${field} leads to ${kind} address, which stores may not use, unless `), message);
      });
    }
  }

  for (const url of FINE) it(`may be ${url}`, () => assert.equal(guardUrl(url, field, []).url.href, new URL(url).href));

  const malformed: Record<string, string> = {
    'no URL': 'vault.example:8200/x y',
    'a scheme of its own': 'ftp://vault.example',
    'a file': 'file:///etc/passwd',
    'a query': 'https://vault.example/?a=b',
    'a fragment': 'https://vault.example/#a',
    nothing: '',
  };
  for (const [what, url] of Object.entries(malformed)) {
    it(`may not be ${what}`, () =>
      assert.equal(refusalOf(url), `${field} must be a URL of the form https://host:port`));
  }

  it('may not hold credentials, and they are not quoted', () => {
    assert.equal(
      refusalOf('https://user:fake-password@vault.example'),
      `${field} must not hold a user name or password`,
    );
  });

  it('must be https, and the refusal names the flag that allows http', () => {
    assert.equal(
      refusalOf('http://Vault.example:8200'),
      `${field} must be https, unless Latchkey is started with --allowed-backend-hosts vault.example`,
    );
  });

  it('may lead anywhere, and be http, where the operator lists its host', () => {
    for (const host of ['127.0.0.1', 'vault.example', '[::1]']) {
      assert.equal(guardUrl(`http://${host}:8200`, field, [host]).lookup, undefined);
    }
  });

  it('is not allowed by the listing of another host', () => {
    assert.match(refusalOf('http://127.0.0.1', ['127.0.0.2', 'localhost', '1']), /must be https/);
    assert.match(refusalOf('https://vault.example.evil.example:x', ['vault.example']), /must be a URL/);
    assert.match(refusalOf('http://evil.vault.example', ['vault.example']), /must be https/);
  });
});

describe('a name that is resolved when connecting', () => {
  type Found = string | { address: string; family: number }[] | undefined;

  function look(addresses: readonly string[], options: LookupOptions = {}): Promise<Found> {
    const lookup = guardedLookup(field, 'vault.example', (_host, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    );
    return new Promise((resolve, reject) => {
      lookup('vault.example', options, (error, found) => (error === null ? resolve(found) : reject(error)));
    });
  }

  it('is what the resolver says', async () => {
    const both = [
      { address: '10.0.0.7', family: 4 },
      { address: 'fd00::7', family: 6 },
    ];
    assert.deepEqual(await look(['10.0.0.7', 'fd00::7'], { all: true }), both);
    assert.equal(await look(['10.0.0.7', 'fd00::7']), '10.0.0.7');
  });

  const rebound: Record<string, readonly string[]> = {
    'is a metadata address': ['169.254.169.254'],
    'is loopback beside a good address': ['10.0.0.7', '127.0.0.1'],
    'is IPv4 loopback spelled as IPv6': ['::ffff:127.0.0.1'],
    'is link-local with a zone': ['fe80::1%eth0'],
    'cannot be read': ['not-an-address'],
  };
  for (const [what, addresses] of Object.entries(rebound)) {
    it(`is refused when it ${what}`, async () => {
      const error = await failure(look(addresses, { all: true }));
      assert.equal(error.code, 'InvalidProviderConfig');
      assert.match(
        error.message,
        / address, which stores may not use, unless .*--allowed-backend-hosts vault\.example$/,
      );
    });
  }

  it('without an address does not resolve', async () => {
    await assert.rejects(look([]), { code: 'ENOTFOUND' });
  });

  it('is looked at by the connection itself: nothing reaches a server at loopback by name', async () => {
    let connections = 0;
    const server = createServer().on('connection', () => (connections += 1));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const lookup = guardedLookup(field, 'rebound.example', (_host, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]),
    );
    const url = new URL(`https://rebound.example:${port}`);
    const connection = openConnection(url, 'The backend', openEgress({}, { lookup }));
    const { signal } = new AbortController();
    const request = { method: 'GET', url: url.href, headers: {}, signal };
    const error = await failure(connection.send(request));
    assert.equal(error.code, 'InvalidProviderConfig');
    assert.match(error.message, /leads to a loopback address/);
    assert.equal(connections, 0);
    connection.close();
    server.close();
  });
});
