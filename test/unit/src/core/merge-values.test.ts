import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { MergeRewrite } from '../../../../src/api/external-secrets.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { mergeValues } from '../../../../src/core/external-secret/merge-values.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';

function merge(values: Readonly<Record<string, string>>, rewrite: MergeRewrite): Readonly<Record<string, string>> {
  const secrets = new Map(Object.entries(values).map(([key, text]) => [key, SecretValue.fromText(text)]));
  return Object.fromEntries([...mergeValues(secrets, rewrite)].map(([key, value]) => [key, value.reveal().toString()]));
}

const ignore: MergeRewrite = { conflictPolicy: 'Ignore' };
const sharing = { b: '{"k":"of b","b":"1"}', a: '{"k":"of a","a":"1"}', c: '{"k":"of c"}' };

describe('values that are merged', () => {
  it('are replaced by the members of their objects', () => {
    assert.deepEqual(merge({ a: '{"x":"1"}', b: '{"y":"2","z":{"w":3}}' }, {}), { x: '1', y: '2', z: '{"w":3}' });
  });

  it('are refused when two have one member, which is named', () => {
    assert.throws(
      () => merge(sharing, {}),
      new LatchkeyError('InvalidData', 'several of the merged objects have a member "k"'),
    );
    assert.throws(() => merge(sharing, { conflictPolicy: 'Error', priority: ['a'] }), LatchkeyError);
  });

  it('are refused naming five members at most, in order', () => {
    const object = JSON.stringify(Object.fromEntries('gfedcba'.split('').map((name) => [name, 'fake'])));
    assert.throws(
      () => merge({ a: object, b: object }, {}),
      new LatchkeyError('InvalidData', 'several of the merged objects have a member "a", "b", "c", "d", "e"'),
    );
  });

  const orders: Readonly<Record<string, readonly [MergeRewrite, string]>> = {
    'the last key in byte order': [ignore, 'of c'],
    'the one that has priority': [{ ...ignore, priority: ['a'] }, 'of a'],
    'the last of those that have priority': [{ ...ignore, priority: ['c', 'a', 'b'] }, 'of b'],
    'the last of those that have priority and are there': [
      { ...ignore, priority: ['b', 'gone'], priorityPolicy: 'IgnoreNotFound' },
      'of b',
    ],
  };
  for (const [winner, [rewrite, value]] of Object.entries(orders)) {
    it(`have the member of ${winner}`, () => assert.equal(merge(sharing, rewrite)['k'], value));
  }

  it('are ordered by bytes, not by UTF-16', () => {
    assert.deepEqual(merge({ '\u{1f511}': '{"k":"last"}', '\uffff': '{"k":"first"}' }, ignore), { k: 'last' });
  });

  it('are refused for a priority that is not there', () => {
    for (const priorityPolicy of ['', 'Strict'] as const) {
      assert.throws(
        () => merge(sharing, { ...ignore, priority: ['gone'], priorityPolicy }),
        new LatchkeyError('InvalidData', 'priority names the key "gone", which is not there'),
      );
    }
  });

  for (const text of ['', 'fake', '[]', '"{}"', 'null', '1', '{"a":1', '{"a":1}x', '\uFEFF{}', "{'a':1}"]) {
    it(`are refused when one is ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => merge({ bad: text }, {}),
        new LatchkeyError('InvalidData', 'the value of "bad" is not a JSON object and cannot be merged'),
      );
    });
  }

  it('have their numbers as upstream prints them, and keep the digits that it loses', () => {
    const numbers = '{"a":1.0,"b":1e21,"c":1e-7,"d":1.50,"e":12345678901234567890,"f":true,"g":null,"h":[1.0,"<"]}';
    assert.deepEqual(merge({ a: numbers }, {}), {
      ...{ a: '1', b: '1000000000000000000000', c: '0.0000001', d: '1.5', e: '12345678901234567890' },
      ...{ f: 'true', g: '', h: '[1,"\\u003c"]' },
    });
  });
});

describe('values that are merged into one object', () => {
  const json: MergeRewrite = { strategy: 'JSON', into: 'all' };

  it('stay beside it', () => {
    assert.deepEqual(merge({ a: '{"x":1}', b: '{"w":"<&>"}' }, json), {
      ...{ a: '{"x":1}', b: '{"w":"<&>"}' },
      all: '{"w":"<&>","x":1}',
    });
  });

  it('may be replaced by it', () => assert.deepEqual(merge({ all: '{"x" : 1}' }, json), { all: '{"x":1}' }));

  it('keep every digit, in a text that is still JSON', () => {
    const { all = '' } = merge({ a: '{"big":12345678901234567890,"huge":1e400,"one":1.0,"small":1e-7}' }, json);
    assert.equal(all, '{"big":12345678901234567890,"huge":1e400,"one":1,"small":1e-7}');
    assert.doesNotThrow(() => JSON.parse(all));
  });

  it('need a key for it', () => {
    assert.throws(
      () => merge({ a: '{}' }, { strategy: 'JSON' }),
      new LatchkeyError('InvalidExternalSecret', 'strategy JSON needs the key "into"'),
    );
  });

  it('give what JSON.parse reads as all members, whatever these are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false })), (object) => {
        const { all = '' } = merge({ a: JSON.stringify(object) }, json);
        assert.deepEqual(JSON.parse(all), JSON.parse(JSON.stringify(object)));
      }),
    );
  });
});
