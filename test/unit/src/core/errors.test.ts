import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { asLatchkeyError, LatchkeyError } from '../../../../src/core/errors.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';

describe('a secret value', () => {
  const value = SecretValue.fromText('not-a-real-password');
  const ways: Readonly<Record<string, string>> = {
    JSON: JSON.stringify({ value }),
    'a string': String(value),
    'a template': String.raw({ raw: ['', ''] }, value),
    'util.inspect': inspect({ value }, { depth: 5, showHidden: true }),
    concatenation: ['a', value].join(' '),
  };
  for (const [way, text] of Object.entries(ways)) {
    it(`prints as [redacted] by ${way}`, () => {
      assert.match(text, /\[redacted\]/);
      assert.doesNotMatch(text, /not-a-real/);
    });
  }

  it('gives its bytes only when asked', () => assert.equal(value.reveal().toString(), 'not-a-real-password'));
});

describe('an error', () => {
  it('of a foreign kind becomes Internal and keeps its text to itself', () => {
    const error = asLatchkeyError(new SyntaxError('Unexpected token in "not-a-real-password"'));
    assert.equal(error.code, 'Internal');
    assert.doesNotMatch(error.message, /not-a-real/);
  });

  it('keeps code and patience when it is put in a place', () => {
    const error = new LatchkeyError('BackendThrottled', 'slow down', { retryAfterMs: 1_000 }).within('spec.data[0]');
    assert.deepEqual(
      { code: error.code, message: error.message, retryAfterMs: error.retryAfterMs, category: error.category },
      { code: 'BackendThrottled', message: 'spec.data[0]: slow down', retryAfterMs: 1_000, category: 'no-new-value' },
    );
  });
});
