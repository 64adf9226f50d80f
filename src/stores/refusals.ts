import { LRUCache } from 'lru-cache';
import type { ErrorCode, LatchkeyError } from '../core/errors.ts';
import type { Clock } from '../ports/clock.ts';

/** A secret that is missing may be made at any moment; rights and log-ins take somebody longer to mend. */
export const NEGATIVE_FOR_MS = 5_000;
const UNAUTHORISED_FOR_MS = 30_000;

/** For how long an answer of the backend's stands without asking again, ms. */
const REMEMBERED_FOR_MS: Partial<Readonly<Record<ErrorCode, number>>> = {
  SecretNotFound: NEGATIVE_FOR_MS,
  PropertyNotFound: NEGATIVE_FOR_MS,
  InvalidData: NEGATIVE_FOR_MS,
  BackendAuthFailed: UNAUTHORISED_FOR_MS,
  BackendPermissionDenied: UNAUTHORISED_FOR_MS,
};

const MOST_REMEMBERED = 10_000;

/**
 * What a backend has just refused. Pods are made again and again until what they need is there, and each would ask anew:
 * that costs the backend and, by its rate limit, everybody else.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #refusals = new LRUCache<string, { readonly error: LatchkeyError; readonly untilMs: number }>({
    max: MOST_REMEMBERED,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The refusal that still stands for what was asked under this name. */
  recall(name: string): LatchkeyError | undefined {
    const refusal = this.#refusals.get(name);
    return refusal !== undefined && this.#clock.now() < refusal.untilMs ? refusal.error : undefined;
  }

  /** Remembers the error if it is a refusal. */
  note(name: string, error: LatchkeyError): void {
    const forMs = REMEMBERED_FOR_MS[error.code];
    if (forMs !== undefined) this.#refusals.set(name, { error, untilMs: this.#clock.now() + forMs });
  }
}
