/**
 * The few system calls (WASI preview 1) that Go's runtime cannot do without: clock, randomness, an end. There is no file,
 * argument or environment in here, so a library has nothing outside the module to reach. `node:wasi` would bring all of
 * that, and a warning that it is experimental.
 */
const SUCCESS = 0;
/** What every call about files answers; it also ends Go's search for directories it was given. */
const BAD_FILE_DESCRIPTOR = 8;
const REALTIME_CLOCK = 0;
const EVENT_BYTES = 32;
/** Fixed texts of Go's runtime. What else it writes is lost: it may quote values. */
const OUT_OF_MEMORY = /out of memory|cannot allocate memory/;

export interface System {
  readonly imports: WebAssembly.Imports;
  /** Call once the module is instantiated. */
  attach(memory: WebAssembly.Memory): void;
  /** Has the runtime said that its memory is used up? */
  isOutOfMemory(): boolean;
}

/** @param progress Hears which item of a call is being worked on, from the operations that have some. */
export function createSystem(module: WebAssembly.Module, progress: (item: number) => void): System {
  let memory: WebAssembly.Memory | undefined;
  let isOutOfMemory = false;
  const bytes = (): Buffer => Buffer.from(memory?.buffer ?? new ArrayBuffer(0));

  const calls: Readonly<Record<string, (...args: never[]) => number>> = {
    args_get: () => SUCCESS,
    args_sizes_get: writeNoEntries,
    environ_get: () => SUCCESS,
    environ_sizes_get: writeNoEntries,
    sched_yield: () => SUCCESS,
    clock_time_get(clock: number, _precision: bigint, resultAt: number) {
      const now = clock === REALTIME_CLOCK ? BigInt(Date.now()) * 1_000_000n : process.hrtime.bigint();
      bytes().writeBigUInt64LE(now, resultAt);
      return SUCCESS;
    },
    random_get(at: number, size: number) {
      crypto.getRandomValues(bytes().subarray(at, at + size));
      return SUCCESS;
    },
    /** Go sleeps here while it waits for a timer; that the timer has fired is close enough for a call of milliseconds. */
    poll_oneoff(_subscriptionsAt: number, eventsAt: number, count: number, firedAt: number) {
      bytes().fill(0, eventsAt, eventsAt + count * EVENT_BYTES);
      bytes().writeUInt32LE(count, firedAt);
      return SUCCESS;
    },
    fd_write(_file: number, piecesAt: number, count: number, writtenAt: number) {
      const all = bytes();
      let written = 0;
      for (let at = piecesAt; at < piecesAt + count * 8; at += 8) {
        const start = all.readUInt32LE(at);
        const size = all.readUInt32LE(at + 4);
        isOutOfMemory ||= OUT_OF_MEMORY.test(all.toString('latin1', start, start + size));
        written += size;
      }
      all.writeUInt32LE(written, writtenAt);
      return SUCCESS;
    },
    proc_exit() {
      throw new Error('the module has ended itself');
    },
  };

  function writeNoEntries(countAt: number, sizeAt: number): number {
    bytes().writeUInt32LE(0, countAt);
    bytes().writeUInt32LE(0, sizeAt);
    return SUCCESS;
  }

  const refuse = (): number => BAD_FILE_DESCRIPTOR;
  const wanted = WebAssembly.Module.imports(module).map(({ name }) => [name, calls[name] ?? refuse] as const);
  return {
    imports: { wasi_snapshot_preview1: Object.fromEntries(wanted), latchkey: { progress } },
    attach: (given) => void (memory = given),
    isOutOfMemory: () => isOutOfMemory,
  };
}
