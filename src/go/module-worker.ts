/**
 * The thread that the Go libraries run in: one instance of the module, one call after the other. A call that breaks the
 * instance ends the thread. A bundle keeps it as an entry of its own beside the bundle of module-thread.ts, named
 * `module-worker`.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CallState } from './call-state.ts';
import type { CallMessage, ResponseMessage, ThreadData } from './module-thread.ts';
import { createSystem } from './wasi.ts';

/** What src/go/module/main.go exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  _initialize(): void;
  allocate(sizeBytes: number): number;
  run(operation: number): number;
  responseAt(): number;
}

/** Linear memory never shrinks: a thread whose module has grown beyond this ends after the call, to give it back. */
const LARGEST_KEPT_BYTES = 64 * 1_048_576;

const { module, shared } = workerData as ThreadData;
const state = new CallState(shared);
const system = createSystem(module, (item) => state.proceed(item));
const exports = new WebAssembly.Instance(module, system.imports).exports as Exports;
system.attach(exports.memory);
exports._initialize();

parentPort?.on('message', ({ call, operation, request }: CallMessage) => {
  state.begin(call);
  const response = answer(operation, request);
  state.end();
  parentPort?.postMessage({ call, response } satisfies ResponseMessage, [response.buffer]);
  if (exports.memory.buffer.byteLength > LARGEST_KEPT_BYTES) process.exit(0);
});

function answer(operation: number, request: Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    const requestAt = exports.allocate(request.length);
    new Uint8Array(exports.memory.buffer, requestAt, request.length).set(request);
    const size = exports.run(operation);
    return new Uint8Array(exports.memory.buffer, exports.responseAt(), size).slice();
  } catch {
    // A trap or the runtime's own end, whose texts may quote values. The other side only learns which kind it was.
    state.fail(system.isOutOfMemory() ? 'memory' : 'crash');
    process.exit(1);
  }
}
