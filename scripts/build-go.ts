/**
 * Builds the Go libraries that Latchkey carries (src/go/module) into src/go/*.wasm.br, with a record of what they were made
 * from beside them.
 *   npm run build:go
 *   npm run build:go -- --check    only compares the record with the sources
 */
import { readFile, writeFile } from 'node:fs/promises';
import { brotliCompressSync } from 'node:zlib';
import {
  artefactFile,
  buildModule,
  hashInputs,
  MODULES,
  recordFile,
  sha256,
  type ArtefactRecord,
} from './go-module/build.ts';

const inputsSha256 = await hashInputs();
if (process.argv.includes('--check')) {
  const record = JSON.parse(await readFile(recordFile, 'utf8')) as ArtefactRecord;
  if (record.inputsSha256 !== inputsSha256) {
    process.stderr.write('src/go/*.wasm.br were built from other sources than are here: npm run build:go\n');
    process.exitCode = 1;
  }
} else {
  const hashes: [string, string][] = [];
  for (const module of MODULES) {
    const wasm = await buildModule(module);
    const packed = brotliCompressSync(wasm);
    await writeFile(artefactFile(module), packed);
    hashes.push([module.name, sha256(wasm)]);
    process.stdout.write(`${module.name}: ${toMiB(packed)} MiB, ${toMiB(wasm)} MiB unpacked\n`);
  }
  const record = { inputsSha256, wasmSha256: Object.fromEntries(hashes) };
  await writeFile(recordFile, `${JSON.stringify(record, undefined, 2)}\n`);
}

function toMiB(bytes: Buffer): string {
  return (bytes.length / 1_048_576).toFixed(1);
}
