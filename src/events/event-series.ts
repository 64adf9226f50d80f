import { LRUCache } from 'lru-cache';
import type { Clock } from '../ports/clock.ts';

/** The object that an Event is about. */
export interface Subject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for objects of the cluster itself. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** One Event as it is to be written: a new one, or one more in a series that is there. */
export interface DueEvent {
  readonly subject: Subject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly note: string;
  /** When the first of the series happened; names it. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** How often it happened since. */
  readonly count: number;
}

interface Series {
  readonly firstAtMs: number;
  readonly note: string;
  count: number;
  lastWrittenAtMs: number;
}

interface Trouble {
  readonly subject: Subject;
  /** By reason. */
  readonly series: Map<string, Series>;
  /** Has trouble been reported since the last word of success? */
  isReported: boolean;
  lastClearedAtMs: number;
}

/** At most one write for each object and reason in this time; what happens in between is counted. */
const SPACING_MS = 300_000;
const SUBJECTS_REMEMBERED = 50_000;

/** Decides which of the things that happen to an object are worth an Event. Knows no cluster. */
export class EventSeries {
  readonly #clock: Clock;
  readonly #cleared: string;
  readonly #troubles: LRUCache<string, Trouble>;
  /** Subjects with reported trouble, by namespace. */
  readonly #reported = new Map<string, number>();

  /** @param cleared reason that success has, so that it ends a series for whoever reads the list. */
  constructor(clock: Clock, cleared: string) {
    this.#clock = clock;
    this.#cleared = cleared;
    this.#troubles = new LRUCache({
      max: SUBJECTS_REMEMBERED,
      dispose: ({ subject, isReported }, _uid, reason) => {
        if (isReported && reason === 'evict') this.#count(subject, -1);
      },
    });
  }

  /** Is there any trouble in the namespace that success could clear? Asked for every pod, so it costs next to nothing. */
  hasTrouble(namespace: string): boolean {
    return this.#reported.size > 0 && this.#reported.has(namespace);
  }

  /** Something went wrong with the subject. */
  trouble(subject: Subject, reason: string, note: string, type: DueEvent['type'] = 'Warning'): DueEvent | undefined {
    const nowMs = this.#clock.now();
    const trouble = this.#troubles.get(subject.uid) ?? {
      ...{ subject, series: new Map<string, Series>(), isReported: false, lastClearedAtMs: -Infinity },
    };
    this.#troubles.set(subject.uid, trouble);
    const before = trouble.series.get(reason);
    if (before !== undefined) before.count += 1;
    if (before !== undefined && nowMs - before.lastWrittenAtMs < SPACING_MS) return undefined;
    if (!trouble.isReported) this.#count(subject, 1);
    trouble.isReported = true;
    // The note of an Event cannot be changed, so another sentence begins another series.
    const series = before?.note === note ? before : { firstAtMs: nowMs, note, count: 1, lastWrittenAtMs: nowMs };
    series.lastWrittenAtMs = nowMs;
    trouble.series.set(reason, series);
    return {
      ...{ subject, type, reason, note },
      ...{ firstAtMs: series.firstAtMs, lastAtMs: nowMs, count: series.count },
    };
  }

  /** All is well with the subject; worth a word when trouble was reported. */
  success(uid: string, note: string): DueEvent | undefined {
    const nowMs = this.#clock.now();
    const trouble = this.#troubles.peek(uid);
    if (trouble === undefined || !trouble.isReported) return undefined;
    if (nowMs - trouble.lastClearedAtMs < SPACING_MS) return undefined;
    trouble.isReported = false;
    trouble.lastClearedAtMs = nowMs;
    const { subject } = trouble;
    this.#count(subject, -1);
    return {
      ...{ subject, type: 'Normal', reason: this.#cleared, note },
      ...{ firstAtMs: nowMs, lastAtMs: nowMs, count: 1 },
    };
  }
  #count({ namespace }: Subject, change: 1 | -1): void {
    const count = (this.#reported.get(namespace) ?? 0) + change;
    if (count > 0) this.#reported.set(namespace, count);
    else this.#reported.delete(namespace);
  }
}
