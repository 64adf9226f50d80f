import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { providers } from '../../providers/index.ts';
import { describeSecretsClient } from './secrets-client.suite.ts';
import { subjects } from './subjects.ts';

const folder = join(import.meta.dirname, '../../providers');
const NOT_A_PROVIDER = ['shared'];

/** Prints what of node_modules a fresh process has loaded once the provider is made. `zod` is no SDK. */
const LOADED = `
  import { registerHooks } from 'node:module';
  const loaded = new Set();
  registerHooks({ load: (url, context, next) => { loaded.add(url); return next(url, context); } });
  const { createProvider } = await import(process.argv[1]);
  createProvider();
  const names = [...loaded].map((url) => /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
  console.log(JSON.stringify([...new Set(names.filter(Boolean))]));
`;

describe('the registry of providers', () => {
  it('has every folder of providers/ and no other name', async () => {
    const entries = await readdir(folder, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !NOT_A_PROVIDER.includes(entry.name));
    assert.deepEqual(Object.keys(providers).toSorted(), folders.map(({ name }) => name).toSorted());
  });

  for (const [name, load] of Object.entries(providers)) {
    it(`finds createProvider, and nothing else, in ${name}`, async () => {
      const module = await load();
      assert.deepEqual(Object.keys(module), ['createProvider']);
      const provider = module.createProvider();
      assert.equal(typeof provider.newClient, 'function');
      assert.equal(typeof provider.documents.property, 'function');
      assert.equal(typeof provider.documents.map, 'function');
    });

    it(`loads no SDK with ${name}`, async () => {
      const url = pathToFileURL(join(folder, name, 'index.ts')).href;
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', LOADED, '--', url]);
      assert.deepEqual(JSON.parse(stdout), ['zod']);
    });
  }
});

for (const subject of Object.values(subjects).flat()) describeSecretsClient(subject);
