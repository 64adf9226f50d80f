import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { needsOf } from '../../../../src/core/admission/needs.ts';
import type { Reference } from '../../../../src/core/admission/references.ts';

function reference(secretName: string, keys: readonly string[] = [], isOptional = false): Reference {
  return { secretName, keys, isOptional, kind: 'env', place: `env of ${secretName}` };
}

describe('what a pod needs', () => {
  it('is nothing without references', () => assert.deepEqual(needsOf([]), []));

  it('is one need for each Secret, in order of first mention', () => {
    const needs = needsOf([reference('b'), reference('a'), reference('b')]);
    assert.deepEqual(
      needs.map(({ secretName }) => secretName),
      ['b', 'a'],
    );
  });

  it('of a Secret is each required key once', () => {
    const [need] = needsOf([reference('db', ['user', 'password']), reference('db', ['password', 'host'])]);
    assert.deepEqual(need?.keys, ['user', 'password', 'host']);
  });

  it('has no keys that only optional references name', () => {
    const [need] = needsOf([reference('db', ['user']), reference('db', ['extra'], true)]);
    assert.deepEqual(need?.keys, ['user']);
  });

  it('is required as soon as one reference is', () => {
    const [need] = needsOf([reference('db', [], true), reference('db')]);
    assert.equal(need?.isOptional, false);
  });

  it('is optional when every reference is', () => {
    const [need] = needsOf([reference('db', ['a'], true), reference('db', [], true)]);
    assert.equal(need?.isOptional, true);
  });

  it('does not mix up Secrets with the names of object members', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    assert.deepEqual(
      needsOf(names.map((name) => reference(name))).map(({ secretName }) => secretName),
      names,
    );
  });

  it('keeps every reference exactly once', () => {
    const references = fc.array(
      fc
        .record({ name: fc.constantFrom('a', 'b', 'c'), keys: fc.array(fc.constantFrom('x', 'y')), opt: fc.boolean() })
        .map(({ name, keys, opt }) => reference(name, keys, opt)),
    );
    fc.assert(
      fc.property(references, (list) => {
        const kept = needsOf(list).flatMap((need) => need.references);
        assert.equal(kept.length, list.length);
        assert.deepEqual(new Set(kept), new Set(list));
      }),
    );
  });
});
