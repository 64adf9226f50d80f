import { setImmediate as turn } from 'node:timers/promises';
import { Reconciler } from '../../../../src/controllers/reconciler.ts';
import { createWorld, noMetrics, silentLogger, type World } from '../stores/support/world.ts';
import { handTime } from './hand-timer.ts';

export interface Reconciling extends World {
  readonly reconciler: Reconciler;
  /** Lets time pass, and everything that becomes due come to rest. */
  pass(ms: number): Promise<void>;
  /** This process is the leader from now on, or no longer. */
  lead(): void;
  stopLeading(): Promise<void>;
}

export interface ReconcilingOptions {
  readonly concurrency?: number;
  readonly refreshesPerSecond?: number;
  /** Begin as the leader. */
  readonly isLeading?: boolean;
}

/** The world of admission with the reconciler beside it, as both are wired in production, in a time that is moved by hand. */
export async function createReconciling(options: ReconcilingOptions = {}): Promise<Reconciling> {
  const { concurrency = 16, refreshesPerSecond = 20, isLeading = true } = options;
  const time = handTime(() => settle());
  const world = await createWorld(undefined, {}, time.clock);
  const { cluster, wiring } = world;
  let leading: { readonly controller: AbortController; readonly done: Promise<void> } | undefined;
  const reconciler = new Reconciler({
    ...{ cluster, concurrency, refreshesPerSecond, clock: time.clock, timer: time.timer },
    views: wiring.views,
    syncer: wiring.syncer,
    storeSyncer: wiring.storeSyncer,
    clients: wiring.clients,
    templates: wiring.templates,
    awaited: wiring.awaited,
    controllerClass: 'default',
    isLeading: () => leading !== undefined,
    random: () => 0.5,
    metrics: noMetrics,
    logger: silentLogger,
  });
  async function settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await turn();
      await wiring.syncer.statuses.flush();
      if (!reconciler.isIdle) quiet = 0;
    }
  }
  const self: Reconciling = {
    ...world,
    reconciler,
    pass: time.pass,
    lead() {
      const controller = new AbortController();
      leading = { controller, done: reconciler.lead(controller.signal) };
    },
    async stopLeading() {
      const ended = leading;
      leading = undefined;
      ended?.controller.abort();
      await ended?.done;
    },
  };
  if (isLeading) self.lead();
  return self;
}
