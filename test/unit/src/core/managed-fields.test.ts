import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ManagedFields } from '../../../../src/api/kubernetes.ts';
import { fieldsWrittenBy } from '../../../../src/core/target/managed-fields.ts';

const metadata = { 'f:labels': { '.': {}, 'f:team': {}, 'f:a/b': {} }, 'f:annotations': { 'f:note': {} } };
const entries: readonly ManagedFields[] = [
  {
    manager: 'us',
    operation: 'Update',
    fieldsV1: { 'f:data': { '.': {}, 'f:a': {}, 'f:f:b': {} }, 'f:metadata': metadata },
  },
  { manager: 'us', operation: 'Apply', fieldsV1: { 'f:data': { 'f:c': {} } } },
  { manager: 'us', subresource: 'status', fieldsV1: { 'f:data': { 'f:d': {} } } },
  { manager: 'them', fieldsV1: { 'f:data': { 'f:e': {} }, 'f:type': {} } },
  { manager: 'odd', fieldsV1: { 'f:data': [], 'f:metadata': 'x' } },
  { manager: 'bare' },
];

function written(...managers: readonly string[]): readonly (readonly string[])[] {
  const { data, labels, annotations } = fieldsWrittenBy(managers, entries);
  return [data, labels, annotations].map((names) => [...names]);
}

describe('the fields that a manager has written', () => {
  it('are those of all its entries but those of a subresource', () => {
    assert.deepEqual(written('us'), [['a', 'f:b', 'c'], ['team', 'a/b'], ['note']]);
  });

  it('are those of several together', () => assert.deepEqual(written('us', 'them')[0], ['a', 'f:b', 'c', 'e']));

  for (const manager of ['nobody', 'odd', 'bare']) {
    it(`are none of ${manager}`, () => assert.deepEqual(written(manager), [[], [], []]));
  }

  it('are none of an object that nobody has noted', () => {
    assert.equal(fieldsWrittenBy(['us'], undefined).data.size, 0);
  });
});
