import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { SecretStore } from '../../../../src/api/external-secrets.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import type { StoreKey } from '../../../../src/core/store/store-key.ts';
import type { ClientContext } from '../../../../src/ports/provider.ts';
import { ClientCache, type ClientCacheOptions } from '../../../../src/stores/client-cache.ts';
import { Backend } from './support/backend.ts';
import { handClock } from './support/clock.ts';
import { noMetrics, silentLogger, store } from './support/world.ts';

const key: StoreKey = { kind: 'SecretStore', name: 'store', namespace: 'shop' };
const clusterKey: StoreKey = { kind: 'ClusterSecretStore', name: 'store', namespace: undefined };
const signal = AbortSignal.timeout(60_000);
let backend: Backend;

beforeEach(() => {
  backend = new Backend();
});

function newCache(options: Partial<ClientCacheOptions> = {}): ClientCache {
  return new ClientCache(new FolderCluster(handClock()), {
    registry: backend.registry,
    environment: {},
    ambientCredentials: 'cluster-stores',
    allowedBackendHosts: [],
    clock: handClock(),
    metrics: noMetrics,
    logger: silentLogger,
    onNotice: () => undefined,
    ...options,
  });
}

function storeOf(
  generation: number,
  provider: Readonly<Record<string, object>> = { test: {} },
  resourceVersion = String(generation),
): SecretStore {
  const base = store('store') as unknown as SecretStore;
  const metadata = { ...base.metadata, uid: 'u', generation, resourceVersion };
  return { ...base, metadata, spec: { provider } } as SecretStore;
}

describe('a client', () => {
  it('is made once for a store and used again', async () => {
    const cache = newCache();
    const opened = [
      await cache.open(key, storeOf(1), 'shop', signal),
      await cache.open(key, storeOf(1), 'shop', signal),
    ];
    assert.equal(opened[0]?.refusals, opened[1]?.refusals);
    assert.equal(backend.clients, 1);
  });

  it('is made once for callers who come together', async () => {
    const cache = newCache();
    const opened = await Promise.all([1, 2, 3].map(() => cache.open(key, storeOf(1), 'shop', signal)));
    assert.equal(new Set(opened.map(({ refusals }) => refusals)).size, 1);
    assert.deepEqual([backend.clients, backend.closed], [1, 0]);
  });

  it('is made anew for a changed store', async () => {
    const cache = newCache();
    await cache.open(key, storeOf(1), 'shop', signal);
    await cache.open(key, storeOf(2), 'shop', signal);
    assert.equal(backend.clients, 2);
  });

  it('serves a store on whose status or metadata something was written', async () => {
    const cache = newCache();
    await cache.open(key, storeOf(1), 'shop', signal);
    await cache.open(key, storeOf(1, { test: {} }, '7'), 'shop', signal);
    assert.equal(backend.clients, 1);
  });

  it('of a cluster store is not shared between namespaces', async () => {
    const cache = newCache();
    await cache.open(clusterKey, storeOf(1), 'shop', signal);
    await cache.open(clusterKey, storeOf(1), 'bank', signal);
    assert.equal(backend.clients, 2);
  });

  it('is closed with the cache', async () => {
    const cache = newCache();
    await cache.open(key, storeOf(1), 'shop', signal);
    cache.close();
    assert.equal(backend.closed, 1);
  });

  const wrong: readonly [what: string, provider: Readonly<Record<string, object>>, code: string, message: RegExp][] = [
    ['none', {}, 'InvalidProviderConfig', /exactly one provider/],
    ['two', { test: {}, fake: {} }, 'InvalidProviderConfig', /exactly one provider/],
    ['one that is not known', { punchcards: {} }, 'Unsupported', /^spec\.provider\.punchcards is not supported yet$/],
    ['one that every object has', { toString: {} }, 'Unsupported', /^spec\.provider\.toString is not supported yet$/],
  ];
  for (const [what, provider, code, message] of wrong) {
    it(`of a store with provider ${what} is refused`, async () => {
      await assert.rejects(
        newCache().open(key, storeOf(1, provider), 'shop', signal),
        (error) => error instanceof LatchkeyError && error.code === code && message.test(error.message),
      );
    });
  }

  /** What providers are told about clients made with these options for `storeKey`. */
  async function contextOf(
    options: Partial<ClientCacheOptions>,
    storeKey: StoreKey,
  ): Promise<ClientContext | undefined> {
    const contexts: ClientContext[] = [];
    const { test } = backend.registry;
    assert.ok(test);
    const registry = {
      test: async () => {
        const provider = (await test()).createProvider();
        const newClient: typeof provider.newClient = async (context, ...rest) => {
          contexts.push(context);
          return provider.newClient(context, ...rest);
        };
        return { createProvider: () => ({ ...provider, newClient }) };
      },
    };
    await newCache({ ...options, registry }).open(storeKey, storeOf(1), 'shop', signal);
    return contexts[0];
  }

  const ambient: readonly [who: ClientCacheOptions['ambientCredentials'], key: StoreKey, isAllowed: boolean][] = [
    ['cluster-stores', clusterKey, true],
    ['cluster-stores', key, false],
    ['all', key, true],
    ['all', clusterKey, true],
    ['none', clusterKey, false],
    ['none', key, false],
  ];
  for (const [ambientCredentials, storeKey, isAllowed] of ambient) {
    it(`of a ${storeKey.kind} ${isAllowed ? 'may' : 'may not'} use our own identity under ${ambientCredentials}`, async () => {
      const context = await contextOf({ ambientCredentials }, storeKey);
      assert.equal(context?.isAmbientIdentityAllowed, isAllowed);
    });
  }

  it('knows the hosts that the operator lists', async () => {
    const context = await contextOf({ allowedBackendHosts: ['vault.example'] }, key);
    assert.deepEqual(context?.allowedBackendHosts, ['vault.example']);
  });

  it('of a store with a retryInterval that is no duration is refused, before anything is asked', async () => {
    const broken = storeOf(1);
    const spec = { ...broken.spec, retrySettings: { retryInterval: 'soon' } };
    await assert.rejects(
      newCache().open(key, { ...broken, spec }, 'shop', signal),
      /spec\.retrySettings\.retryInterval/,
    );
    assert.equal(backend.clients, 0);
  });

  it('asks 8 times at once, and those of all namespaces of a cluster store 32 times', async () => {
    const cache = newCache();
    const gate = Promise.withResolvers<void>();
    backend.gate = gate.promise;
    const names = Array.from({ length: 20 }, (_, index) => `k${index}`);
    for (const name of names) backend.values.set(name, 'not-real');
    const readAll = async (namespace: string): Promise<void> => {
      const { client } = await cache.open(clusterKey, storeOf(1), namespace, signal);
      await Promise.all(names.map((name) => client.getSecret({ key: name }, signal)));
    };
    const first = readAll('shop');
    await new Promise(setImmediate);
    assert.equal(backend.asked.length, 8);
    const others = ['a', 'b', 'c', 'd', 'e'].map(readAll);
    await new Promise(setImmediate);
    assert.equal(backend.asked.length, 32);
    gate.resolve();
    await Promise.all([first, ...others]);
    assert.equal(backend.asked.length, 120);
  });
});
