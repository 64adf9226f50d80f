/** How many calls a resolution costs, what a batch may answer, and what must hold for any manifest. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatchkeyError, type ErrorCode } from '../../../../src/core/errors.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import type { DocumentRef, DocumentResult, SecretsClient } from '../../../../src/ports/provider.ts';
import { pathOnly } from '../../../../providers/shared/json-document.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { asText, bytesOf, resolveThrough } from './support/resolving.ts';

type Reads = Partial<Pick<SecretsClient, 'getSecret' | 'getSecrets'>>;

const resolve = async (reads: Reads, spec: make.Manifest): Promise<Record<string, string>> =>
  asText(await resolveBytes(reads, spec));

async function resolveBytes(reads: Reads, spec: make.Manifest): Promise<ReadonlyMap<string, Buffer>> {
  const neverAlone: SecretsClient['getSecret'] = async () => assert.fail('a batch was to be had');
  const client: SecretsClient = { getSecret: neverAlone, close: async () => undefined, ...reads };
  const createProvider = () => ({ validateStore: () => undefined, newClient: async () => client, documents: pathOnly });
  return bytesOf(await resolveThrough({ test: async () => ({ createProvider }) }, spec));
}

const item = (secretKey: string, key: string, more: make.Manifest = {}) => ({ secretKey, remoteRef: { key, ...more } });
const extract = (key: string, more: make.Manifest = {}) => ({ extract: { key, ...more } });
const document = (text: string): DocumentResult => ({ document: SecretValue.fromText(text) });
const failure = (code: ErrorCode): DocumentResult => ({ error: new LatchkeyError(code, 'the test backend refuses') });
const failsWith =
  (code: ErrorCode, message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof LatchkeyError && error.code === code && message.test(error.message);

describe('a backend that reads in batches', () => {
  it('is asked once, for each document once, in the order of the manifest', async () => {
    const asked: (readonly DocumentRef[])[] = [];
    const getSecrets: SecretsClient['getSecrets'] = async (refs) => {
      asked.push(refs);
      return refs.map(({ key }) => document(JSON.stringify({ of: key })));
    };
    const values = await resolve(
      { getSecrets },
      { dataFrom: [extract('b')], data: [item('x', 'a', { property: 'of' }), item('y', 'b', { property: 'of' })] },
    );
    assert.deepEqual(values, { of: 'b', x: 'a', y: 'b' });
    assert.deepEqual(asked, [[{ key: 'b' }, { key: 'a' }]]);
  });

  it('that leaves an answer out is not understood', async () => {
    const getSecrets = async (): Promise<readonly DocumentResult[]> => [document('not-real-a')];
    await assert.rejects(
      resolve({ getSecrets }, { data: [item('x', 'a'), item('y', 'b')] }),
      failsWith('BackendResponseInvalid', /^spec\.data\[1\] \(secretKey "y"\): the answer for "b" is missing$/),
    );
  });

  it('has the error of one item told with that item’s field', async () => {
    const getSecrets = async (): Promise<readonly DocumentResult[]> => [document('x'), failure('SecretNotFound')];
    await assert.rejects(
      resolve({ getSecrets }, { data: [item('x', 'a'), item('y', 'b')] }),
      failsWith('SecretNotFound', /^spec\.data\[1\] \(secretKey "y"\): the test backend refuses$/),
    );
  });

  it('that refuses the whole batch fails with its own code', async () => {
    const getSecrets = () => Promise.reject(new LatchkeyError('BackendThrottled', 'the test backend asks to wait'));
    await assert.rejects(resolve({ getSecrets }, { data: [item('x', 'a')] }), failsWith('BackendThrottled', /to wait/));
  });
});

describe('a document', () => {
  it('of another version is another document, and an empty version is none', async () => {
    const asked: DocumentRef[] = [];
    const getSecret: SecretsClient['getSecret'] = async (ref) => {
      asked.push(ref);
      return SecretValue.fromText(`not-real-${ref.version ?? 'current'}`);
    };
    const data = [item('a', 'k', { version: '1' }), item('b', 'k', { version: '' }), item('c', 'k')];
    assert.deepEqual(await resolve({ getSecret }, { data }), {
      a: 'not-real-1',
      b: 'not-real-current',
      c: 'not-real-current',
    });
    assert.deepEqual(asked, [{ key: 'k', version: '1' }, { key: 'k' }]);
  });

  it('is read beside at most seven others', async () => {
    let [running, most] = [0, 0];
    const getSecret: SecretsClient['getSecret'] = async ({ key }) => {
      most = Math.max(most, (running += 1));
      await new Promise((next) => setImmediate(next));
      running -= 1;
      return SecretValue.fromText(key);
    };
    const names = Array.from({ length: 30 }, (_, index) => `k${index}`);
    const values = await resolve({ getSecret }, { data: names.map((name) => item(name, name)) });
    assert.deepEqual(values, Object.fromEntries(names.map((name) => [name, name])));
    assert.equal(most, 8);
  });

  it('whose bytes are no text arrives unchanged', async () => {
    const bytes = [0, 255, 254, 10, 128];
    const getSecret: SecretsClient['getSecret'] = async () => new SecretValue(Uint8Array.from(bytes));
    const values = await resolveBytes({ getSecret }, { data: [item('raw', 'k')] });
    assert.deepEqual([...(values.get('raw') ?? [])], bytes);
  });
});

describe('of several failures', () => {
  it('the first field of the manifest is told, whichever answer comes first', async () => {
    const getSecret: SecretsClient['getSecret'] = async ({ key }) => {
      if (key === 'slow') await new Promise((next) => setImmediate(next));
      throw new LatchkeyError(key === 'slow' ? 'SecretNotFound' : 'BackendUnavailable', `${key} failed`);
    };
    await assert.rejects(
      resolve({ getSecret }, { data: [item('x', 'slow'), item('y', 'quick')] }),
      failsWith('SecretNotFound', /^spec\.data\[0\]/),
    );
  });

  it('one of dataFrom is told before one of data', async () => {
    const getSecret: SecretsClient['getSecret'] = async ({ key }) =>
      Promise.reject(new LatchkeyError('SecretNotFound', `no ${key}`));
    await assert.rejects(
      resolve({ getSecret }, { data: [item('x', 'a')], dataFrom: [extract('b')] }),
      failsWith('SecretNotFound', /^spec\.dataFrom\[0\]\.extract: no b$/),
    );
  });

  it('one that is not ours keeps its text to itself', async () => {
    const getSecret = () => Promise.reject(new Error('the SDK quotes not-real-password'));
    await assert.rejects(
      resolve({ getSecret }, { data: [item('x', 'a')] }),
      (error) =>
        error instanceof LatchkeyError && error.code === 'Internal' && !error.message.includes('not-real-password'),
    );
  });
});

describe('a key', () => {
  for (const secretKey of ['a/b', '..', 'ä', 'x'.repeat(254)]) {
    it(`"${secretKey.slice(0, 10)}" that a Secret cannot have is refused by name of the field`, async () => {
      const getSecret = async (): Promise<SecretValue> => SecretValue.fromText('not-real');
      await assert.rejects(
        resolve({ getSecret }, { data: [item(secretKey, 'k')] }),
        failsWith('InvalidData', /^spec\.data\[0\] \(secretKey /),
      );
    });
  }
});

describe('whatever an ExternalSecret says', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const members = fc.dictionary(key, fc.integer().map(String), { noNullPrototype: true });
  const documents = fc.record({ d0: members, d1: members, d2: members });
  const name = fc.constantFrom<('d0' | 'd1' | 'd2')[]>('d0', 'd1', 'd2');

  it('the last of dataFrom wins, data wins over it, and no document is read twice', async () => {
    await fc.assert(
      fc.asyncProperty(documents, fc.array(name), fc.array(fc.tuple(key, name)), async (held, from, items) => {
        const asked: string[] = [];
        const getSecret: SecretsClient['getSecret'] = async (ref) => {
          asked.push(ref.key);
          return SecretValue.fromText(JSON.stringify(held[ref.key as 'd0']));
        };
        const data = items.map(([secretKey, remote]) => item(secretKey, remote));
        const wanted = Object.assign(
          {},
          ...from.map((remote) => held[remote]),
          Object.fromEntries(items.map(([secretKey, remote]) => [secretKey, JSON.stringify(held[remote])])),
        ) as Record<string, string>;
        assert.deepEqual(await resolve({ getSecret }, { data, dataFrom: from.map((each) => extract(each)) }), wanted);
        assert.equal(asked.length, new Set(asked).size);
      }),
      { numRuns: 200 },
    );
  });
});
