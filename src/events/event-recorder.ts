import type { ExternalSecret } from '../api/external-secrets.ts';
import type { Event, Pod } from '../api/kubernetes.ts';
import { events } from '../api/resources.ts';
import type { ErrorCode } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import { EventSeries, type DueEvent, type Subject } from './event-series.ts';
import { TopmostOwner } from './topmost-owner.ts';

/** What became of one pod. */
export interface PodVerdict {
  readonly pod: Pod;
  readonly namespace: string;
  /** For people: `pod "shop/web-*"`. */
  readonly description: string;
  /** Why it was denied; missing when it was admitted. */
  readonly denial?: { readonly code: ErrorCode; readonly message: string };
  readonly needs: readonly NeedVerdict[];
}

/** What became of one Secret that an ExternalSecret makes for the pod. */
export interface NeedVerdict {
  readonly externalSecret: ExternalSecret;
  readonly failure?: { readonly code: ErrorCode; readonly message: string };
}

const REPORTING_CONTROLLER = 'latchkey.dev/webhook';
const FIELD_MANAGER = 'latchkey';
const WRITE_TIMEOUT_MS = 5_000;
const MOST_WAITING = 1_000;
/** The API server's limit is 1 KiB. */
const LONGEST_NOTE_CHARACTERS = 1_000;
/** Leaves room for kind, reason and time in the 253 that a name may have. */
const LONGEST_SUBJECT_CHARACTERS = 140;

/**
 * Tells of denied pods where people look for them: on the workload that made the pod and on the ExternalSecret, as Events
 * of events.k8s.io/v1. Never on the request's way: it takes note and works in the background, one after the other.
 */
export class EventRecorder {
  readonly #cluster: Cluster;
  readonly #logger: Logger;
  readonly #series: EventSeries;
  readonly #owners: TopmostOwner;
  readonly #instance: string;
  readonly #waiting: PodVerdict[] = [];
  #working: Promise<void> | undefined;

  /** @param instance of this process among the replicas: the name of its pod. */
  constructor(cluster: Cluster, instance: string, clock: Clock, logger: Logger) {
    this.#cluster = cluster;
    this.#logger = logger;
    this.#instance = instance;
    this.#series = new EventSeries(clock);
    this.#owners = new TopmostOwner(cluster);
  }

  /** Is there anything that the admission of a pod in this namespace could clear? */
  hasTrouble(namespace: string): boolean {
    return this.#series.hasTrouble(namespace);
  }

  /** Takes note of a verdict. */
  record(verdict: PodVerdict): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#logger.debug('too many Events wait to be written, one was left out', { namespace: verdict.namespace });
      return;
    }
    this.#waiting.push(verdict);
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /** Resolves when everything recorded so far is written. */
  async flush(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let verdict = this.#waiting.shift(); verdict !== undefined; verdict = this.#waiting.shift()) {
      try {
        await this.#tell(verdict);
      } catch (error) {
        this.#logger.warn('an Event could not be written', { namespace: verdict.namespace }, error);
      }
    }
  }

  async #tell(verdict: PodVerdict): Promise<void> {
    const signal = AbortSignal.timeout(WRITE_TIMEOUT_MS);
    const { pod, namespace, description, denial, needs } = verdict;
    const note = `${description} is admitted again`;
    const due: (DueEvent | undefined)[] = needs.map(({ externalSecret, failure }) =>
      failure === undefined
        ? this.#series.success(externalSecret.metadata.uid ?? '', note)
        : this.#series.trouble(
            subjectOf(externalSecret),
            failure.code,
            `${description} was denied: ${failure.message} [${failure.code}]`,
          ),
    );
    const owner = await this.#owners.find(pod, namespace, signal);
    if (owner !== undefined) {
      due.push(
        denial === undefined
          ? this.#series.success(owner.uid, note)
          : this.#series.trouble(owner, denial.code, denial.message),
      );
    }
    for (const event of due) if (event !== undefined) await this.#write(event, signal);
  }

  async #write(due: DueEvent, signal: AbortSignal): Promise<void> {
    await this.#cluster.apply(events, eventOf(due, this.#instance), { fieldManager: FIELD_MANAGER, signal });
  }
}

function subjectOf({ apiVersion, kind, metadata }: ExternalSecret): Subject {
  const { namespace = '', name, uid = '' } = metadata;
  return { apiVersion, kind, namespace, name, uid };
}

/** Named by subject, reason and time, so that one more of a series is an update of the same object. */
function eventOf(due: DueEvent, instance: string): Event {
  const { subject, type, reason, note, firstAtMs, lastAtMs, count } = due;
  const { namespace, ...regarding } = subject;
  const subjectName = subject.name.slice(0, LONGEST_SUBJECT_CHARACTERS);
  const name = [subjectName, subject.kind, reason, firstAtMs.toString(16)].join('.').toLowerCase();
  return {
    apiVersion: events.apiVersion,
    kind: events.kind,
    metadata: { name, namespace },
    eventTime: microTime(firstAtMs),
    ...(count > 1 && { series: { count, lastObservedTime: microTime(lastAtMs) } }),
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: instance,
    action: 'Admit',
    ...{ type, reason, note: printable(note, LONGEST_NOTE_CHARACTERS) },
    regarding: { ...regarding, namespace },
  };
}

/** metav1.MicroTime: RFC 3339 with six digits. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
