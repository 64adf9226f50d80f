import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataHash, syncedResourceVersion } from '../../../../src/core/target/object-hash.ts';

describe('the hashes that External Secrets Operator writes', () => {
  it('are reproduced for data', () => {
    const data = [
      ['foo', Buffer.from('value1')],
      ['bar', Buffer.from('value2')],
    ] as const;
    assert.equal(dataHash(data), '1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64');
  });

  it('are reproduced for the metadata of a spec', () => {
    const version = syncedResourceVersion({ generation: 4, annotations: { x: 'b', a: 'y z' }, labels: {} });
    assert.match(version, /^4-[0-9a-f]{56}$/);
    const same = syncedResourceVersion({ generation: 4, annotations: { a: 'y', x: 'b' } });
    assert.notEqual(version, same);
  });

  it('do not depend on the order of keys', () => {
    const [a, b] = [Buffer.from('1'), Buffer.from('2')];
    assert.equal(
      dataHash([
        ['a', a],
        ['b', b],
      ]),
      dataHash([
        ['b', b],
        ['a', a],
      ]),
    );
  });
});
