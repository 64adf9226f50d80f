import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import type * as make from '../../../support/latchkey/manifests.ts';
import { Backend } from './support/backend.ts';
import { asText, bytesOf, resolveThrough } from './support/resolving.ts';

let backend: Backend;

beforeEach(() => {
  backend = new Backend();
  backend.values.set('a', JSON.stringify({ user: 'a-user', password: 'a-password' }));
  backend.values.set('b', JSON.stringify({ password: 'b-password', 'odd key!': 'odd' }));
  backend.values.set('plain', 'not-json');
});

const resolve = async (spec: make.Manifest): Promise<Record<string, string>> =>
  asText(bytesOf(await resolveThrough(backend.registry, spec)));

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
    await assert.rejects(resolve({ dataFrom: [extract('twins')] }), /two names become the key "a_b"/);
  });
});
