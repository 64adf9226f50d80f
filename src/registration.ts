import type { RotatingCertificateSource } from '../certs/certificate-source.ts';
import { keepRegistered } from '../webhook-config/keep-registered.ts';
import type { Trust, WebhookAddress } from '../webhook-config/mutating-webhook.ts';
import { registerWebhook, type Registration } from '../webhook-config/register.ts';
import type { ServeSettings } from './cli/settings.ts';
import type { ServingCredentials } from './ports/certificate-source.ts';
import type { Cluster } from './ports/cluster.ts';
import type { Logger } from './ports/logger.ts';

export interface RegisterOptions {
  readonly settings: ServeSettings;
  readonly cluster: Cluster;
  readonly source: RotatingCertificateSource;
  readonly credentials: ServingCredentials;
  readonly logger: Logger;
  /** Bounds the first registration. */
  readonly starting: AbortSignal;
  /** Bounds keeping it up. */
  readonly running: AbortSignal;
}

/** Registers webhook and policies, then keeps them as they must be. @throws LatchkeyError the cluster's. */
export async function registerAndKeep(options: RegisterOptions): Promise<{ refresh(): void }> {
  const { settings, cluster, source, credentials, logger, starting, running } = options;
  const registration: Registration = {
    scope: { namespace: settings.namespace, excludedNamespaces: settings.excludedNamespaces },
    address: addressOf(settings),
    failureMode: settings.failureMode,
  };
  await registerWebhook(cluster, registration, trustOf(credentials), starting);
  await source.bundlePublished(credentials.caBundlePem, starting);
  return keepRegistered(
    cluster,
    {
      registration,
      logger,
      currentTrust: async (signal) => trustOf(await source.load(signal)),
      onPublished: ({ caBundlePem }, signal) => source.bundlePublished(caBundlePem, signal),
    },
    running,
  );
}

function addressOf({ webhookUrl, webhookService, namespace }: ServeSettings): WebhookAddress {
  if (webhookUrl !== undefined) return { baseUrl: webhookUrl.origin };
  return { service: { namespace, name: webhookService, port: 443 } };
}

function trustOf({ caBundlePem, pathSegment }: ServingCredentials): Trust {
  return { caBundlePem, path: `/${pathSegment}/mutate` };
}
