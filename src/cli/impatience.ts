import { LatchkeyError } from '../core/errors.ts';
import type { Logger } from '../ports/logger.ts';
import { sentenceLogger } from './sentences.ts';

/** An API server that restarts, or has just got to know a kind, answers again within this. */
const PATIENCE_MS = 5_000;

/**
 * Makes the first trouble with a cluster the end of a command that waits for it. A server goes on trying; whoever waits for a
 * command wants to hear why there is nothing.
 */
export class Impatience implements Disposable {
  readonly #failing = new AbortController();
  #patience: NodeJS.Timeout | undefined;
  #isOver = false;

  readonly logger: Logger = {
    ...sentenceLogger,
    warn: (message, fields, error) => {
      if (this.#isOver) sentenceLogger.warn(message, fields, error);
      else this.#fail(error);
    },
  };

  /** Aborts with the trouble. */
  get signal(): AbortSignal {
    return this.#failing.signal;
  }

  /** The cluster is there. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#patience);
  }

  #fail(error: unknown): void {
    const mayPass = error instanceof LatchkeyError && error.code === 'ClusterUnavailable';
    if (mayPass) this.#patience ??= setTimeout(() => this.#failing.abort(error), PATIENCE_MS);
    else this.#failing.abort(error);
  }
}
