import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { crdTypes, TYPES_FILE } from '../../../../scripts/types/crd-types.ts';

describe('the types of the CRDs', () => {
  it('are what the CRDs say (npm run types)', async () => {
    assert.equal(await readFile(TYPES_FILE, 'utf8'), await crdTypes());
  });
});
