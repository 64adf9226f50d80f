import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { assertSecretKey, convertKey, convertKeys } from '../../../../src/core/external-secret/convert-key.ts';

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

  // What Go's unicode.IsLetter, IsNumber and Sprintf("_U%04x_") make of them.
  const unicode: Readonly<Record<string, string>> = {
    'a/b': 'a_U002f_b',
    'a b': 'a_U0020_b',
    'a:b\\c': 'a_U003a_b_U005c_c',
    'é²Ⅷ日': 'é²Ⅷ日',
    'e\u0301': 'e_U0301_',
    '\0': '_U0000_',
    '😀': '_U1f600_',
    '\u{10ffff}': '_U10ffff_',
    _U002f_: '_U002f_',
  };
  for (const [from, to] of Object.entries(unicode)) {
    it(`of ${JSON.stringify(from)} is ${to} with strategy Unicode`, () =>
      assert.equal(convertKey(from, 'Unicode'), to));
  }

  it('takes an empty strategy for Default', () => assert.equal(convertKey('a/b', ''), 'a_b'));

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

describe('the keys of one source', () => {
  const values = new Map([
    ['a/b', 1],
    ['a_b', 2],
  ]);

  it('must stay apart, and the one that two names become is named', () => {
    assert.throws(
      () => convertKeys(values),
      new LatchkeyError(
        'InvalidData',
        'two names become the key "a_b": rewrite them, or use conversionStrategy Unicode',
      ),
    );
  });

  it('stay apart with strategy Unicode', () => {
    assert.deepEqual([...convertKeys(values, 'Unicode').keys()], ['a_U002f_b', 'a_b']);
  });

  it('are as many as the names, or there is an error', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: 'binary' })),
        fc.constantFrom('Default', 'Unicode'),
        (names, strategy) => {
          const source = new Map(names.map((name) => [name, name]));
          try {
            const converted = convertKeys(source, strategy);
            assert.deepEqual([...converted.values()], names);
          } catch (error) {
            assert.ok(error instanceof LatchkeyError && error.code === 'InvalidData');
          }
        },
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
