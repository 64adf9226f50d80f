import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

const unpack = promisify(brotliDecompress);
const FILE = new URL('./go-libraries.wasm.br', import.meta.url);

/** Reads and compiles the module, off this thread. A bundle keeps the file beside it. */
export async function loadModule(): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await unpack(await readFile(FILE)));
}
