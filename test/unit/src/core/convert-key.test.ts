import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { assertSecretKey, convertKey } from '../../../../src/core/external-secret/convert-key.ts';

describe('a converted key', () => {
  const cases: readonly [from: string, to: string][] = [
    ['password', 'password'],
    ['db.user-name_1', 'db.user-name_1'],
    ['db/password', 'db_password'],
    ['a b\tc', 'a_b_c'],
    ['a:b@c', 'a_b_c'],
    ['', ''],
    ['größe', 'größe'],
    ['🔑', '_'],
    ['a🔑b', 'a_b'],
    ['e\u0301', 'e_'],
    ['\0', '_'],
  ];
  for (const [from, to] of cases) {
    it(`of ${JSON.stringify(from)} is ${JSON.stringify(to)}`, () => assert.equal(convertKey(from), to));
  }

  it('stays as it is when it is converted again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => assert.equal(convertKey(convertKey(key)), convertKey(key))),
    );
  });

  it('has one character for each code point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) =>
        assert.equal(Array.from(convertKey(key)).length, Array.from(key).length),
      ),
    );
  });
});

describe('the key of a Secret', () => {
  const good = ['a', 'A', '0', '.a', '-', '_', 'tls.crt', '.dockerconfigjson', 'a..b', 'x'.repeat(253)];
  for (const key of good) {
    it(`may be ${key.slice(0, 30)}`, () => assert.doesNotThrow(() => assertSecretKey(key)));
  }

  const bad: Readonly<Record<string, string>> = {
    'be empty': '',
    'be a dot': '.',
    'be two dots': '..',
    'begin with two dots': '..a',
    'hold a slash': 'a/b',
    'hold a space': 'a b',
    'end with a line break': 'a\n',
    'hold a letter beyond ASCII': 'größe',
    'have 254 characters': 'x'.repeat(254),
  };
  for (const [name, key] of Object.entries(bad)) {
    it(`may not ${name}`, () => {
      assert.throws(
        () => assertSecretKey(key),
        (error) => {
          assert.ok(error instanceof LatchkeyError);
          assert.equal(error.code, 'InvalidData');
          assert.doesNotMatch(error.message, /\n/);
          return error.message.length < 200;
        },
      );
    });
  }
});
