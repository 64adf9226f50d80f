import { join } from 'node:path';
import { startChild, type Child } from '../process/child.ts';
import type { RunningComponent } from './types.ts';
import type { BinaryName } from './versions.ts';

export interface ComponentSetOptions {
  /** Has the binaries in `bin` and gets the logs in `logs`. */
  readonly directory: string;
  readonly log: (line: string) => void;
  /** Told of a component that ends although nobody stopped it. */
  readonly warn: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

export interface ComponentSet {
  readonly running: readonly RunningComponent[];
  /** @throws Error when it is running already, or is not ready within 60 s. */
  start(name: BinaryName, flags: readonly string[], ready: (signal: AbortSignal) => Promise<boolean>): Promise<void>;
  /** Does nothing when it is not running. */
  stop(name: BinaryName, graceMs: number): Promise<void>;
  /** Kills all, also those still starting: nothing can be started afterwards. */
  stopAll(): Promise<void>;
}

const readyTimeoutMs = 60_000;

/** The processes of one control plane. */
export function createComponentSet(options: ComponentSetOptions): ComponentSet {
  const { directory, log, warn } = options;
  const children = new Map<BinaryName, Child>();
  const starting = new Set<Promise<Child>>();
  const stopped = new AbortController();
  const signal = AbortSignal.any([stopped.signal, ...(options.signal === undefined ? [] : [options.signal])]);

  return {
    get running() {
      return [...children.values()].map(({ name, pid }) => ({ name, pid }));
    },

    async start(name, flags, ready) {
      if (children.has(name)) throw new Error(`${name} is running already`);
      const startedMs = performance.now();
      const logFile = join(directory, 'logs', `${name}.log`);
      const command = join(directory, 'bin', name);
      const start = startChild({ name, command, args: flags, logFile, ready, readyTimeoutMs, signal });
      starting.add(start);
      try {
        const child = await start;
        children.set(name, child);
        void child.ended.then((how) => {
          if (children.get(name) !== child) return;
          children.delete(name);
          warn(`${name} ended unexpectedly with ${how}; see ${logFile}`);
        });
      } finally {
        starting.delete(start);
      }
      log(`${name} is ready after ${Math.round(performance.now() - startedMs)} ms`);
    },

    async stop(name, graceMs) {
      const child = children.get(name);
      children.delete(name);
      await child?.stop(graceMs);
    },

    async stopAll() {
      stopped.abort(new Error('the control plane was stopped'));
      await Promise.allSettled(starting); // Whoever started them gets their errors.
      const all = [...children.values()];
      children.clear();
      await Promise.all(all.map((child) => child.stop(0)));
    },
  };
}
