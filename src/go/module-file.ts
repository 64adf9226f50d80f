import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

const unpack = promisify(brotliDecompress);
/** What is built of src/go/module, see scripts/go-module/build.ts. */
export type ModuleName = 'go-libraries' | 'go-templates';

/** Reads and compiles a module, off this thread. A bundle keeps the file beside it. */
export async function loadModule(name: ModuleName): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await unpack(await readFile(new URL(`./${name}.wasm.br`, import.meta.url))));
}
