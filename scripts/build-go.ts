/**
 * Builds the Go libraries that Latchkey carries (src/go/module) into src/go/go-libraries.wasm.br, with a record of what it
 * was made from beside it.
 *   npm run build:go
 *   npm run build:go -- --check    only compares the record with the sources
 */
import { readFile, writeFile } from 'node:fs/promises';
import { brotliCompressSync } from 'node:zlib';
import { artefactFile, buildModule, hashInputs, recordFile, sha256, type ArtefactRecord } from './go-module/build.ts';

const inputsSha256 = await hashInputs();
if (process.argv.includes('--check')) {
  const record = JSON.parse(await readFile(recordFile, 'utf8')) as ArtefactRecord;
  if (record.inputsSha256 !== inputsSha256) {
    process.stderr.write('src/go/go-libraries.wasm.br was built from other sources than are here: npm run build:go\n');
    process.exitCode = 1;
  }
} else {
  const wasm = await buildModule();
  const record: ArtefactRecord = { inputsSha256, wasmSha256: sha256(wasm) };
  const packed = brotliCompressSync(wasm);
  await writeFile(artefactFile, packed);
  await writeFile(recordFile, `${JSON.stringify(record, undefined, 2)}\n`);
  process.stdout.write(`${toMiB(packed)} MiB, ${toMiB(wasm)} MiB unpacked\n`);
}

function toMiB(bytes: Buffer): string {
  return (bytes.length / 1_048_576).toFixed(1);
}
