import type { Lease, ObjectKey } from '../api/kubernetes.ts';
import { leases } from '../api/resources.ts';
import { microTimestamp } from '../core/duration.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Timer } from '../ports/timer.ts';
import { TakenOver } from '../stores/sync.ts';
import { pause } from './pause.ts';

export interface LeaderElectionOptions {
  readonly cluster: Cluster;
  readonly lease: Required<ObjectKey>;
  /** Of this process, and of no other that was or will be. */
  readonly identity: string;
  /** A steady one: how long ago a renewal was seen decides, never the times that stand in the Lease. */
  readonly clock: Clock;
  readonly timer: Timer;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly logger: Logger;
}

/** What the leader does until `signal` aborts. Resolves when nothing of it is under way any more. */
export type Leading = (signal: AbortSignal) => Promise<void>;

type Record = NonNullable<Lease['spec']>;

/** client-go's. */
const LEASE_DURATION_S = 15;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_PERIOD_MS = 2_000;
const RETRY_JITTER = 1.2;
const CALL_TIMEOUT_MS = 5_000;
const FIELD_MANAGER = 'latchkey';

/**
 * Of all replicas one leads, the one that holds the Lease and renews it. Fields, timing and order of steps are client-go's.
 * Who cannot renew in time stops leading before others may take the Lease for free.
 *
 * Source: https://pkg.go.dev/k8s.io/client-go/tools/leaderelection
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  /** The Lease as last seen, and when it was first seen so. */
  #observed: { readonly lease: Lease; readonly atMs: number } | undefined;
  #renewedAtMs = -Infinity;
  #isLeading = false;
  #hasWarned = false;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  /** Does this process lead, and has it renewed in time? After a pause of the process it has not. */
  get isLeading(): boolean {
    return this.#isLeading && this.#options.clock.now() - this.#renewedAtMs < RENEW_DEADLINE_MS;
  }

  /** Takes part until `signal` aborts; then stops leading, waits for what is under way, and lets go of the Lease. */
  async run(lead: Leading, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#acquireOrRenew()) await this.#leadWhileRenewing(lead, signal);
      else await pause(this.#options.timer, RETRY_PERIOD_MS * (1 + this.#options.random() * RETRY_JITTER), signal);
    }
  }

  async #leadWhileRenewing(lead: Leading, signal: AbortSignal): Promise<void> {
    const { logger, clock, timer, lease } = this.#options;
    const leading = new AbortController();
    this.#isLeading = true;
    logger.info('leading: this replica reconciles', { lease: lease.name });
    const work = lead(leading.signal).catch((error: unknown) => logger.error('leading failed', {}, error));
    while (!signal.aborted && this.isLeading) {
      // A renewal that hangs must not put the end off.
      const remainingMs = this.#renewedAtMs + RENEW_DEADLINE_MS - clock.now();
      const { promise: expired, resolve: expire } = Promise.withResolvers<void>();
      const cancel = timer.after(remainingMs, expire);
      await Promise.race([expired, this.#renewAfterPause(signal)]);
      cancel();
    }
    const wasLeading = this.isLeading;
    this.#isLeading = false;
    leading.abort(new TakenOver());
    if (!wasLeading) logger.warn('no longer leading: another replica holds the lease, or it could not be renewed', {});
    if (!signal.aborted) return;
    await work;
    if (wasLeading) await this.#release();
  }

  async #renewAfterPause(signal: AbortSignal): Promise<void> {
    await pause(this.#options.timer, RETRY_PERIOD_MS, signal);
    if (signal.aborted || !this.isLeading) return;
    await this.#acquireOrRenew();
    const holder = this.#observed?.lease.spec?.holderIdentity;
    if (holder !== undefined && holder !== this.#options.identity) this.#isLeading = false;
  }

  /** @returns whether the Lease is ours now. */
  async #acquireOrRenew(): Promise<boolean> {
    const startedAtMs = this.#options.clock.now();
    try {
      const isOurs = await this.#tryOnce();
      if (isOurs) this.#renewedAtMs = startedAtMs;
      this.#hasWarned = false;
      return isOurs;
    } catch (error) {
      // Every two seconds, for as long as an API server is away.
      if (!this.#hasWarned)
        this.#options.logger.warn('the lease of the leader could not be read or renewed', {}, error);
      this.#hasWarned = true;
      return false;
    }
  }

  async #tryOnce(): Promise<boolean> {
    const { cluster, lease: key, identity, clock } = this.#options;
    const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
    // Whoever leads knows what is there, and saves itself the question.
    if (this.#isLeading && this.#observed !== undefined && (await this.#write(this.#observed.lease, signal)))
      return true;
    const found = await cluster.get(leases, key, { signal });
    if (found === undefined) return this.#create(signal);
    this.#observe(found);
    const { holderIdentity = '', leaseDurationSeconds = LEASE_DURATION_S } = found.spec ?? {};
    const freeAtMs = (this.#observed?.atMs ?? 0) + leaseDurationSeconds * 1_000;
    if (holderIdentity !== '' && holderIdentity !== identity && freeAtMs > clock.now()) return false;
    return this.#write(found, signal);
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const { cluster, lease: metadata } = this.#options;
    const spec = { ...this.#ours(), acquireTime: microTimestamp(this.#options.clock.now()), leaseTransitions: 0 };
    const created = await cluster.create(
      leases,
      { apiVersion: leases.apiVersion, kind: leases.kind, metadata, spec },
      { signal, fieldManager: FIELD_MANAGER },
    );
    if (created.outcome === 'conflict') return false;
    this.#observe(created.object);
    return true;
  }

  async #write(current: Lease, signal: AbortSignal): Promise<boolean> {
    const { holderIdentity, leaseTransitions = 0, ...rest } = current.spec ?? {};
    const isRenewal = holderIdentity === this.#options.identity;
    const spec = {
      ...rest,
      ...this.#ours(),
      leaseTransitions: isRenewal ? leaseTransitions : leaseTransitions + 1,
      ...(!isRenewal && { acquireTime: microTimestamp(this.#options.clock.now()) }),
    };
    return this.#update(current, spec, signal);
  }

  /** Free at once for whoever comes next. */
  async #release(): Promise<void> {
    if (this.#observed === undefined) return;
    const spec = { ...this.#observed.lease.spec, ...this.#ours(), holderIdentity: '', leaseDurationSeconds: 1 };
    try {
      await this.#update(this.#observed.lease, spec, AbortSignal.timeout(CALL_TIMEOUT_MS));
    } catch (error) {
      this.#options.logger.warn('the lease could not be let go of, others wait until it runs out', {}, error);
    }
  }

  async #update(current: Lease, spec: Record, signal: AbortSignal): Promise<boolean> {
    const options = { signal, fieldManager: FIELD_MANAGER };
    const updated = await this.#options.cluster.update(leases, { ...current, spec }, options);
    if (updated.outcome === 'conflict') return false;
    this.#observe(updated.object);
    return true;
  }

  #ours(): Record {
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: LEASE_DURATION_S,
      renewTime: microTimestamp(this.#options.clock.now()),
    };
  }

  #observe(lease: Lease): void {
    if (this.#observed?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.#observed = { lease, atMs: this.#options.clock.now() };
  }
}
