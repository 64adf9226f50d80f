import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDirectorySource } from '../certs/directory-source.ts';
import { createSecretSource } from '../certs/secret-source.ts';
import type { RotatingCertificateSource } from '../certs/certificate-source.ts';
import { providers } from '../providers/index.ts';
import { reservedNamespaces } from '../webhook-config/scope.ts';
import type { ServeSettings } from './cli/settings.ts';
import { followClientAuthority, readClientAuthority } from './config/client-authority.ts';
import { openCluster } from './cluster/open-cluster.ts';
import type { ServingCredentials } from './ports/certificate-source.ts';
import type { Cluster } from './ports/cluster.ts';
import { systemClock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import { notReadyBecause } from './readiness.ts';
import { readingsOf } from './readings.ts';
import { startReconciling } from './reconciliation.ts';
import { registerAndKeep } from './registration.ts';
import { createLogger } from './telemetry/logger.ts';
import { watchEventLoopLag } from './telemetry/event-loop-lag.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createMutateHandler } from './webhook/mutate-handler.ts';
import { startOperationsServer } from './webhook/operations-server.ts';
import { startWebhookServer } from './webhook/webhook-server.ts';
import { wireAdmission } from './wiring.ts';

const START_TIMEOUT_MS = 60_000;
/** Endpoints change within a second or so; a busy control plane takes longer. */
const SERVICE_SHUTDOWN_DELAY_MS = 5_000;

/** Runs the webhook until SIGTERM or SIGINT, then drains. Rejects when it cannot start. */
export async function serve(
  settings: ServeSettings,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const stopping = new AbortController();
  const { promise: stopRequested, resolve: requestStop } = Promise.withResolvers<string>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => requestStop(signal));
  const logger = createLogger(settings.logLevel);
  const server = await startServer(settings, environment, logger, stopping.signal).catch((error: unknown) => {
    stopping.abort();
    throw error;
  });
  const signal = await stopRequested;
  logger.info('stopping: no longer ready, requests in flight are finished', { signal });
  await server.stop();
  stopping.abort();
  logger.info('stopped');
}

export interface RunningServer {
  readonly webhookPort: number;
  readonly operationsPort: number;
  readonly cluster: Cluster;
  readonly credentials: () => ServingCredentials;
  /** No longer ready, requests in flight finished, due statuses written, everything closed. */
  stop(): Promise<void>;
}

/** Starts everything and resolves when pods can be admitted. `signal` ends what runs in the background. */
export async function startServer(
  settings: ServeSettings,
  environment: Readonly<Record<string, string | undefined>>,
  logger: Logger,
  signal: AbortSignal,
): Promise<RunningServer> {
  const starting = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  // What a failed start has opened by then would keep the process alive.
  await using opened = new AsyncDisposableStack();
  const metrics = createMetrics();
  const lag = watchEventLoopLag(signal);
  const clientAuthorityPem =
    settings.clientCa === undefined ? undefined : await readClientAuthority(settings.clientCa, starting);
  const cluster = await openCluster(settings, logger, signal);
  const source = certificateSource(settings, cluster, logger);
  let credentials = await source.load(starting);
  const versionKey = (): string => credentials.versionKey;
  const wiring = wireAdmission({
    cluster,
    settings: { ...settings, controllerClass: settings.mode === 'full' ? settings.controllerClass : undefined },
    registry: providers,
    environment,
    versionKey,
    ownNamespace: settings.namespace,
    reservedNamespaces: reservedNamespaces(settings),
    clock: systemClock,
    logger,
    metrics,
  });
  opened.defer(() => wiring.close());
  let isStopping = false;
  const { host } = settings;
  const operations = await startOperationsServer({
    port: settings.operationsPort,
    host,
    renderMetrics: metrics.render,
    notReadyBecause: () => notReadyBecause({ isStopping, lagMs: lag.recentMs(), awaited: wiring.views.awaited }),
  });
  opened.defer(() => operations.stop(0));
  await wiring.views.start(signal);
  const webhook = await startWebhookServer({
    port: settings.webhookPort,
    host,
    credentials,
    handle: createMutateHandler(wiring.admit, metrics),
    logger,
    ...(clientAuthorityPem !== undefined && { clientAuthorityPem }),
  });
  opened.defer(() => webhook.stop(0));
  const isRegistering = settings.register && settings.manifests === undefined;
  const kept = isRegistering
    ? await registerAndKeep({ settings, cluster, source, credentials, logger, starting, running: signal })
    : undefined;
  if (settings.clientCa !== undefined && clientAuthorityPem !== undefined) {
    const { clientCa: file } = settings;
    void followClientAuthority(file, {
      known: clientAuthorityPem,
      onChange: (pem) => {
        webhook.trustCallersOf(pem);
        logger.info('callers are verified by other authorities', { file });
      },
      onUnusable: () => logger.warn('the file of --client-ca cannot be used, callers are verified as before', { file }),
      signal,
    });
  }
  source.follow((next) => {
    credentials = next;
    webhook.reload(next);
    kept?.refresh();
    logger.info('serving with a new certificate', { notAfter: new Date(next.notAfterMs).toISOString() });
  }, signal);
  const isReconciling = settings.mode === 'full' && settings.manifests === undefined;
  const reconciliation = isReconciling
    ? startReconciling({ cluster, wiring, settings, environment, logger, metrics })
    : undefined;
  metrics.readFrom(() => ({
    ...readingsOf(wiring, systemClock.now()),
    isLeading: reconciliation?.isLeading() ?? false,
    queued: reconciliation?.queued() ?? 0,
    certificateExpiresAtMs: credentials.notAfterMs,
  }));
  opened.move();
  logger.info('ready', { webhookPort: webhook.port, operationsPort: operations.port });
  return {
    webhookPort: webhook.port,
    operationsPort: operations.port,
    cluster,
    credentials: () => credentials,
    async stop() {
      isStopping = true;
      // Another replica takes it over at once.
      await reconciliation?.stop();
      // Until the API server has heard that this replica is going it sends reviews here, and admits unseen what gets no answer.
      await sleep(shutdownDelayMs(settings));
      await webhook.stop(settings.drainTimeoutMs);
      await wiring.close();
      await operations.stop(0);
    },
  };
}

/** Only behind a Service somebody has to hear of it. */
function shutdownDelayMs({ shutdownDelayMs: given, webhookUrl, manifests }: ServeSettings): number {
  return given ?? (webhookUrl === undefined && manifests === undefined ? SERVICE_SHUTDOWN_DELAY_MS : 0);
}

function certificateSource(settings: ServeSettings, cluster: Cluster, logger: Logger): RotatingCertificateSource {
  const { namespace, certificateSecret, certificateDirectory, webhookUrl, webhookService } = settings;
  const names = {
    dnsNames: [
      webhookService,
      `${webhookService}.${namespace}`,
      `${webhookService}.${namespace}.svc`,
      'localhost',
      ...(webhookUrl === undefined || isIP(webhookUrl.hostname) !== 0 ? [] : [webhookUrl.hostname]),
    ],
    ipAddresses: [
      '127.0.0.1',
      ...(webhookUrl !== undefined && isIP(webhookUrl.hostname) !== 0 ? [webhookUrl.hostname] : []),
    ],
  };
  if (certificateDirectory !== undefined)
    return createDirectorySource({ directory: certificateDirectory, names, logger });
  return createSecretSource({ cluster, secret: { namespace, name: certificateSecret }, names, logger });
}
