import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ERROR_CODES } from '../../../../src/core/errors.ts';
import { REASONS, troubleshootingPage } from '../../../../src/core/reason-catalogue.ts';

describe('the catalogue of reasons', () => {
  it('has every code, each with what it means and what to do', () => {
    assert.deepEqual(Object.keys(REASONS).toSorted(), [...Object.keys(ERROR_CODES), 'SecretUnmanaged'].toSorted());
    for (const [code, { means, remedy }] of Object.entries(REASONS)) {
      for (const sentence of [means, remedy]) assert.match(sentence, /^[A-Z].{10,}\.$/s, code);
    }
  });

  it('is what docs/troubleshooting.md says (npm run docs)', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../../docs/troubleshooting.md'), 'utf8');
    const words = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
    assert.equal(words(page), words(troubleshootingPage()));
  });
});
