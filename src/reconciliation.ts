import { randomUUID } from 'node:crypto';
import type { ServeSettings } from './cli/settings.ts';
import { LeaderElection } from './controllers/leader-election.ts';
import { Reconciler } from './controllers/reconciler.ts';
import { steadyClock, systemClock } from './ports/clock.ts';
import type { Cluster } from './ports/cluster.ts';
import type { Logger } from './ports/logger.ts';
import type { Metrics } from './ports/metrics.ts';
import { systemTimer } from './ports/timer.ts';
import type { Wiring } from './wiring.ts';

export interface ReconciliationOptions {
  readonly cluster: Cluster;
  readonly wiring: Wiring;
  readonly settings: Pick<ServeSettings, 'namespace' | 'controllerClass' | 'concurrency' | 'refreshRate'>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Name of the Lease in Latchkey's own namespace. */
const LEASE_NAME = 'latchkey';

export interface Reconciliation {
  readonly isLeading: () => boolean;
  readonly queued: () => number;
  stop(): Promise<void>;
}

/** Takes part in the election of the replica that reconciles, and reconciles while it is this one. */
export function startReconciling(options: ReconciliationOptions): Reconciliation {
  const { cluster, wiring, settings, environment, logger, metrics } = options;
  const common = { cluster, timer: systemTimer, random: Math.random, logger };
  const election = new LeaderElection({
    ...common,
    lease: { namespace: settings.namespace, name: LEASE_NAME },
    // A container that is started again in the same pod is somebody else.
    identity: `${environment['HOSTNAME'] ?? 'latchkey'}_${randomUUID()}`,
    clock: steadyClock,
  });
  const { views, syncer, storeSyncer, clients, templates, awaited } = wiring;
  const reconciler = new Reconciler({
    ...common,
    ...{ views, syncer, storeSyncer, clients, templates, awaited, metrics },
    controllerClass: settings.controllerClass,
    concurrency: settings.concurrency,
    refreshesPerSecond: settings.refreshRate,
    isLeading: () => election.isLeading,
    clock: systemClock,
  });
  const stopping = new AbortController();
  const running = election.run((signal) => reconciler.lead(signal), stopping.signal);
  return {
    isLeading: () => election.isLeading,
    queued: () => reconciler.externalSecrets.queued,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
