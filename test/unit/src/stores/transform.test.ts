import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Rewrite } from '../../../../src/api/external-secrets.ts';
import { TemplateError } from '../../../../src/core/template/template-error.ts';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';
import { rewriteKeys } from '../../../../src/stores/rewrite.ts';
import { secretValues } from '../go/rendering.ts';

const libraries = createGoLibraries({ timeLimitMs: 10_000 });
after(() => libraries.close());

async function keysAfter(...steps: readonly Rewrite[]): Promise<readonly string[]> {
  const values = secretValues({ 'app/user': 'fake-1', 'app/password': 'fake-2' });
  return [...(await rewriteKeys(values, steps, libraries, AbortSignal.timeout(60_000))).keys()].sort();
}

describe('rewrite.transform', () => {
  it('makes each key by a template that knows it as .value', async () => {
    const template = '{{ .value | replace "/" "_" | upper }}';
    assert.deepEqual(await keysAfter({ transform: { template } }), ['APP_PASSWORD', 'APP_USER']);
  });

  it('takes a missing key for no value, as upstream', async () => {
    const template = '{{ base .value }}{{ .missing }}';
    assert.deepEqual(await keysAfter({ transform: { template } }), ['password<no value>', 'user<no value>']);
  });

  it('goes on from what the step before it gives', async () => {
    const keys = await keysAfter(
      { regexp: { source: '^app/', target: '' } },
      { transform: { template: 'db_{{ .value }}' } },
    );
    assert.deepEqual(keys, ['db_password', 'db_user']);
  });

  it('gives all keys one name where it has no action', async () => {
    assert.deepEqual(await keysAfter({ transform: { template: 'one' } }), ['one']);
  });

  it('says where it fails', async () => {
    await assert.rejects(
      keysAfter({ transform: { template: '{{ .value }}{{ fail .value }}' } }),
      (error) =>
        error instanceof TemplateError &&
        error.message === 'rewrite[0].transform, line 1, column 16: template called fail',
    );
  });
});
