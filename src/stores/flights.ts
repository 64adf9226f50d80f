import type { Clock } from '../ports/clock.ts';
import { raceAbort } from './race-abort.ts';

interface Flight<T> {
  readonly startedAtMs: number;
  readonly result: Promise<T>;
  readonly controller: AbortController;
  readonly mayOutliveWaiters: boolean;
  waiters: number;
  /** Goes on without waiters, or did: it is counted once, however often somebody comes back to it. */
  isOrphan: boolean;
  isLanded: boolean;
}

export interface FlightRequest<T> {
  readonly key: string;
  /** A flight that took off before this does not serve this caller. Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** May the work go on when everyone who waits has given up? */
  readonly mayOutliveWaiters: boolean;
  readonly signal: AbortSignal;
  readonly work: (signal: AbortSignal) => Promise<T>;
}

const LONGEST_FLIGHT_MS = 30_000;
const MOST_ORPHANS = 100;

/**
 * Single-flight: everyone who needs the same thing at the same time waits for one piece of work. The last one to leave
 * cancels it, unless it may outlive its waiters: a first fetch goes on, so that the retry finds the Secret.
 */
export class Flights<T> {
  readonly #clock: Clock;
  readonly #flights = new Map<string, Flight<T>>();
  #orphans = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws LatchkeyError `BackendTimeout` when `signal` aborts first; else what the work throws. */
  async join(request: FlightRequest<T>): Promise<T> {
    const current = this.#flights.get(request.key);
    const flight =
      current !== undefined && current.startedAtMs >= request.notBeforeMs ? current : this.#takeOff(request);
    flight.waiters += 1;
    try {
      return await raceAbort(flight.result, request.signal);
    } finally {
      flight.waiters -= 1;
      if (flight.waiters === 0) this.#abandon(request.key, flight);
    }
  }

  #takeOff({ key, mayOutliveWaiters, work }: FlightRequest<T>): Flight<T> {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(LONGEST_FLIGHT_MS)]);
    const flight: Flight<T> = {
      startedAtMs: this.#clock.now(),
      result: work(signal),
      controller,
      mayOutliveWaiters,
      waiters: 0,
      isOrphan: false,
      isLanded: false,
    };
    this.#flights.set(key, flight);
    const land = (): void => {
      flight.isLanded = true;
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.result.then(land, land);
    return flight;
  }

  #abandon(key: string, flight: Flight<T>): void {
    if (flight.isLanded || flight.isOrphan) return;
    const isCurrent = this.#flights.get(key) === flight;
    // One that a later flight has taken the place of is found by nobody who comes back.
    if (isCurrent && flight.mayOutliveWaiters && this.#orphans < MOST_ORPHANS) {
      flight.isOrphan = true;
      this.#orphans += 1;
      const settle = (): void => {
        this.#orphans -= 1;
      };
      flight.result.then(settle, settle);
      return;
    }
    if (isCurrent) this.#flights.delete(key);
    flight.controller.abort();
  }
}
