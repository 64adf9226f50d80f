import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import {
  artefactFile,
  buildModule,
  hashInputs,
  installedGo,
  MODULES,
  pinnedGo,
  recordFile,
  sha256,
  type ArtefactRecord,
  type Module,
} from '../../../scripts/go-module/build.ts';

const record = JSON.parse(await readFile(recordFile, 'utf8')) as ArtefactRecord;
const pinned = await pinnedGo();
const installed = await installedGo();
const whyNotRebuilt =
  installed === pinned ? false : `not rebuilt: this needs ${pinned}, and here is ${installed ?? 'no Go at all'}`;

describe('the record of the Go libraries', () => {
  it('is of the sources that are here', async () => {
    assert.equal(record.inputsSha256, await hashInputs());
  });
});

for (const module of MODULES) {
  describe(`the module ${module.name}`, () => {
    it('is the one that the record speaks of', async () => {
      assert.equal(sha256(await unpack(module)), record.wasmSha256[module.name]);
    });

    it('is what its sources give, byte for byte', { skip: whyNotRebuilt }, async () => {
      assert.ok((await buildModule(module)).equals(await unpack(module)), 'npm run build:go');
    });
  });
}

async function unpack(module: Module): Promise<Buffer> {
  return brotliDecompressSync(await readFile(artefactFile(module)));
}
