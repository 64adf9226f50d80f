import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as z from 'zod/mini';
import { parseProviderConfig } from '../../../providers/shared/config.ts';
import type { Json } from '../../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';

const schema = z.strictObject({
  kind: z.enum(['one', 'two']),
  name: z.string().check(z.minLength(1)),
  limit: z.optional(z.int()),
  auth: z.optional(z.strictObject({ list: z.optional(z.array(z.strictObject({ key: z.string() }))) })),
  form: z.optional(z.string().check(z.regex(/^[a-z]+$/))),
});
const good = { kind: 'one', name: 'fake' };

const cases: Record<string, { given: Json; code: string; message: string }> = {
  'an unknown field': {
    given: { ...good, extra: 'sentinel' },
    code: 'Unsupported',
    message: 'spec.provider.x.extra is not supported by this version',
  },
  'an unknown field further in': {
    given: { ...good, auth: { list: [{ key: 'a' }, { key: 'a', jwt: 'sentinel' }] } },
    code: 'Unsupported',
    message: 'spec.provider.x.auth.list[1].jwt is not supported by this version',
  },
  'an unknown field beside a wrong one': {
    given: { kind: 'sentinel', __proto: 1 },
    code: 'Unsupported',
    message: 'spec.provider.x.__proto is not supported by this version',
  },
  'a missing text': {
    given: { kind: 'one' },
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x.name is required (a string)',
  },
  'a missing word': {
    given: { name: 'fake' },
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x.kind is required (one of one, two)',
  },
  'a null text': {
    given: { kind: 'one', name: null },
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x.name is required (a string)',
  },
  'a wrong type': {
    given: { ...good, name: { sentinel: 1 } },
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x.name must be a string',
  },
  'an empty text': {
    given: { ...good, name: '' },
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x.name must be text that is not empty',
  },
  'a wrong word': {
    given: { ...good, kind: 'sentinel' },
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x.kind must be one of one, two',
  },
  'a text of the wrong form': {
    given: { ...good, form: 'SENTINEL sentinel' },
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x.form must be text of the documented form',
  },
  'a list that is none': {
    given: { ...good, auth: { list: 'sentinel' } },
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x.auth.list must be an array',
  },
  'a section that is none': {
    given: 'sentinel',
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x must be an object',
  },
  'a section that is null': {
    given: null,
    code: 'InvalidProviderConfig',
    message: 'spec.provider.x must be an object',
  },
  'a field whose name has control characters': {
    given: { ...good, 'a\nb': 1 },
    code: 'Unsupported',
    message: 'spec.provider.x.a?b is not supported by this version',
  },
};

describe('a provider’s section of a store', () => {
  it('is typed when it is right', () => {
    assert.deepEqual(parseProviderConfig(schema, { ...good, limit: 3 }, 'spec.provider.x'), { ...good, limit: 3 });
  });

  it('may hold null for what is absent', () => {
    assert.deepEqual(parseProviderConfig(schema, { ...good, auth: { jwt: null }, extra: null }, 'spec.provider.x'), {
      ...good,
      auth: {},
    });
  });

  for (const [sentence, { given, code, message }] of Object.entries(cases)) {
    it(`with ${sentence} is ${code}`, () => {
      assert.throws(
        () => parseProviderConfig(schema, given, 'spec.provider.x'),
        (error) => {
          assert.ok(error instanceof LatchkeyError);
          assert.deepEqual({ code: error.code, message: error.message }, { code, message });
          return true;
        },
      );
    });
  }

  it('never ends in anything but a LatchkeyError', () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.record({ kind: fc.jsonValue(), name: fc.jsonValue(), auth: fc.jsonValue() }, { requiredKeys: [] }),
    );
    fc.assert(
      fc.property(anything, (given) => {
        try {
          parseProviderConfig(schema, given as Json, 'spec.provider.x');
        } catch (error) {
          assert.ok(error instanceof LatchkeyError);
        }
      }),
    );
  });
});
