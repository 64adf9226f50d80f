import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { ExternalSecret, SecretStore } from '../../../../src/api/external-secrets.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { ClientCache } from '../../../../src/stores/client-cache.ts';
import { resolveExternalSecret } from '../../../../src/stores/resolve.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { Backend } from './support/backend.ts';
import { handClock } from './support/clock.ts';
import { noMetrics, silentLogger, store } from './support/world.ts';

let backend: Backend;

beforeEach(() => {
  backend = new Backend();
  backend.values.set('a', JSON.stringify({ user: 'a-user', password: 'a-password' }));
  backend.values.set('b', JSON.stringify({ password: 'b-password', 'odd key!': 'odd' }));
  backend.values.set('plain', 'not-json');
});

async function resolve(spec: make.Manifest): Promise<Record<string, string>> {
  const clients = new ClientCache(new FolderCluster(handClock()), {
    registry: backend.registry,
    environment: {},
    ambientCredentials: 'none',
    metrics: noMetrics,
    logger: silentLogger,
  });
  const externalSecret = make.externalSecret({ name: 'es', namespace: 'shop', data: {}, spec });
  const values = await resolveExternalSecret(
    externalSecret as unknown as ExternalSecret,
    { kind: 'SecretStore', name: 'store', namespace: 'shop' },
    store('store') as unknown as SecretStore,
    clients,
    AbortSignal.timeout(5_000),
  );
  return Object.fromEntries([...values].map(([key, value]) => [key, value.reveal().toString()]));
}

const item = (secretKey: string, key: string, property?: string) => ({ secretKey, remoteRef: { key, property } });
const extract = (key: string) => ({ extract: { key } });

describe('what an ExternalSecret asks for', () => {
  it('by data is one key each', async () => {
    assert.deepEqual(await resolve({ data: [item('u', 'a', 'user'), item('raw', 'plain')] }), {
      u: 'a-user',
      raw: 'not-json',
    });
  });

  it('by dataFrom comes in order, and later keys win', async () => {
    assert.equal((await resolve({ dataFrom: [extract('a'), extract('b')] }))['password'], 'b-password');
    assert.equal((await resolve({ dataFrom: [extract('b'), extract('a')] }))['password'], 'a-password');
  });

  it('by data wins over dataFrom', async () => {
    const values = await resolve({ data: [item('password', 'plain')], dataFrom: [extract('a')] });
    assert.deepEqual(values, { user: 'a-user', password: 'not-json' });
  });

  it('has the names of a document turned into keys that a Secret may have', async () => {
    assert.deepEqual(Object.keys(await resolve({ dataFrom: [extract('b')] })), ['password', 'odd_key_']);
  });

  it('costs one read a document, however much is taken from it', async () => {
    await resolve({
      data: [item('u', 'a', 'user'), item('p', 'a', 'password')],
      dataFrom: [extract('a'), extract('b')],
    });
    assert.deepEqual(backend.asked.toSorted(), ['a', 'b']);
  });

  const failures: readonly [what: string, spec: make.Manifest, code: string, message: RegExp][] = [
    [
      'a missing secret',
      { data: [item('x', 'a'), item('k', 'gone')] },
      'SecretNotFound',
      /^spec\.data\[1\] \(secretKey "k"\): /,
    ],
    [
      'a missing property',
      { data: [item('k', 'a', 'nope')] },
      'PropertyNotFound',
      /^spec\.data\[0\] .*secret "a" has no property "nope"$/,
    ],
    [
      'a document that is no object',
      { dataFrom: [extract('plain')] },
      'InvalidData',
      /^spec\.dataFrom\[0\]\.extract: /,
    ],
  ];
  for (const [what, spec, code, message] of failures) {
    it(`ends at ${what}, naming the field and no value`, async () => {
      await assert.rejects(
        resolve(spec),
        (error) =>
          error instanceof LatchkeyError &&
          error.code === code &&
          message.test(error.message) &&
          !/a-password|not-json/.test(error.message),
      );
    });
  }

  it('ends where two members would become one key', async () => {
    backend.values.set('twins', JSON.stringify({ 'a b': '1', 'a!b': '2' }));
    await assert.rejects(resolve({ dataFrom: [extract('twins')] }), /two members of "twins" become the key "a_b"/);
  });
});
