import type { ExternalSecret } from '../api/external-secrets.ts';
import { namedStores } from '../core/external-secret/sources.ts';
import { isSameStore } from '../core/store/store-key.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Timer } from '../ports/timer.ts';
import type { AwaitedSecrets } from '../stores/awaited-secrets.ts';
import { identityOf, type ClientCache } from '../stores/client-cache.ts';
import type { StoreSyncer } from '../stores/store-sync.ts';
import type { Syncer } from '../stores/sync.ts';
import type { TemplateRenderer } from '../stores/template.ts';
import { storeIn, type Views } from '../stores/views.ts';
import { ExternalSecretController } from './external-secret-controller.ts';
import { SourceWatch } from './source-watch.ts';
import { StoreController } from './store-controller.ts';

export interface ReconcilerOptions {
  readonly cluster: Cluster;
  readonly views: Views;
  readonly syncer: Syncer;
  readonly storeSyncer: StoreSyncer;
  readonly clients: ClientCache;
  readonly templates: TemplateRenderer;
  readonly awaited: AwaitedSecrets;
  readonly controllerClass: string;
  /** ExternalSecrets that are synced at once. */
  readonly concurrency: number;
  /** Of one store, a second, of what is late or waits for nobody. */
  readonly refreshesPerSecond: number;
  /** Asked again before each piece of work: a process that was stopped for a while does not know that it is late. */
  readonly isLeading: () => boolean;
  readonly clock: Clock;
  readonly timer: Timer;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** What one of all replicas does beside admitting pods: it keeps Secrets fresh and says of stores whether they work. */
export class Reconciler {
  readonly externalSecrets: ExternalSecretController;
  readonly stores: StoreController;
  readonly credentials: SourceWatch;
  readonly templates: SourceWatch;

  constructor(options: ReconcilerOptions) {
    const { views } = options;
    const externalSecrets = new ExternalSecretController(options);
    this.externalSecrets = externalSecrets;
    this.stores = new StoreController({
      ...options,
      onChanged: (store) => externalSecrets.outdate((each) => namedStores(each).some((key) => isSameStore(key, store))),
      onRecovered: (store) => externalSecrets.hasten(store),
    });
    this.credentials = new SourceWatch({
      ...options,
      what: 'credential of a store',
      inUse: () => options.clients.credentialsInUse(),
      onChanged: (identities) => externalSecrets.outdate((each) => asksAs(each, identities, views)),
    });
    this.templates = new SourceWatch({
      ...options,
      what: 'object that a template stands in',
      inUse: () => options.templates.sourcesInUse(),
      onChanged: (uids) => externalSecrets.outdate(({ metadata }) => uids.has(metadata.uid ?? '')),
    });
  }

  /** Works until `signal` aborts; resolves when nothing is under way any more. */
  async lead(signal: AbortSignal): Promise<void> {
    await Promise.all(
      [this.externalSecrets, this.stores, this.credentials, this.templates].map((part) => part.lead(signal)),
    );
  }

  get isIdle(): boolean {
    return this.externalSecrets.isIdle && this.stores.isIdle;
  }
}

function asksAs(externalSecret: ExternalSecret, identities: ReadonlySet<string>, views: Views): boolean {
  return namedStores(externalSecret).some((key) => {
    const store = storeIn(views, key);
    return store !== undefined && identities.has(identityOf(store, externalSecret.metadata.namespace));
  });
}
