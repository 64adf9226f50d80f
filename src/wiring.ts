import { createAdmitter, type Admitter } from './webhook/admitter.ts';
import { EventRecorder } from './events/event-recorder.ts';
import { createPodInjector } from './webhook/pod-injection.ts';
import { createPodReviewer, type PodReviewer } from './webhook/pod-review.ts';
import type { Clock } from './ports/clock.ts';
import type { Cluster } from './ports/cluster.ts';
import type { Logger } from './ports/logger.ts';
import type { Metrics } from './ports/metrics.ts';
import type { ProviderRegistry } from './ports/provider.ts';
import { createGoLibraries } from './go/go-libraries.ts';
import { AwaitedSecrets } from './stores/awaited-secrets.ts';
import { CircuitBreakers } from './stores/circuit-breakers.ts';
import { ClientCache, type ClientCacheOptions } from './stores/client-cache.ts';
import { COLD_PACE, ColdPace } from './stores/cold-pace.ts';
import { ConfigMapLook } from './stores/config-map-look.ts';
import { ExternalSecretLookup } from './stores/external-secret-lookup.ts';
import { InlineSecrets } from './stores/inline-secrets.ts';
import { LiveLook } from './stores/live-look.ts';
import { NamespaceLookup } from './stores/namespace-lookup.ts';
import { NeedResolver } from './stores/need-resolver.ts';
import { Resolver } from './stores/resolve.ts';
import { StoreLookup } from './stores/store-lookup.ts';
import { StoreSuccesses } from './stores/store-successes.ts';
import { StoreSyncer } from './stores/store-sync.ts';
import { Syncer } from './stores/sync.ts';
import { TemplateRenderer, type TemplateSettings } from './stores/template.ts';
import { createViews, type Views } from './stores/views.ts';

/** What an operator may set about how pods are judged and stores are used. */
export interface AdmissionSettings extends TemplateSettings {
  /** Of the stores that are ours; undefined = all belong to another controller. */
  readonly controllerClass: string | undefined;
  readonly ambientCredentials: ClientCacheOptions['ambientCredentials'];
  readonly allowedBackendHosts: ClientCacheOptions['allowedBackendHosts'];
  readonly defaultStaleIfErrorMs: number;
}

export interface WiringOptions {
  readonly cluster: Cluster;
  readonly settings: AdmissionSettings;
  readonly registry: ProviderRegistry;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly versionKey: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** How long an ExternalSecret that an annotation names is waited for; where nothing can come any more, 0. */
  readonly externalSecretWaitMs?: number;
  /** Where Latchkey itself lives; nowhere, for the offline commands. */
  readonly ownNamespace?: string;
  /** Left alone even when they are labelled, whoever asks. */
  readonly reservedNamespaces?: readonly string[];
}

const EXTERNAL_SECRET_WAIT_MS = 2_000;

export interface Wiring {
  readonly admit: Admitter;
  readonly reviewPod: PodReviewer;
  readonly views: Views;
  readonly stores: StoreLookup;
  readonly syncer: Syncer;
  readonly storeSyncer: StoreSyncer;
  readonly clients: ClientCache;
  readonly templates: TemplateRenderer;
  /** What admitted pods wait for. */
  readonly awaited: AwaitedSecrets;
  readonly successes: StoreSuccesses;
  readonly events: EventRecorder;
  /** Writes the statuses and Events that are due and closes the provider clients. */
  close(): Promise<void>;
}

/** Puts the parts of admission together over any cluster: the server and the offline commands run the very same. */
export function wireAdmission(options: WiringOptions): Wiring {
  const { cluster, settings, registry, environment, clock, logger, metrics, versionKey } = options;
  const { externalSecretWaitMs = EXTERNAL_SECRET_WAIT_MS, ownNamespace, reservedNamespaces = [] } = options;
  const views = createViews(cluster);
  const events = new EventRecorder(cluster, environment['HOSTNAME'] ?? 'latchkey', clock, logger);
  const { ambientCredentials, allowedBackendHosts, controllerClass } = settings;
  const clients = new ClientCache(cluster, {
    registry,
    environment,
    ambientCredentials,
    allowedBackendHosts,
    clock,
    metrics,
    logger,
    onNotice: (store, code, sentence) => events.recordNotice(store, code, sentence),
  });
  const stores = new StoreLookup(cluster, views);
  const go = createGoLibraries({ templateTimeLimitMs: settings.templateTimeLimitMs });
  const templates = new TemplateRenderer(cluster, go, settings);
  const successes = new StoreSuccesses();
  const syncer = new Syncer({
    ...{ cluster, views, stores, controllerClass, ownNamespace, clock, metrics, logger },
    ...{ resolver: new Resolver({ clients, breakers: new CircuitBreakers(clock), go }), templates },
    onSync(externalSecret, outcome) {
      events.recordSync(externalSecret, outcome);
      if (!('error' in outcome)) successes.note(externalSecret, clock.now());
    },
  });
  const storeSyncer = new StoreSyncer({
    ...{ cluster, clients, controllerClass, clock },
    onVerdict: (store, verdict) => events.recordStore(store, verdict),
  });
  views.externalSecrets.onChange((before, after) => {
    if (before !== undefined && after === undefined) {
      metrics.forget(before.metadata.namespace ?? '', before.metadata.name);
      templates.forget(before);
    }
  });
  const liveLook = new LiveLook(cluster, views, clock);
  const pace = new ColdPace(COLD_PACE, clock);
  const awaited = new AwaitedSecrets();
  const resolver = new NeedResolver({
    cluster,
    views,
    liveLook,
    stores,
    syncer,
    pace,
    awaited,
    versionKey,
    controllerClass,
    clock,
    logger,
  });
  const inject = createPodInjector({
    externalSecrets: new ExternalSecretLookup(views, liveLook, externalSecretWaitMs),
    inlineSecrets: new InlineSecrets(cluster, views, stores, pace),
  });
  const configMaps = new ConfigMapLook(cluster, logger);
  const { defaultStaleIfErrorMs } = settings;
  const reviewPod = createPodReviewer({ inject, resolver, configMaps, views, defaultStaleIfErrorMs, clock });
  const { externalSecrets } = views;
  const namespaces = new NamespaceLookup(cluster, views);
  return {
    admit: createAdmitter({ namespaces, reservedNamespaces, reviewPod, events, externalSecrets, logger }),
    reviewPod,
    views,
    stores,
    syncer,
    storeSyncer,
    clients,
    templates,
    awaited,
    successes,
    events,
    async close() {
      await Promise.all([syncer.statuses.flush(), events.flush()]);
      clients.close();
      await go.close();
    },
  };
}
