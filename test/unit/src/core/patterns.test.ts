import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { patternOf } from '../../../../src/core/patterns.ts';

describe('a regular expression out of an object', () => {
  it('is compiled once for the object, and anew for another', async () => {
    const owner = {};
    const first = await patternOf(owner, 'a+');
    assert.ok(first);
    assert.equal(await patternOf(owner, 'a+'), first);
    assert.notEqual(await patternOf({}, 'a+'), first);
  });

  for (const expression of ['(', '[', '*', 'a{2,1}', '\\', '(?=a)', '(a)\\1', 'a'.repeat(1_025)]) {
    it(`is none when it is ${expression.slice(0, 20)}`, async () => {
      const owner = {};
      assert.equal(await patternOf(owner, expression), undefined);
      assert.equal(await patternOf(owner, expression), undefined);
    });
  }

  it('may have 1024 characters', async () => assert.ok(await patternOf({}, 'a'.repeat(1_024))));

  it('takes linear time, where others take years', async () => {
    const pattern = await patternOf({}, '(a+)+$');
    const startedAtMs = performance.now();
    assert.equal(pattern?.matches(`${'a'.repeat(5_000)}!`), false);
    assert.ok(performance.now() - startedAtMs < 2_000);
  });
});
