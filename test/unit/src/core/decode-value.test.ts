import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ValueStrategies } from '../../../../src/api/external-secrets.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { decodeValue } from '../../../../src/core/external-secret/decode-value.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';

/** Bytes as latin1 text; `refused` for an error. */
function decode(value: string | Buffer, decodingStrategy: ValueStrategies['decodingStrategy']): string {
  try {
    const decoded = decodeValue(new SecretValue(Buffer.from(value)), { decodingStrategy: decodingStrategy ?? '' });
    return decoded.reveal().toString('latin1');
  } catch (error) {
    assert.ok(error instanceof LatchkeyError && error.code === 'InvalidData');
    return 'refused';
  }
}

/** What Go 1.26 makes of each: base64.StdEncoding, base64.URLEncoding. */
const GO: Readonly<Record<string, readonly [std: string, url: string]>> = {
  '': ['', ''],
  '\n': ['', ''],
  'YQ==': ['a', 'a'],
  YQ: ['refused', 'refused'],
  'YQ=': ['refused', 'refused'],
  'YQ===': ['refused', 'refused'],
  'YR==': ['a', 'a'],
  'Y Q==': ['refused', 'refused'],
  'YQ\n==': ['a', 'a'],
  'YQ=\r\n=\n': ['a', 'a'],
  'YWJj\t': ['refused', 'refused'],
  'YWJj\v': ['refused', 'refused'],
  '=': ['refused', 'refused'],
  '====': ['refused', 'refused'],
  'YQ==YQ==': ['refused', 'refused'],
  'YWI=YWJj': ['refused', 'refused'],
  'YQ==\n\n=': ['refused', 'refused'],
  'YWI=': ['ab', 'ab'],
  YWJj: ['abc', 'abc'],
  YWJjZA: ['refused', 'refused'],
  a: ['refused', 'refused'],
  '+/8=': ['\xfb\xff', 'refused'],
  '-_8=': ['refused', '\xfb\xff'],
  '+_8=': ['refused', 'refused'],
  'hunter2!': ['refused', 'refused'],
  password: ['\xa5\xab\x2c\xc2\x8a\xdd', '\xa5\xab\x2c\xc2\x8a\xdd'],
  ÿ: ['refused', 'refused'],
};

describe('a value decoded', () => {
  for (const [value, [std, url]] of Object.entries(GO)) {
    it(`from ${JSON.stringify(value)} is what Go makes of it`, () => {
      assert.equal(decode(value, 'Base64'), std);
      assert.equal(decode(value, 'Base64URL'), url);
      const auto = std !== 'refused' ? std : url !== 'refused' ? url : Buffer.from(value).toString('latin1');
      assert.equal(decode(value, 'Auto'), auto);
    });
  }

  it('by no strategy stays as it is, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('' as const, 'None' as const), (bytes, strategy) => {
        assert.equal(decode(Buffer.from(bytes), strategy), Buffer.from(bytes).toString('latin1'));
      }),
    );
  });

  it('has the bytes that were encoded, and with Auto is never refused', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (array) => {
        const bytes = Buffer.from(array);
        const text = bytes.toString('latin1');
        assert.equal(decode(bytes.toString('base64'), 'Base64'), text);
        const url = bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
        assert.equal(decode(url, 'Base64URL'), text);
        assert.equal(decode(url, 'Auto'), text);
        assert.notEqual(decode(bytes, 'Auto'), 'refused');
      }),
    );
  });

  it('may be as large as a backend’s answer', () => {
    const bytes = Buffer.alloc(3 * 1_048_576, 'x');
    assert.equal(decode(bytes.toString('base64'), 'Base64').length, bytes.length);
    assert.equal(decode(`${bytes.toString('base64')}!`, 'Auto').length, 4 * 1_048_576 + 1);
  });
});

describe('a NUL byte', () => {
  const sentence = 'the value holds a NUL byte, which nullBytePolicy Fail forbids';
  const fail: ValueStrategies = { nullBytePolicy: 'Fail' };

  it('is forbidden by policy Fail, and by no other', () => {
    const value = SecretValue.fromText('fake\0value');
    assert.throws(() => decodeValue(value, fail), new LatchkeyError('InvalidData', sentence));
    for (const nullBytePolicy of ['', 'Ignore'] as const) assert.equal(decodeValue(value, { nullBytePolicy }), value);
    assert.equal(decodeValue(value, {}), value);
  });

  it('counts once the value is decoded', () => {
    const value = SecretValue.fromText('AA==');
    assert.throws(
      () => decodeValue(value, { ...fail, decodingStrategy: 'Base64' }),
      new LatchkeyError('InvalidData', sentence),
    );
    assert.equal(decodeValue(value, fail), value);
  });
});
