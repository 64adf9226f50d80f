import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';

const TEXT = 'not-a-real-password';
const value = SecretValue.fromText(TEXT);
/** Where a log line, an error or an object that is dumped may carry one. */
const nested = { map: new Map([['password', value]]), list: [[value]], cause: new Error('x', { cause: value }) };

describe('a secret value', () => {
  const ways: Readonly<Record<string, string>> = {
    'a template literal': `a ${value as unknown as string} b`,
    'asking it for a primitive': value[Symbol.toPrimitive](),
    'JSON in a list': JSON.stringify([[value]]),
    'util.inspect of a map': inspect(nested.map, { depth: Infinity, showHidden: true }),
    'util.inspect of a list': inspect(nested.list, { depth: Infinity, showHidden: true }),
    'util.inspect of a cause': inspect(nested.cause, { depth: Infinity, showHidden: true }),
    'util.inspect that ignores custom printers': inspect({ value }, { customInspect: false, showHidden: true }),
    'util.format with %o': format('%o', { value }),
    'util.format with %j': format('%j', { value }),
    'the stack of an error': String(new LatchkeyError('Internal', 'x', { cause: value }).stack),
  };
  for (const [way, text] of Object.entries(ways)) {
    it(`does not give itself away by ${way}`, () => {
      assert.ok(!text.includes(TEXT));
      assert.ok(!text.includes(Buffer.from(TEXT).toString('hex').slice(0, 8)));
    });
  }

  it('is one word by every way of making text of it', () => {
    assert.deepEqual(
      [value.toString(), value.toJSON(), inspect(value), inspect(nested.list)],
      ['[redacted]', '[redacted]', '[redacted]', '[ [ [redacted] ] ]'],
    );
  });

  it('has no member that could be listed', () => {
    assert.deepEqual(Reflect.ownKeys(value), []);
    assert.deepEqual(Object.assign({}, value), {});
  });

  it('loses its bytes when it is cloned', () => {
    assert.ok(!inspect(structuredClone(value), { showHidden: true }).includes(TEXT));
  });

  it('gives exactly the bytes it was made of, and their number', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const made = new SecretValue(bytes);
        assert.ok(made.reveal().equals(Buffer.from(bytes)));
        assert.equal(made.sizeBytes, bytes.length);
      }),
    );
  });

  it('is a window of its own in a larger buffer', () => {
    const larger = Buffer.from('left-middle-right');
    assert.equal(new SecretValue(larger.subarray(5, 11)).reveal().toString(), 'middle');
  });

  it('of text is its UTF-8', () => assert.equal(SecretValue.fromText('ä').sizeBytes, 2));
});
