import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { covers } from '../../../webhook-config/covers.ts';

describe('covers', () => {
  const cases: readonly [name: string, actual: unknown, wanted: unknown, isCovered: boolean][] = [
    ['the same', { a: 1 }, { a: 1 }, true],
    ['a field more', { a: 1, b: 2 }, { a: 1 }, true],
    ['a field less', { a: 1 }, { a: 1, b: 2 }, false],
    ['another value', { a: 1 }, { a: 2 }, false],
    ['nothing', undefined, { a: 1 }, false],
    [
      'named entries in another order',
      [{ name: 'x' }, { name: 'y', a: 1 }],
      [{ name: 'y', a: 1 }, { name: 'x' }],
      true,
    ],
    ['a named entry more', [{ name: 'x' }, { name: 'y' }], [{ name: 'x' }], true],
    ['a named entry changed', [{ name: 'x', a: 2 }], [{ name: 'x', a: 1 }], false],
    ['plain entries in another order', ['a', 'b'], ['b', 'a'], false],
    ['a plain entry more', ['a', 'b'], ['a'], false],
    ['an empty list for an empty list', [], [], true],
    ['a full list for an empty list', ['a'], [], false],
    ['an object for a list', { 0: 'a' }, ['a'], false],
  ];
  for (const [name, actual, wanted, isCovered] of cases) {
    it(`${isCovered ? 'accepts' : 'refuses'} ${name}`, () => assert.equal(covers(actual, wanted), isCovered));
  }
});
