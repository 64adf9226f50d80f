import type { ExternalSecret, SecretStore } from '../api/external-secrets.ts';
import type { Event, KubernetesObject, Pod } from '../api/kubernetes.ts';
import { events } from '../api/resources.ts';
import { microTimestamp } from '../core/duration.ts';
import type { ErrorCode, LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import type { StoreVerdict } from '../core/store/store-status.ts';
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

/** What a sync of an ExternalSecret came to: what was done, and the fields that were left out. */
export type SyncVerdict =
  { readonly done: string; readonly missing: readonly string[] } | { readonly error: LatchkeyError };

/** What happened to the Secret, in upstream's words. */
const DONE: Readonly<Record<string, { readonly reason: string; readonly note: string }>> = {
  created: { reason: 'Created', note: 'secret created' },
  updated: { reason: 'Updated', note: 'secret updated' },
  deleted: { reason: 'Deleted', note: 'secret deleted due to DeletionPolicy=Delete' },
};

interface Job {
  readonly namespace: string;
  readonly work: () => Promise<void>;
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
  readonly #clock: Clock;
  /** What happens to pods, and what happens to the objects themselves: each is cleared by its own. */
  readonly #denials: EventSeries;
  readonly #syncs: EventSeries;
  readonly #owners: TopmostOwner;
  readonly #instance: string;
  readonly #waiting: Job[] = [];
  #working: Promise<void> | undefined;

  /** @param instance of this process among the replicas: the name of its pod. */
  constructor(cluster: Cluster, instance: string, clock: Clock, logger: Logger) {
    this.#cluster = cluster;
    this.#logger = logger;
    this.#instance = instance;
    this.#clock = clock;
    this.#denials = new EventSeries(clock, 'PodAdmitted');
    this.#syncs = new EventSeries(clock, 'Updated');
    this.#owners = new TopmostOwner(cluster);
  }

  /** Is there anything that the admission of a pod in this namespace could clear? */
  hasTrouble(namespace: string): boolean {
    return this.#denials.hasTrouble(namespace);
  }

  /** Takes note of a verdict. */
  record(verdict: PodVerdict): void {
    this.#enqueue({ namespace: verdict.namespace, work: () => this.#tell(verdict) });
  }

  /** Takes note of what a sync of an ExternalSecret came to; reasons as upstream calls them. */
  recordSync(externalSecret: ExternalSecret, verdict: SyncVerdict): void {
    const subject = subjectOf(externalSecret);
    const due = 'error' in verdict ? this.#failed(subject, verdict.error) : this.#synced(subject, verdict);
    this.#enqueueWrites(due, 'Sync');
  }

  /** Takes note of a store that is judged otherwise than before. */
  recordStore(store: SecretStore, verdict: StoreVerdict): void {
    const subject = subjectOf(store);
    const due =
      typeof verdict === 'object'
        ? this.#syncs.trouble(subject, 'InvalidProviderConfig', sentenceOf(verdict.error))
        : this.#happened(
            subject,
            verdict === 'valid' ? 'Valid' : 'ValidationUnknown',
            verdict === 'valid' ? 'store validated' : 'could not determine validation status',
          );
    this.#enqueueWrites([due], 'Validate');
  }

  /** Takes note of what works less well with a store than it could. */
  recordNotice(store: SecretStore, reason: string, sentence: string): void {
    this.#enqueueWrites([this.#syncs.trouble(subjectOf(store), reason, sentence)], 'Read');
  }

  /** Resolves when everything recorded so far is written. */
  async flush(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  #synced(
    subject: Subject,
    { done, missing }: Extract<SyncVerdict, { done: string }>,
  ): readonly (DueEvent | undefined)[] {
    const left =
      missing.length === 0 ? undefined : `left out, since the backend does not have it: ${missing.join(', ')}`;
    const absent =
      left === undefined ? undefined : this.#syncs.trouble(subject, 'MissingProviderSecret', left, 'Normal');
    // Something is missing still, which is no success.
    const cleared = left === undefined ? this.#syncs.success(subject.uid, 'secret is up to date again') : undefined;
    const word = Object.hasOwn(DONE, done) ? DONE[done] : undefined;
    return [absent, cleared ?? (word && this.#happened(subject, word.reason, word.note))];
  }

  #failed(subject: Subject, error: LatchkeyError): readonly (DueEvent | undefined)[] {
    return [this.#syncs.trouble(subject, 'UpdateFailed', sentenceOf(error))];
  }

  #happened(subject: Subject, reason: string, note: string): DueEvent {
    const nowMs = this.#clock.now();
    return { ...{ subject, type: 'Normal', reason, note }, ...{ firstAtMs: nowMs, lastAtMs: nowMs, count: 1 } };
  }

  #enqueueWrites(due: readonly (DueEvent | undefined)[], action: string): void {
    for (const event of due) {
      if (event === undefined) continue;
      const work = (): Promise<void> => this.#write(event, action, AbortSignal.timeout(WRITE_TIMEOUT_MS));
      this.#enqueue({ namespace: event.subject.namespace, work });
    }
  }

  #enqueue(job: Job): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#logger.debug('too many Events wait to be written, one was left out', { namespace: job.namespace });
      return;
    }
    this.#waiting.push(job);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      try {
        await job.work();
      } catch (error) {
        this.#logger.warn('an Event could not be written', { namespace: job.namespace }, error);
      }
    }
    // At once, so that what comes next finds nobody at work.
    this.#working = undefined;
  }

  async #tell(verdict: PodVerdict): Promise<void> {
    const signal = AbortSignal.timeout(WRITE_TIMEOUT_MS);
    const { pod, namespace, description, denial, needs } = verdict;
    const note = `${description} is admitted again`;
    const due: (DueEvent | undefined)[] = needs.map(({ externalSecret, failure }) =>
      failure === undefined
        ? this.#denials.success(externalSecret.metadata.uid ?? '', note)
        : this.#denials.trouble(
            subjectOf(externalSecret),
            failure.code,
            `${description} was denied: ${failure.message} [${failure.code}]`,
          ),
    );
    const owner = await this.#owners.find(pod, namespace, signal);
    if (owner !== undefined) {
      due.push(
        denial === undefined
          ? this.#denials.success(owner.uid, note)
          : this.#denials.trouble(owner, denial.code, denial.message),
      );
    }
    for (const event of due) if (event !== undefined) await this.#write(event, 'Admit', signal);
  }

  async #write(due: DueEvent, action: string, signal: AbortSignal): Promise<void> {
    await this.#cluster.apply(events, eventOf(due, action, this.#instance), { fieldManager: FIELD_MANAGER, signal });
  }
}

function sentenceOf({ message, code }: LatchkeyError): string {
  return `${message} [${code}]`;
}

function subjectOf({ apiVersion, kind, metadata }: KubernetesObject): Subject {
  const { namespace = '', name, uid = '' } = metadata;
  return { apiVersion, kind, namespace, name, uid };
}

/** Named by subject, reason and time, so that one more of a series is an update of the same object. */
function eventOf(due: DueEvent, action: string, instance: string): Event {
  const { subject, type, reason, note, firstAtMs, lastAtMs, count } = due;
  const { namespace, ...regarding } = subject;
  const subjectName = subject.name.slice(0, LONGEST_SUBJECT_CHARACTERS);
  const name = [subjectName, subject.kind, reason, firstAtMs.toString(16)].join('.').toLowerCase();
  return {
    apiVersion: events.apiVersion,
    kind: events.kind,
    // Events about objects of the cluster itself stand there, as Kubernetes' own do.
    metadata: { name, namespace: namespace === '' ? 'default' : namespace },
    eventTime: microTimestamp(firstAtMs),
    ...(count > 1 && { series: { count, lastObservedTime: microTimestamp(lastAtMs) } }),
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: instance,
    ...{ action, type, reason, note: printable(note, LONGEST_NOTE_CHARACTERS) },
    regarding: namespace === '' ? regarding : { ...regarding, namespace },
  };
}
