/** Whatever an ExternalSecret asks for and a backend answers: values that a Secret may hold, or an error of ours. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { isSecretKey } from '../../../../src/core/external-secret/convert-key.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import type { ProviderRegistry } from '../../../../src/ports/provider.ts';
import { pathOnly } from '../../../../providers/shared/json-document.ts';
import type { Manifest } from '../../../support/latchkey/manifests.ts';
import { bytesOf, resolveThrough } from './support/resolving.ts';

const MARK = 'hunter2';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.concat([Buffer.from(MARK), array]));
const members = fc.dictionary(fc.string({ unit: 'binary', maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 5,
});
const json = members.map((object) => Buffer.from(JSON.stringify({ ...object, k: MARK })));
const document = fc.oneof(
  bytes,
  json,
  json.map((text) => text.subarray(0, -1)),
);
const key = fc.constantFrom('a', 'b', 'a/b', 'gone');
const strategies = fc.record(
  {
    conversionStrategy: fc.constantFrom('Default', 'Unicode', ''),
    decodingStrategy: fc.constantFrom('Auto', 'Base64', 'Base64URL', 'None', ''),
    nullBytePolicy: fc.constantFrom('Ignore', 'Fail'),
  },
  { requiredKeys: [] },
);
const property = fc.constantFrom('', 'k', 'k.x', '@this', '#', 'a.0', '..', '{k}', '@pretty:{"a"', '*');
const remoteRef = fc
  .tuple(key, property, strategies)
  .map(([name, path, more]) => ({ key: name, ...(path !== '' && { property: path }), ...more }));
const expression = fc.constantFrom('.*', '^a', '(a|b)', '[', '(?=a)', 'a{1001}', '');
const target = fc.constantFrom('$0', '${1}-x', '$$', ' ', '\u0000', '');
const rewrite = fc.array(
  fc.oneof(
    fc.record({ regexp: fc.record({ source: expression, target }) }),
    fc.record({ transform: fc.record({ template: fc.constantFrom('one', 'a b', '') }) }),
    fc.record({
      merge: fc.record(
        {
          into: fc.constantFrom('all', '', '..'),
          priority: fc.array(key, { maxLength: 2 }),
          priorityPolicy: fc.constantFrom('Strict', 'IgnoreNotFound'),
          conflictPolicy: fc.constantFrom('Error', 'Ignore'),
          strategy: fc.constantFrom('Extract', 'JSON'),
        },
        { requiredKeys: [] },
      ),
    }),
  ),
  { maxLength: 3 },
);
const find = fc.tuple(expression, strategies).map(([regexp, more]) => ({ name: { regexp }, ...more }));
const dataFrom = fc.array(fc.oneof(fc.record({ extract: remoteRef, rewrite }), fc.record({ find, rewrite })), {
  maxLength: 3,
});
const data = fc.array(fc.record({ secretKey: fc.constantFrom('x', 'y', 'no key', '..'), remoteRef }), { maxLength: 3 });
const deletionPolicy = fc.constantFrom('Retain', 'Delete', 'Merge');

function backendOf(values: ReadonlyMap<string, Buffer>): ProviderRegistry {
  const read = (name: string): SecretValue => {
    const value = values.get(name);
    if (value === undefined) throw new LatchkeyError('SecretNotFound', `there is no secret "${name}"`);
    return new SecretValue(value);
  };
  return {
    test: async () => ({
      createProvider: () => ({
        validateStore: () => undefined,
        newClient: async () => ({
          getSecret: async (ref) => read(ref.key),
          findSecrets: async ({ matchNames }) => {
            const names = [...values.keys()];
            const wanted = (await matchNames?.(names)) ?? [];
            return new Map(names.filter((_, at) => wanted[at] === true).map((name) => [name, read(name)]));
          },
          close: async () => undefined,
        }),
        documents: pathOnly,
      }),
    }),
  };
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

/** What a schema would refuse, wherever it stands. */
const nonsense = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, '', 'x', [], {}, [null], [[]], '__proto__', 'constructor'),
  fc.jsonValue({ maxDepth: 2 }),
);
const sourceRef = fc.constantFrom<unknown>(
  { storeRef: { name: 'store' } },
  { storeRef: { name: 'other', kind: 'SecretStore' } },
  { storeRef: { name: 'nowhere' } },
  { storeRef: { name: 'store', kind: 'ClusterSecretStore' } },
  { generatorRef: { kind: 'Password', name: 'p' } },
  {},
);

/** The value with whatever stands at one of its places replaced; `at` from 0 to 1 chooses which. */
function corrupted(value: unknown, at: number, by: unknown): unknown {
  const places: (readonly string[])[] = [];
  const walk = (node: unknown, path: readonly string[]): void => {
    if (path.length > 0) places.push(path);
    if (typeof node !== 'object' || node === null) return;
    for (const [name, child] of Object.entries(node)) walk(child, [...path, name]);
  };
  walk(value, []);
  const place = places[Math.floor(at * places.length)];
  return place === undefined ? value : replaced(value, place, by);
}

function replaced(node: unknown, [name, ...rest]: readonly string[], by: unknown): unknown {
  if (name === undefined) return by;
  const child = replaced((node as Readonly<Record<string, unknown>>)[name], rest, by);
  if (Array.isArray(node)) return (node as readonly unknown[]).map((each, at) => (String(at) === name ? child : each));
  return { ...(node as object), [name]: child };
}

describe('resolving', () => {
  it('gives keys that a Secret may have, or throws an error of ours that quotes no value, and changes nothing', async () => {
    const spec = fc.record({ data, dataFrom, target: fc.record({ deletionPolicy }) });
    await fc.assert(
      fc.asyncProperty(fc.array(document, { minLength: 3, maxLength: 3 }), spec, async (documents, wanted) => {
        const values = new Map(documents.map((each, at) => [['a', 'b', 'a/b'][at] ?? '', each]));
        try {
          const resolved = bytesOf(await resolveThrough(backendOf(values), frozen(wanted)));
          for (const name of resolved.keys()) assert.ok(isSecretKey(name), JSON.stringify(name));
        } catch (error) {
          assert.ok(error instanceof LatchkeyError, String(error));
          assert.notEqual(error.code, 'Internal', error.message);
          assert.ok(!error.message.includes(MARK), error.message);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('of nonsense ends with an error of ours at worst, which quotes no value, and changes nothing', async (test) => {
    const entry = fc.record({ extract: remoteRef, find, rewrite, sourceRef }, { requiredKeys: [] });
    const item = fc.record(
      { secretKey: fc.constantFrom('x', 'y'), remoteRef, sourceRef },
      { requiredKeys: ['remoteRef'] },
    );
    const spec = fc.record({
      data: fc.array(item, { maxLength: 3 }),
      dataFrom: fc.array(entry, { maxLength: 3 }),
      target: fc.record({ deletionPolicy }),
    });
    const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const corruptions = fc.array(fc.tuple(place, nonsense), { maxLength: 3 });
    const seed = Date.now();
    test.diagnostic(`seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(document, spec, corruptions, async (held, wanted, changes) => {
        const values = new Map(['a', 'b'].map((name) => [name, held]));
        const odd = changes.reduce<unknown>((before, [at, by]) => corrupted(before, at, by), wanted);
        const manifest = frozen(odd) as Manifest;
        try {
          const resolved = bytesOf(await resolveThrough(backendOf(values), manifest, { stores: ['store', 'other'] }));
          for (const name of resolved.keys()) assert.ok(isSecretKey(name), JSON.stringify(name));
        } catch (error) {
          assert.ok(error instanceof LatchkeyError, String(error));
          assert.ok(!error.message.includes(MARK), error.message);
        }
      }),
      { numRuns: 1_000, seed },
    );
  });
});
