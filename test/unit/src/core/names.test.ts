import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { printable } from '../../../../src/core/names.ts';

describe('a printable name', () => {
  const cases: Readonly<Record<string, readonly [from: unknown, to: string]>> = {
    'that is harmless stays': ['prod/db-1', 'prod/db-1'],
    'of any script stays': ['größe 鍵 🔑', 'größe 鍵 🔑'],
    'loses line breaks': ['a\nb\r\nc', 'a?b??c'],
    'loses tabs and zeros': ['a\tb\0', 'a?b?'],
    'loses terminal colours': ['\u001b[31mred', '?[31mred'],
    'loses C1 control characters': ['a\u009b31m', 'a?31m'],
    'loses marks that turn the direction of writing': ['a\u202eb\u2066c', 'a?b?c'],
    'loses characters that cannot be seen': ['a\u200bb\ufeff', 'a?b?'],
    'loses Unicode line separators': ['a\u2028b\u2029', 'a?b?'],
    'may be empty': ['', ''],
    'may be a number in a manifest that no API server has seen': [5, '5'],
    'may be missing there': [undefined, '?'],
    'may be something else altogether': [{ toString: 'x' }, '?'],
  };
  for (const [name, [from, to]] of Object.entries(cases)) it(name, () => assert.equal(printable(from), to));

  it('is cut after 256 characters unless told, visibly', () => {
    assert.equal(printable('x'.repeat(256)), 'x'.repeat(256));
    assert.equal(printable('x'.repeat(257)), `${'x'.repeat(255)}…`);
  });

  it('is cut where it is told', () => assert.equal(printable('abcdef', 4), 'abc…'));

  it('never has a control character and never is longer than its limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 50 }), (name, limit) => {
        const shown = printable(name, limit);
        assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        assert.ok(shown.length <= limit);
      }),
    );
  });

  it('stays as it is when it is printed again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => assert.equal(printable(printable(name)), printable(name))),
    );
  });
});
