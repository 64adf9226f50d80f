import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { opaqueVersion } from '../../../../src/core/target/version.ts';

type Inputs = readonly [versionKey: string, namespace: string, secretName: string, dataHash: string];

const KEY = 'ab'.repeat(32);
const usual: Inputs = [KEY, 'shop', 'db', 'hash-1'];

describe('the version of a Secret', () => {
  it('is sixteen hexadecimal digits', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (namespace, name, hash) => {
        assert.match(opaqueVersion(KEY, namespace, name, hash), /^[0-9a-f]{16}$/);
      }),
    );
  });

  it('is the same for the same', () => assert.equal(opaqueVersion(...usual), opaqueVersion(...usual)));

  const others: Readonly<Record<string, Inputs>> = {
    key: ['cd'.repeat(32), 'shop', 'db', 'hash-1'],
    namespace: [KEY, 'other', 'db', 'hash-1'],
    name: [KEY, 'shop', 'other', 'hash-1'],
    hash: [KEY, 'shop', 'db', 'hash-2'],
  };
  for (const [what, inputs] of Object.entries(others)) {
    it(`is another for another ${what}`, () => assert.notEqual(opaqueVersion(...inputs), opaqueVersion(...usual)));
  }

  it('does not run namespace and name into each other', () => {
    const text = fc.stringMatching(/^[a-z0-9-]{2,12}$/);
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(), (joined, a, b) => {
        const split = (at: number): string => {
          const cut = at % (joined.length + 1);
          return opaqueVersion(KEY, joined.slice(0, cut), joined.slice(cut), 'h');
        };
        assert.equal(split(a) === split(b), a % (joined.length + 1) === b % (joined.length + 1));
      }),
    );
  });

  it('does not show the hash that it is made from', () => {
    const hash = '74a974446e359fb3e6baff9bd0058950e6edd0f040888d9989b0a11b';
    assert.ok(!hash.includes(opaqueVersion(KEY, 'shop', 'db', hash)));
  });
});
