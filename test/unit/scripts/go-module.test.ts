import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import {
  artefactFile,
  buildModule,
  hashInputs,
  installedGo,
  pinnedGo,
  recordFile,
  sha256,
  type ArtefactRecord,
} from '../../../scripts/go-module/build.ts';

const pinned = await pinnedGo();
const installed = await installedGo();
const whyNotRebuilt =
  installed === pinned ? false : `not rebuilt: this needs ${pinned}, and here is ${installed ?? 'no Go at all'}`;

describe('the module of the Go libraries', () => {
  it('is the one that its record speaks of', async () => {
    const record = JSON.parse(await readFile(recordFile, 'utf8')) as ArtefactRecord;
    const wasmSha256 = sha256(brotliDecompressSync(await readFile(artefactFile)));
    assert.deepEqual(record, { inputsSha256: await hashInputs(), wasmSha256 });
  });

  it('is what its sources give, byte for byte', { skip: whyNotRebuilt }, async () => {
    const rebuilt = await buildModule();
    assert.ok(rebuilt.equals(brotliDecompressSync(await readFile(artefactFile))), 'npm run build:go');
  });
});
