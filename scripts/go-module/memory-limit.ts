/** Section of a WebAssembly binary that says how much linear memory the module starts with, and how much it may have. */
const MEMORY_SECTION = 5;
const HEADER_BYTES = 8;
const PAGE_BYTES = 65_536;

/**
 * Gives a module with one memory of its own an upper limit, which Go's linker has no option for. Beyond it `memory.grow`
 * fails, and Go's runtime ends the module as out of memory.
 */
export function limitMemory(wasm: Buffer, limitBytes: number): Buffer {
  let at = HEADER_BYTES;
  while (at < wasm.length) {
    const size = readUnsigned(wasm, at + 1);
    const end = size.end + size.value;
    if (wasm[at] === MEMORY_SECTION) {
      return Buffer.concat([
        wasm.subarray(0, at),
        memorySection(wasm.subarray(size.end, end), limitBytes),
        wasm.subarray(end),
      ]);
    }
    at = end;
  }
  throw new Error('the module has no memory of its own');
}

function memorySection(unlimited: Buffer, limitBytes: number): Buffer {
  const [count, flags] = unlimited;
  if (count !== 1 || flags !== 0) throw new Error('the module’s memory is not the single unlimited one that Go makes');
  const initialPages = unlimited.subarray(2);
  const content = Buffer.concat([Buffer.from([1, 1]), initialPages, unsigned(limitBytes / PAGE_BYTES)]);
  return Buffer.concat([Buffer.from([MEMORY_SECTION]), unsigned(content.length), content]);
}

/** LEB128, as WebAssembly writes numbers. */
function unsigned(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function readUnsigned(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  for (let end = start; ; end += 1) {
    const byte = bytes.readUInt8(end);
    value += (byte & 0x7f) * 2 ** (7 * (end - start));
    if (byte < 0x80) return { value, end: end + 1 };
  }
}
