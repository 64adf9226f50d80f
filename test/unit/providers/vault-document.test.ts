import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nameThenPath } from '../../../providers/shared/json-document.ts';
import { readDocument } from '../../../providers/vault/answer.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';

/** As Go's `json.Marshal` prints what was read with `UseNumber`. */
const printed: Record<string, readonly [given: string, want: string]> = {
  'white space goes': [' { "a" : [ 1 , { } , [ ] ] }\n', '{"a":[1,{},[]]}'],
  'members are sorted by their bytes, at every level': [
    '{"b":1,"a":{"é":1,"z":2,"😀":3,"\uff5e":4},"10":1,"9":2}',
    '{"10":1,"9":2,"a":{"z":2,"é":1,"\uff5e":4,"😀":3},"b":1}',
  ],
  'of two members of one name the last counts': ['{"a":1,"a":2}', '{"a":2}'],
  'a member may be called __proto__': ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
  'signs of HTML and line separators are escaped, also in names': [
    '{"<":"&>\u2028\u2029"}',
    '{"\\u003c":"\\u0026\\u003e\\u2028\\u2029"}',
  ],
  'escapes that need none are undone': ['"\\u0041\\/\\u00e9\\ud83d\\ude00"', '"A/é😀"'],
  'control characters have their short forms': [
    '"\\u0008\\u000c\\n\\r\\t\\u0001\u007f"',
    '"\\b\\f\\n\\r\\t\\u0001\u007f"',
  ],
  'half a surrogate pair is the replacement character': ['"\\ud83d"', '"\ufffd"'],
  'numbers stay as they are spelled': ['[1.50,1e3,-0,12345678901234567890]', '[1.50,1e3,-0,12345678901234567890]'],
  'words stay': ['[true,false,null]', '[true,false,null]'],
};

describe('a whole Vault secret', () => {
  for (const [sentence, [given, want]] of Object.entries(printed)) {
    it(`is printed as by Go: ${sentence}`, () => {
      const body = Buffer.from(`{"data": {"data": {"it": ${given}}}}`);
      assert.equal(String(readDocument(body, 'v2')), `{"it":${want}}`);
    });
  }

  it('is none when it is no map, or nested beyond reason', () => {
    for (const text of ['[]', '"text"', '1', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`]) {
      assert.equal(readDocument(Buffer.from(`{"data":${text}}`), 'v1'), undefined);
    }
    assert.equal(readDocument(Buffer.from('{"data":null}'), 'v1'), null);
  });
});

describe('the map of a Vault secret', () => {
  it('has each member as upstream decodes and prints it, with all digits of integers', () => {
    const document =
      '{"text":"a\\u003c","empty":null,"yes":true,"big":12345678901234567890,"float":1.50,"power":1e21,' +
      '"list":[1.50,"\\u003c",12345678901234567890],"map":{"b":1e3,"a":null}}';
    const members = nameThenPath.map(SecretValue.fromText(document));
    assert.deepEqual(Object.fromEntries([...members].map(([name, value]) => [name, String(value.reveal())])), {
      text: 'a<',
      empty: '',
      yes: 'true',
      big: '12345678901234567890',
      float: '1.5',
      power: '1000000000000000000000',
      list: '[1.5,"\\u003c",12345678901234567890]',
      map: '{"a":null,"b":1000}',
    });
  });
});
