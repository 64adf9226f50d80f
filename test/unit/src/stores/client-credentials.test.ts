/** A client lives as long as what it was built from. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { SecretStore } from '../../../../src/api/external-secrets.ts';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { secrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import type { StoreKey } from '../../../../src/core/store/store-key.ts';
import type { ClientContext, ProviderRegistry } from '../../../../src/ports/provider.ts';
import { ClientCache } from '../../../../src/stores/client-cache.ts';
import { pathOnly } from '../../../../providers/shared/json-document.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { handClock } from './support/clock.ts';
import { clusterIsDown, observed, type ObservedCluster } from './support/observed-cluster.ts';
import { noMetrics, silentLogger, store } from './support/world.ts';

const storeKey: StoreKey = { kind: 'SecretStore', name: 'store', namespace: 'shop' };
const clusterKey: StoreKey = { kind: 'ClusterSecretStore', name: 'store', namespace: undefined };
const signal = AbortSignal.timeout(60_000);
let folder: FolderCluster;
let cluster: ObservedCluster;
let cache: ClientCache;
let contexts: ClientContext[];
/** Credentials that clients logged in with, in order; and those whose client is closed. */
let logins: string[];
let closed: string[];
let closing: () => Promise<void>;
let warnings: string[];

beforeEach(() => {
  folder = new FolderCluster(handClock());
  cluster = observed(folder);
  contexts = [];
  logins = [];
  closed = [];
  closing = async () => undefined;
  warnings = [];
  const registry: ProviderRegistry = {
    keyed: async () => ({
      createProvider: () => ({
        validateStore: () => undefined,
        documents: pathOnly,
        async newClient(context, clientSignal) {
          contexts.push(context);
          const selector = { name: 'login', key: 'token' };
          const token = await context.credentials.readSecretKey(selector, 'spec.provider.keyed.tokenRef', clientSignal);
          const login = token.reveal().toString();
          logins.push(login);
          return {
            getSecret: async () => token,
            async close() {
              closed.push(login);
              await closing();
            },
          };
        },
      }),
    }),
  };
  cache = new ClientCache(cluster, {
    registry,
    environment: { REGION: 'test' },
    ambientCredentials: 'none',
    allowedBackendHosts: [],
    clock: handClock(),
    metrics: noMetrics,
    logger: { ...silentLogger, warn: (message) => void warnings.push(message) },
    onNotice: () => undefined,
  });
});

function login(token: string, namespace = 'shop'): void {
  folder.load(make.credentialsSecret('login', { token }, namespace) as unknown as KubernetesObject);
}

function open({ key = storeKey, generation = 1, namespace = 'shop' } = {}): ReturnType<ClientCache['open']> {
  const base = store('store') as unknown as SecretStore;
  const metadata = { ...base.metadata, uid: 'store-uid', generation };
  return cache.open(key, { ...base, metadata, spec: { provider: { keyed: { url: 'https://x' } } } }, namespace, signal);
}

describe('a client that was built with a credential', () => {
  it('serves as long as the credential stays, which costs one live read each time', async () => {
    login('not-real-1');
    const first = await open();
    cluster.forget();
    assert.equal((await open()).refusals, first.refusals);
    assert.deepEqual([cluster.calls, logins], [['get Secret'], ['not-real-1']]);
  });

  it('gives way to a new one when the credential changes, and is closed when nobody can be using it any more', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    login('not-real-1');
    await open();
    login('not-real-2');
    await open();
    assert.deepEqual([logins, closed], [['not-real-1', 'not-real-2'], []]);
    t.mock.timers.tick(30_000);
    assert.deepEqual(closed, ['not-real-1']);
  });

  it('gives way to a new one when the store changes', async () => {
    login('not-real-1');
    await open({ generation: 1 });
    await open({ generation: 2 });
    assert.equal(logins.length, 2);
  });

  it('is not used any more when the credential is taken away', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    login('not-real-1');
    await open();
    cluster.get = (resource, key) =>
      resource.kind === 'Secret' ? Promise.resolve(undefined) : folder.get(resource, key);
    await assert.rejects(open(), (error) => error instanceof LatchkeyError && error.code === 'CredentialsNotFound');
    t.mock.timers.tick(30_000);
    assert.deepEqual(closed, ['not-real-1']);
  });

  it('is neither used nor thrown away while nobody knows whether the credential is current', async () => {
    login('not-real-1');
    const first = await open();
    cluster.before = clusterIsDown;
    await assert.rejects(open(), /could not be asked/);
    cluster.before = () => undefined;
    assert.equal((await open()).refusals, first.refusals);
    assert.deepEqual(closed, []);
  });

  it('of a cluster store logs in with each namespace’s own credential', async () => {
    login('not-real-shop');
    login('not-real-bank', 'bank');
    await open({ key: clusterKey, namespace: 'shop' });
    await open({ key: clusterKey, namespace: 'bank' });
    await open({ key: clusterKey, namespace: 'shop' });
    assert.deepEqual(logins, ['not-real-shop', 'not-real-bank']);
  });

  it('that could not be built is not remembered', async () => {
    await assert.rejects(open(), (error) => error instanceof LatchkeyError && error.code === 'CredentialsNotFound');
    login('not-real-1');
    await open();
    assert.deepEqual(logins, ['not-real-1']);
  });

  it('reads one Secret once, however many of its keys it needs', async () => {
    login('not-real-1');
    await open();
    const [context] = contexts;
    assert.ok(context);
    cluster.forget();
    await context.credentials.readSecretKey({ name: 'login', key: 'token' }, 'spec.other', signal);
    assert.deepEqual(cluster.calls, []);
  });

  it('is told its store, configuration and environment', async () => {
    login('not-real-1');
    await open();
    assert.deepEqual(
      contexts.map(({ store: of, config, environment }) => ({ of, config, environment })),
      [{ of: storeKey, config: { url: 'https://x' }, environment: { REGION: 'test' } }],
    );
  });

  it('that fails to close is reported, and nobody fails over it', async () => {
    login('not-real-1');
    await open();
    closing = () => Promise.reject(new Error('not closed'));
    cache.close();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(warnings, ['closing a provider client failed']);
  });
});

describe('a credential', () => {
  it('that is written anew with the same content counts as changed: only its version is compared', async () => {
    login('not-real-1');
    await open();
    const secret = await folder.get(secrets, { namespace: 'shop', name: 'login' });
    assert.ok(secret);
    await folder.update(secrets, secret);
    await open();
    assert.equal(logins.length, 2);
  });
});
