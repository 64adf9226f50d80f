import { LRUCache } from 'lru-cache';
import { formatDurationMs } from '../core/duration.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import type { Clock } from '../ports/clock.ts';

interface Circuit {
  failuresInARow: number;
  /** Not asked before this; milliseconds since the epoch. */
  closedFromMs: number;
  lastError: LatchkeyError | undefined;
  /** After a pause one caller tries for all. */
  isProbing: boolean;
}

const FAILURES_BEFORE_OPEN = 5;
const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Who waits for less than this may just have been impatient. */
const SHORTEST_TIMEOUT_MS = 1_000;
const CIRCUITS_REMEMBERED = 2_000;

/**
 * Circuit breakers, one for each store and identity. A backend that fails time after time is not asked for a while, so
 * that pods with an older value start at once instead of waiting out their deadline, and the backend can recover. Only
 * transport errors, 5xx, 429 and hanging count: a backend that answers "no" is alive.
 */
export class CircuitBreakers {
  readonly #clock: Clock;
  readonly #circuits = new LRUCache<string, Circuit>({ max: CIRCUITS_REMEMBERED });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws LatchkeyError what the work throws, or at once the last failure's code while the circuit is open. */
  async run<T>(identity: string, work: () => Promise<T>): Promise<T> {
    const circuit = this.#circuits.get(identity);
    if (circuit !== undefined) this.#enter(circuit);
    const startedAtMs = this.#clock.now();
    try {
      const result = await work();
      this.#circuits.delete(identity);
      return result;
    } catch (cause) {
      const error = asLatchkeyError(cause);
      if (isAlive(error)) this.#circuits.delete(identity);
      else this.#fail(identity, error, this.#clock.now() - startedAtMs);
      throw error;
    }
  }

  #enter(circuit: Circuit): void {
    const { lastError, closedFromMs, isProbing } = circuit;
    if (lastError === undefined || closedFromMs === 0) return;
    if (isProbing || this.#clock.now() < closedFromMs) throw refused(lastError);
    circuit.isProbing = true;
  }

  #fail(identity: string, error: LatchkeyError, tookMs: number): void {
    const circuit = this.#circuits.get(identity) ?? {
      ...{ failuresInARow: 0, closedFromMs: 0, lastError: undefined, isProbing: false },
    };
    circuit.isProbing = false;
    if (!countsAsOutage(error, tookMs)) return;
    circuit.failuresInARow += 1;
    circuit.lastError = error;
    const doublings = circuit.failuresInARow - FAILURES_BEFORE_OPEN;
    const pauseMs = doublings < 0 ? 0 : Math.min(SHORTEST_PAUSE_MS * 2 ** doublings, LONGEST_PAUSE_MS);
    const askedForMs = Math.min(error.retryAfterMs ?? 0, LONGEST_PAUSE_MS);
    if (pauseMs + askedForMs > 0) circuit.closedFromMs = this.#clock.now() + Math.max(pauseMs, askedForMs);
    this.#circuits.set(identity, circuit);
  }
}

function countsAsOutage({ code, isOutage }: LatchkeyError, tookMs: number): boolean {
  return isOutage && (code !== 'BackendTimeout' || tookMs >= SHORTEST_TIMEOUT_MS);
}

/** Has the backend itself said something about the secret or who asks? */
function isAlive({ code, isOutage, category }: LatchkeyError): boolean {
  return code.startsWith('Backend') ? !isOutage : category === 'not-found';
}

/** Always the same sentence: one with the time left in it would be a new status for every pod. */
function refused(last: LatchkeyError): LatchkeyError {
  const pause = `it keeps failing and is asked again at most ${formatDurationMs(LONGEST_PAUSE_MS)} later`;
  return new LatchkeyError(last.code, `${pause}: ${last.message}`, { cause: last });
}
