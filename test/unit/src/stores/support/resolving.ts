import type { ExternalSecret, SecretStore } from '../../../../../src/api/external-secrets.ts';
import { FolderCluster } from '../../../../../src/cluster/folder/folder-cluster.ts';
import type { ProviderRegistry } from '../../../../../src/ports/provider.ts';
import { ClientCache } from '../../../../../src/stores/client-cache.ts';
import { resolveExternalSecret } from '../../../../../src/stores/resolve.ts';
import * as make from '../../../../support/latchkey/manifests.ts';
import { handClock } from './clock.ts';
import { noMetrics, silentLogger, store } from './world.ts';

/** What an ExternalSecret of this spec comes to, read through the provider `test` of the registry. */
export async function resolveThrough(
  registry: ProviderRegistry,
  spec: make.Manifest,
): Promise<ReadonlyMap<string, Buffer>> {
  const clients = new ClientCache(new FolderCluster(handClock()), {
    registry,
    environment: {},
    ambientCredentials: 'none',
    allowedBackendHosts: [],
    clock: handClock(),
    metrics: noMetrics,
    logger: silentLogger,
  });
  const externalSecret = make.externalSecret({ name: 'es', namespace: 'shop', data: {}, spec });
  const values = await resolveExternalSecret(
    externalSecret as unknown as ExternalSecret,
    { kind: 'SecretStore', name: 'store', namespace: 'shop' },
    store('store') as unknown as SecretStore,
    clients,
    AbortSignal.timeout(5_000),
  );
  return new Map([...values].map(([key, value]) => [key, value.reveal()]));
}

export function asText(values: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries([...values].map(([key, value]) => [key, value.toString()]));
}
