import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isObject, parseJson, printJson, textOf } from '../../../../src/core/json/go-json.ts';
import { goldenBytes, goldenMembers, goldenVectors } from '../../../support/golden.ts';

describe('JSON read and printed', () => {
  it('is what upstream makes of it with Go, but for numbers that no float64 holds', () => {
    const wrong = goldenVectors('encoding-json').flatMap(({ document, floats }) => {
      const text = goldenBytes(document).toString('utf8');
      if (/\d{16}|e999/.test(text) || text.trim() === 'null') return [];
      const tree = parseJson(text);
      const got = isObject(tree)
        ? goldenMembers(Object.fromEntries([...tree].map(([name, member]) => [name, textOf(member)])))
        : undefined;
      const want = floats === null ? undefined : goldenMembers(floats);
      return JSON.stringify(got) === JSON.stringify(want) ? [] : [{ text, want, got }];
    });
    assert.deepEqual(wrong, []);
  });

  const printed: Readonly<Record<string, readonly [plain: string, safe: string]>> = {
    ' { "b" : 1 , "a" : [ ] } ': ['{"a":[],"b":1}', '{"a":[],"b":1}'],
    '{"b":1,"b":2}': ['{"b":2}', '{"b":2}'],
    '"<&>\u2028\u2029"': ['"<&>\\u2028\\u2029"', '"\\u003c\\u0026\\u003e\\u2028\\u2029"'],
    '{"\uffff":1,"\u{1f511}":2}': ['{"\uffff":1,"\u{1f511}":2}', '{"\uffff":1,"\u{1f511}":2}'],
    '"\\ud800"': ['"\uFFFD"', '"\uFFFD"'],
    '{"__proto__":{"x":1},"10":1,"9":2}': ['{"10":1,"9":2,"__proto__":{"x":1}}', '{"10":1,"9":2,"__proto__":{"x":1}}'],
  };
  for (const [text, [plain, safe]] of Object.entries(printed)) {
    it(`is ${plain}`, () => {
      const tree = parseJson(text);
      assert.ok(tree !== undefined);
      assert.deepEqual([printJson(tree, false), printJson(tree, true)], [plain, safe]);
    });
  }

  for (const literal of ['12345678901234567890', '-9007199254740993', '0', '-0', '1e400', '-1e400']) {
    it(`keeps the number ${literal} as it is spelled`, () => {
      const tree = parseJson(`[${literal}]`);
      assert.equal(tree && printJson(tree, true), `[${literal}]`);
    });
  }

  it('is the same once it has been printed', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), fc.boolean(), (text, isHtmlSafe) => {
        const tree = parseJson(text);
        assert.ok(tree !== undefined);
        const once = printJson(tree, isHtmlSafe);
        assert.deepEqual(JSON.parse(once), JSON.parse(text));
        const again = parseJson(once);
        assert.ok(again !== undefined);
        assert.equal(printJson(again, isHtmlSafe), once);
      }),
    );
  });

  it('is nothing when the text is no JSON, or nested deeper than can be read', () => {
    for (const text of ['', 'fake', '{', '[1,]', '01', '\uFEFF1']) assert.equal(parseJson(text), undefined);
    assert.doesNotThrow(() => parseJson('['.repeat(1_000_000)));
  });
});
