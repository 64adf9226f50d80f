import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { literalThenPath, nameThenPath, pathOnly } from '../../../providers/shared/json-document.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import type { DocumentReader, PropertyReading } from '../../../src/ports/provider.ts';

const readers = { literalThenPath, pathOnly };

/** The value's text, or the paths that are left to gjson; none = absent. */
function property(reader: DocumentReader, document: string, name: string): string | readonly string[] | undefined {
  const reading = reader.property(SecretValue.fromText(document), name);
  if ('value' in reading) return reading.value.reveal().toString('utf8');
  return reading.paths.length === 0 ? undefined : reading.paths;
}

function map(document: string): [string, string][] {
  const members = literalThenPath.map(SecretValue.fromText(document));
  return [...members].map(([name, value]) => [name, value.reveal().toString('utf8')]);
}

/** `property` as gjson's String() gives it, `map` as Go's json.RawMessage does. */
const values: Record<string, { given: string; property: string; map: string }> = {
  'a string is unquoted': { given: '"fake"', property: 'fake', map: 'fake' },
  'an empty string is empty': { given: '""', property: '', map: '' },
  'escapes are undone': { given: '"a\\n\\"\\\\\\/\\u00e9\\ud83d\\udd11"', property: 'a\n"\\/é🔑', map: 'a\n"\\/é🔑' },
  'half a surrogate pair is the replacement character': { given: '"\\ud83d!"', property: '\ufffd!', map: '\ufffd!' },
  'brackets and commas in a string are text': { given: '"},]{["', property: '},]{[', map: '},]{[' },
  'an integer keeps its digits': {
    given: '12345678901234567890',
    property: '12345678901234567890',
    map: '12345678901234567890',
  },
  'a negative integer keeps its sign': { given: '-7', property: '-7', map: '-7' },
  'minus zero stays': { given: '-0', property: '-0', map: '-0' },
  'minus zero with a fraction loses the fraction': { given: '-0.0', property: '-0', map: '-0.0' },
  'a fraction is shortened in a property only': { given: '1.50', property: '1.5', map: '1.50' },
  'an exponent is written out in a property only': { given: '1e3', property: '1000', map: '1e3' },
  'a small number is written out': { given: '0.1e-7', property: '0.00000001', map: '0.1e-7' },
  'a small number with several digits is written out': {
    given: '-1.25E-9',
    property: '-0.00000000125',
    map: '-1.25E-9',
  },
  'a large number is written out': { given: '1.5e21', property: '1500000000000000000000', map: '1.5e21' },
  'a number beyond float64 is infinite': { given: '1e999', property: '+Inf', map: '1e999' },
  'true stays': { given: 'true', property: 'true', map: 'true' },
  'false stays': { given: 'false', property: 'false', map: 'false' },
  'null exists and is empty': { given: 'null', property: '', map: '' },
  'an object keeps its source text': {
    given: '{ "b" : [1.0, "}" ] }',
    property: '{ "b" : [1.0, "}" ] }',
    map: '{ "b" : [1.0, "}" ] }',
  },
  'an array keeps its source text': { given: '[ "\\"]", {} ]', property: '[ "\\"]", {} ]', map: '[ "\\"]", {} ]' },
};

describe('values of members', () => {
  for (const [sentence, want] of Object.entries(values)) {
    const document = ` {"before" :{"a":0}, "a"\t:\r\n ${want.given} , "after": [] } `;
    for (const [name, reader] of Object.entries(readers)) {
      it(`${sentence} (property, ${name})`, () => assert.equal(property(reader, document, 'a'), want.property));
    }
    it(`${sentence} (map)`, () => assert.deepEqual(map(document)[1], ['a', want.map]));
  }
});

describe('names of members', () => {
  const cases: Record<string, { document: string; name: string; want: string | undefined }> = {
    'the first of a name is the property': { document: '{"a": 1, "a": 2}', name: 'a', want: '1' },
    'a name may be escaped in the document': { document: '{"\\u0061": 1}', name: 'a', want: '1' },
    'a name may be __proto__': { document: '{"__proto__": "own"}', name: '__proto__', want: 'own' },
    'what every object inherits is not there': { document: '{}', name: 'constructor', want: undefined },
    'only members of the top count': { document: '{"x": {"a": 1}}', name: 'a', want: undefined },
    'a value is no name': { document: '{"x": "a"}', name: 'a', want: undefined },
    'a document that is no JSON has none': { document: 'fake-password', name: 'a', want: undefined },
    'a document that is empty has none': { document: '', name: 'a', want: undefined },
    'an array has no names': { document: '["a"]', name: 'a', want: undefined },
    'a string has no names': { document: '"a"', name: 'a', want: undefined },
    'the empty name is none': { document: '{"": 1}', name: '', want: undefined },
    'signs without meaning in a path are part of the name': {
      document: '{"a#b@c!(d)": 1}',
      name: 'a#b@c!(d)',
      want: '1',
    },
    'a single sign is a name': { document: '{"@": 1}', name: '@', want: '1' },
    'a number is a name in an object': { document: '{"0": "zero"}', name: '0', want: 'zero' },
  };
  for (const [sentence, { document, name, want }] of Object.entries(cases)) {
    it(sentence, () => {
      for (const reader of Object.values(readers)) assert.equal(property(reader, document, name), want);
    });
  }

  it('in a map the last of a name counts, in the place of the first', () => {
    assert.deepEqual(map('{"a": 1, "b": 2, "a": 3}'), [
      ['a', '3'],
      ['b', '2'],
    ]);
  });

  it('a map may have a member __proto__', () =>
    assert.deepEqual(map('{"__proto__": {"x": 1}}'), [['__proto__', '{"x": 1}']]));
});

describe('properties that are paths', () => {
  for (const name of ['a|b', 'a*', '?', '@this', '!x', '{a,b}', '[a]']) {
    it(`leaves ${name} to gjson`, () => {
      for (const reader of Object.values(readers)) {
        assert.deepEqual(property(reader, '{"a": {"b": "fake-secret"}}', name), [name]);
      }
    });
  }
  const dotted: Record<string, string> = { 'a.b': 'a\\.b', 'a\\.b': 'a\\\\.b', '..a': '\\.\\.a', 'a.#.b': 'a\\.#\\.b' };
  for (const [name, escaped] of Object.entries(dotted)) {
    it(`leaves ${name} to gjson, with the dots as part of a name first where the literal name goes first`, () => {
      assert.deepEqual(property(pathOnly, '{"a": {"b": "fake-secret"}}', name), [name]);
      assert.deepEqual(property(literalThenPath, '{"a": {"b": "fake-secret"}}', name), [escaped, name]);
    });
  }
  for (const name of ['0', '007', '#', '#(k=="v")']) {
    it(`leaves ${name} on an array to gjson`, () => {
      for (const reader of Object.values(readers)) assert.deepEqual(property(reader, '["a"]', name), [name]);
    });
  }

  it('leaves a document that is cut short to gjson', () => {
    for (const reader of Object.values(readers)) assert.deepEqual(property(reader, '{"a": 1', 'a'), ['a']);
  });

  it('finds a member with dots in its name where the literal name goes first', () => {
    assert.equal(property(literalThenPath, '{"tls.crt": "fake"}', 'tls.crt'), 'fake');
    assert.deepEqual(property(pathOnly, '{"tls.crt": "fake"}', 'tls.crt'), ['tls.crt']);
  });
});

describe('a property that is a name whatever it is made of', () => {
  const document = '{"a.b": 1.50, "a*": {"x":[1.0]}, "@this": null, "tls.crt": "fake", "0": "zero"}';
  const members = { 'a.b': '1.50', 'a*': '{"x":[1.0]}', '@this': '', 'tls.crt': 'fake', '0': 'zero' };
  for (const [name, want] of Object.entries(members)) {
    it(`has the member’s own bytes: ${name}`, () => assert.equal(property(nameThenPath, document, name), want));
  }

  it('is a path when there is no such member', () => {
    assert.deepEqual(property(nameThenPath, document, 'a.x'), ['a.x']);
    assert.equal(property(nameThenPath, document, 'absent'), undefined);
    assert.equal(property(nameThenPath, document, ''), undefined);
    assert.equal(property(nameThenPath, 'no JSON', 'a'), undefined);
  });
});

describe('bytes that are not UTF-8', () => {
  const document = new SecretValue(Buffer.from('{"a": "\xff\xe9"}', 'latin1'));

  it('pass unchanged in a string without escapes', () => {
    assert.deepEqual(valueOf(literalThenPath.property(document, 'a')), Buffer.from([0xff, 0xe9]));
    assert.deepEqual(literalThenPath.map(document).get('a')?.reveal(), Buffer.from([0xff, 0xe9]));
  });
});

describe('maps of what is no object', () => {
  for (const document of ['', 'fake-password', '[]', '"text"', 'null', '5', '{"a": fake-password}', '\ufeff{}']) {
    it(`says InvalidData, quoting nothing, for ${JSON.stringify(document)}`, () => {
      assert.throws(
        () => map(document),
        (error) => error instanceof LatchkeyError && error.code === 'InvalidData' && !error.message.includes('fake'),
      );
    });
  }
});

describe('any document', () => {
  const objects = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { noNullPrototype: true });
  const spaces = fc.constantFrom(0, 1, '\t', 4);

  it('gives in a map what JSON.parse gives', () => {
    fc.assert(
      fc.property(objects, spaces, (object, space) => {
        const text = JSON.stringify(object, null, space);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        const members = map(text);
        assert.deepEqual(members.map(([name]) => name).toSorted(), Object.keys(parsed).map(wellFormed).toSorted());
        for (const [name, value] of members) {
          const want = Object.entries(parsed).find(([key]) => wellFormed(key) === name)?.[1];
          if (typeof want === 'string') assert.equal(value, wellFormed(want));
          else if (want === null) assert.equal(value, '');
          else assert.deepEqual(JSON.parse(value), want);
        }
      }),
    );
  });

  it('makes no reader throw anything but a LatchkeyError', () => {
    const documents = fc.oneof(
      fc.uint8Array(),
      fc.json().map(Buffer.from),
      fc.string().map((text) => Buffer.from(`{"a":${text}}`)),
    );
    fc.assert(
      fc.property(
        documents,
        fc.string(),
        fc.constantFrom(literalThenPath, nameThenPath, pathOnly),
        (bytes, name, reader) => {
          const document = new SecretValue(bytes);
          for (const read of [() => reader.property(document, name), () => reader.map(document)]) {
            try {
              read();
            } catch (error) {
              assert.ok(error instanceof LatchkeyError);
            }
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('may be nested as deep as its size allows', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    assert.equal(property(literalThenPath, `{"a": ${deep}}`, 'a'), deep);
  });
});

function valueOf(reading: PropertyReading): Buffer | undefined {
  return 'value' in reading ? reading.value.reveal() : undefined;
}

/** UTF-8 has no lone surrogates. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}

describe('a document with many members', () => {
  const members = Array.from({ length: 50 }, (_, index) => `"m${index}": ${index}`).join(', ');

  it('is read by name like any other, and the first of a name counts', () => {
    const document = `{${members}, "m7": "again", "__proto__": "own"}`;
    for (const reader of Object.values(readers)) {
      assert.equal(property(reader, document, 'm7'), '7');
      assert.equal(property(reader, document, 'm49'), '49');
      assert.equal(property(reader, document, '__proto__'), 'own');
      assert.equal(property(reader, document, 'constructor'), undefined);
    }
  });
});
