/**
 * One process of the benchmark of resolving: `resolve-child.ts VARIANT COUNT ROUNDS`. ExternalSecrets from the fake provider
 * through resolving and target building, without a cluster. Prints what it measured as JSON.
 */
import { createHash } from 'node:crypto';
import { providers } from '../../providers/index.ts';
import type { ExternalSecret, SecretStore } from '../../src/api/external-secrets.ts';
import { FolderCluster } from '../../src/cluster/folder/folder-cluster.ts';
import { buildSecret } from '../../src/core/target/build-secret.ts';
import { createGoLibraries } from '../../src/go/go-libraries.ts';
import { systemClock } from '../../src/ports/clock.ts';
import { CircuitBreakers } from '../../src/stores/circuit-breakers.ts';
import { ClientCache } from '../../src/stores/client-cache.ts';
import { inParallel } from '../../src/cli/in-parallel.ts';
import { Resolver } from '../../src/stores/resolve.ts';
import { DEFAULT_TEMPLATE_SETTINGS, TemplateRenderer } from '../../src/stores/template.ts';
import type { ResolveVariant, RoundResult } from './resolve.ts';

/** As many of one namespace as are worked on at once. */
const AT_ONCE = 256;
const [variant = 'floor', countText, roundsText] = process.argv.slice(2);
const count = Number(countText);

const nothing = (): void => undefined;
const documents = Array.from({ length: count }, (_, index) =>
  JSON.stringify({
    username: `user-${index}`,
    password: `not-real-${index}-xxxxxxxxxxxxxxxx`,
    host: `db-${index}.example`,
    endpoints: [{ name: 'primary', port: 5_432 }],
  }),
);
const store = {
  apiVersion: 'external-secrets.io/v1',
  kind: 'SecretStore',
  metadata: { name: 'store', namespace: 'shop', uid: 'store', resourceVersion: '1' },
  spec: { provider: { fake: { data: documents.map((value, index) => ({ key: `prod/${index}`, value })) } } },
} satisfies SecretStore;
const storeKey = { kind: 'SecretStore', name: 'store', namespace: 'shop' } as const;
const namespace = { name: 'shop', labels: {}, annotations: {}, isTerminating: false };

const specs: Readonly<Record<Exclude<ResolveVariant, 'floor'>, (key: string) => object>> = {
  plain: (key) => ({
    data: [
      { secretKey: 'username', remoteRef: { key, property: 'username' } },
      { secretKey: 'password', remoteRef: { key, property: 'password' } },
    ],
  }),
  'gjson path': (key) => ({
    data: [
      { secretKey: 'username', remoteRef: { key, property: 'username' } },
      { secretKey: 'port', remoteRef: { key, property: 'endpoints.#(name=="primary").port' } },
    ],
  }),
  'regexp rewrite': (key) => ({
    dataFrom: [{ extract: { key }, rewrite: [{ regexp: { source: '^(.*)$', target: 'db_$1' } }] }],
  }),
  template: (key) => ({
    dataFrom: [{ extract: { key } }],
    target: {
      template: {
        data: {
          url: 'postgres://{{ .username }}:{{ .password | urlquery }}@{{ .host }}/app',
          auth: '{{ printf "%s:%s" .username .password | b64enc }}',
        },
      },
    },
  }),
};

/** Anew for each round: what is remembered of an object must not help the next. */
function externalSecrets(): readonly ExternalSecret[] {
  return documents.map((_, index) => ({
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: `db-${index}`, namespace: 'shop', uid: `uid-${index}`, generation: 1, labels: { app: 'db' } },
    spec: {
      secretStoreRef: { name: 'store' },
      ...specs[variant as keyof typeof specs](`prod/${index}`),
    },
  }));
}

const go = createGoLibraries();
const cluster = new FolderCluster(systemClock);
const templates = new TemplateRenderer(cluster, go, DEFAULT_TEMPLATE_SETTINGS);
const clients = new ClientCache(cluster, {
  ...{ registry: providers, environment: {}, ambientCredentials: 'none', allowedBackendHosts: [], clock: systemClock },
  metrics: { admission: nothing, providerRequest: nothing, sync: nothing, forget: nothing, secretWrite: nothing },
  logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  onNotice: nothing,
});
const resolver = new Resolver({ clients, breakers: new CircuitBreakers(systemClock), go });
const stores = [{ storeKey, store }];
let sizeBytes = 0;

async function resolveAll(all: readonly ExternalSecret[]): Promise<void> {
  await inParallel(all, AT_ONCE, async (externalSecret) => {
    const { signal } = new AbortController();
    const { values } = await resolver.resolve({ externalSecret, namespace, stores, signal });
    const { data, metadata } = await templates.compose(externalSecret, values, signal);
    sizeBytes += buildSecret(externalSecret, data, undefined, [], metadata).metadata.name.length;
  });
}

/** The least: the document read, two of its values in base64 and hashed as upstream's data hash is. */
function floorAll(): void {
  for (const document of documents) {
    const { username, password } = JSON.parse(document) as { readonly username: string; readonly password: string };
    const bytes = [Buffer.from(password), Buffer.from(username)] as const;
    sizeBytes += bytes[0].toString('base64').length + bytes[1].toString('base64').length;
    const text = `map[password:[${bytes[0].join(' ')}] username:[${bytes[1].join(' ')}]]`;
    sizeBytes += createHash('sha3-224').update(text).digest('hex').length;
  }
}

async function measure(): Promise<RoundResult> {
  const all = variant === 'floor' ? [] : externalSecrets();
  globalThis.gc?.();
  const before = process.memoryUsage();
  const cpuBefore = process.cpuUsage();
  const startedAtMs = performance.now();
  if (variant === 'floor') floorAll();
  else await resolveAll(all);
  const wallUs = ((performance.now() - startedAtMs) * 1_000) / count;
  const { user, system } = process.cpuUsage(cpuBefore);
  const after = process.memoryUsage();
  const allocated = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
  return { wallUs, cpuUs: (user + system) / count, allocatedBytes: allocated / count };
}

// Opens the store, and loads what is loaded on first use.
await measure();
const rounds: RoundResult[] = [];
for (let round = 0; round < Number(roundsText); round += 1) rounds.push(await measure());
clients.close();
await go.close();
process.stdout.write(
  JSON.stringify({ rounds, peakResidentMb: (process.resourceUsage().maxRSS * 1_024) / 1e6, sizeBytes }),
);
