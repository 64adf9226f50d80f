import type { ExternalSecret, SecretStore } from '../../../../../src/api/external-secrets.ts';
import { FolderCluster } from '../../../../../src/cluster/folder/folder-cluster.ts';
import { createGoLibraries } from '../../../../../src/go/go-libraries.ts';
import type { ProviderRegistry } from '../../../../../src/ports/provider.ts';
import { CircuitBreakers } from '../../../../../src/stores/circuit-breakers.ts';
import { ClientCache } from '../../../../../src/stores/client-cache.ts';
import { Resolver, type Resolved } from '../../../../../src/stores/resolve.ts';
import type { PermittedStore } from '../../../../../src/stores/store-lookup.ts';
import * as make from '../../../../support/latchkey/manifests.ts';
import { handClock } from './clock.ts';
import { noMetrics, silentLogger, store } from './world.ts';

/** One for all tests of a file: it is loaded once, and only by those that need it. */
const go = createGoLibraries({ timeLimitMs: 10_000 });

export interface Resolving {
  /** Names of SecretStores that the spec names; each of the provider that `registry` has under `test`. */
  readonly stores?: readonly string[];
  readonly namespaceAnnotations?: Readonly<Record<string, string>>;
}

/** What an ExternalSecret of this spec comes to, read through the provider `test` of the registry. */
export async function resolveThrough(
  registry: ProviderRegistry,
  spec: make.Manifest,
  { stores = ['store'], namespaceAnnotations = {} }: Resolving = {},
): Promise<Resolved> {
  const clock = handClock();
  const clients = new ClientCache(new FolderCluster(clock), {
    registry,
    environment: {},
    ambientCredentials: 'none',
    allowedBackendHosts: [],
    clock,
    metrics: noMetrics,
    logger: silentLogger,
    onNotice: () => undefined,
  });
  const externalSecret = make.externalSecret({ name: 'es', namespace: 'shop', data: {}, spec });
  const permitted = stores.map((name): PermittedStore => {
    const manifest = store(name) as unknown as SecretStore;
    const metadata = { ...manifest.metadata, uid: `uid-of-${name}`, resourceVersion: '1' };
    return { storeKey: { kind: 'SecretStore', name, namespace: 'shop' }, store: { ...manifest, metadata } };
  });
  return new Resolver({ clients, breakers: new CircuitBreakers(clock), go }).resolve({
    externalSecret: externalSecret as unknown as ExternalSecret,
    namespace: { name: 'shop', labels: {}, annotations: namespaceAnnotations, isTerminating: false },
    stores: permitted,
    signal: AbortSignal.timeout(10_000),
  });
}

export function bytesOf({ values }: Resolved): ReadonlyMap<string, Buffer> {
  return new Map([...values].map(([key, value]) => [key, value.reveal()]));
}

export function asText(values: ReadonlyMap<string, Buffer>): Record<string, string> {
  return Object.fromEntries([...values].map(([key, value]) => [key, value.toString()]));
}
