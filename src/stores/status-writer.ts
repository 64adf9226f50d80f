import type { ExternalSecret } from '../api/external-secrets.ts';
import { externalSecrets } from '../api/resources.ts';
import { statusAfter, type SyncOutcome } from '../core/external-secret/status.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Views } from './views.ts';

const FIELD_MANAGER = 'latchkey';
const WRITE_TIMEOUT_MS = 5_000;
/** At most one status write a second for each ExternalSecret; what happens in between is folded into the next. */
const SPACING_MS = 1_000;
const MOST_PENDING = 20_000;

interface Pending {
  outcome: SyncOutcome | undefined;
  externalSecret: ExternalSecret;
}

/** Writes what a sync came to into the ExternalSecret's status, after the pod's answer has gone out. */
export class StatusWriter {
  readonly #cluster: Cluster;
  readonly #views: Views;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #pending = new Map<string, Pending>();
  readonly #writes = new Set<Promise<void>>();

  constructor(cluster: Cluster, views: Views, clock: Clock, logger: Logger) {
    this.#cluster = cluster;
    this.#views = views;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Queues an outcome; a newer one replaces an older one that has not been written. */
  record(externalSecret: ExternalSecret, outcome: SyncOutcome): void {
    const uid = externalSecret.metadata.uid ?? '';
    const pending = this.#pending.get(uid);
    if (pending !== undefined) {
      pending.outcome = outcome;
      pending.externalSecret = externalSecret;
      return;
    }
    if (this.#pending.size >= MOST_PENDING) {
      this.#logger.warn('too many statuses wait to be written, one was left out', {
        name: externalSecret.metadata.name,
      });
      return;
    }
    const created: Pending = { outcome, externalSecret };
    this.#pending.set(uid, created);
    setImmediate(() => this.#run(uid, created));
  }

  /** Resolves when everything recorded so far is written. */
  async flush(): Promise<void> {
    for (const [uid, pending] of this.#pending) if (pending.outcome !== undefined) this.#run(uid, pending);
    await Promise.all(this.#writes);
  }

  #run(uid: string, pending: Pending): void {
    const { outcome, externalSecret } = pending;
    if (outcome === undefined) {
      this.#pending.delete(uid);
      return;
    }
    pending.outcome = undefined;
    const write = this.#write(externalSecret, outcome).catch((error: unknown) => {
      const { namespace, name } = externalSecret.metadata;
      this.#logger.warn('writing the status of an ExternalSecret failed', { namespace, name }, error);
    });
    this.#writes.add(write);
    void write.finally(() => {
      this.#writes.delete(write);
      setTimeout(() => this.#run(uid, pending), SPACING_MS).unref();
    });
  }

  async #write(recorded: ExternalSecret, outcome: SyncOutcome): Promise<void> {
    const key = { namespace: recorded.metadata.namespace ?? '', name: recorded.metadata.name };
    const latest = this.#views.externalSecrets.get(key) ?? recorded;
    // Made anew under the same name meanwhile: nothing that was found out about the old one is true of it.
    if (latest.metadata.uid !== recorded.metadata.uid) return;
    const status = statusAfter(latest, outcome, this.#clock.now());
    if (status === undefined) return;
    const signal = AbortSignal.timeout(WRITE_TIMEOUT_MS);
    const options = { signal, fieldManager: FIELD_MANAGER };
    const patched = await this.#cluster.patchStatus(externalSecrets, key, status, options);
    if (patched !== undefined) this.#views.externalSecrets.observe(patched);
  }
}
