import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { secrets } from '../../../../src/api/resources.ts';
import { FolderCluster } from '../../../../src/cluster/folder/folder-cluster.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import type { StoreKey } from '../../../../src/core/store/store-key.ts';
import { ScopedCredentials } from '../../../../src/stores/credentials.ts';
import { areCurrent } from '../../../../src/stores/object-versions.ts';
import { handClock } from './support/clock.ts';

const secretStore: StoreKey = { kind: 'SecretStore', name: 'store', namespace: 'shop' };
const clusterStore: StoreKey = { kind: 'ClusterSecretStore', name: 'store', namespace: undefined };
const FIELD = 'spec.provider.aws.auth.secretRef.accessKeyIDSecretRef';
const signal = AbortSignal.timeout(60_000);
let cluster: FolderCluster;

beforeEach(async () => {
  cluster = new FolderCluster(handClock());
  for (const namespace of ['shop', 'vault']) {
    const data = { id: Buffer.from(`not-real-${namespace}`).toString('base64') };
    await cluster.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'aws', namespace }, data });
  }
});

const read = async (
  store: StoreKey,
  selector: { name: string; namespace?: string; key?: string },
  credentials = new ScopedCredentials(cluster, store, 'shop'),
): Promise<string> => (await credentials.readSecretKey({ key: 'id', ...selector }, FIELD, signal)).reveal().toString();

describe('credentials of a store', () => {
  it('come from its own namespace for a SecretStore', async () => {
    assert.equal(await read(secretStore, { name: 'aws' }), 'not-real-shop');
  });

  it('never come from another namespace for a SecretStore', async () => {
    await assert.rejects(
      read(secretStore, { name: 'aws', namespace: 'vault' }),
      (error) =>
        error instanceof LatchkeyError &&
        error.code === 'InvalidProviderConfig' &&
        error.message.startsWith(`${FIELD}.namespace is "vault"`),
    );
  });

  it('come from the namespace that a ClusterSecretStore names, else from the ExternalSecret’s', async () => {
    assert.equal(await read(clusterStore, { name: 'aws', namespace: 'vault' }), 'not-real-vault');
    assert.equal(await read(clusterStore, { name: 'aws' }), 'not-real-shop');
  });

  const missing: Readonly<Record<string, [selector: { name: string; key?: string }, says: string]>> = {
    Secret: [{ name: 'gone' }, `Secret "shop/gone", named by ${FIELD}, does not exist`],
    'key that every object has': [
      { name: 'aws', key: 'constructor' },
      `Secret "shop/aws", named by ${FIELD}, has no key "constructor"`,
    ],
    key: [{ name: 'aws', key: 'nope' }, `Secret "shop/aws", named by ${FIELD}, has no key "nope"`],
  };
  for (const [what, [selector, message]] of Object.entries(missing)) {
    it(`say which ${what} is missing and who names it`, async () => {
      await assert.rejects(
        read(secretStore, selector),
        (error) => error instanceof LatchkeyError && error.code === 'CredentialsNotFound' && error.message === message,
      );
    });
  }

  it('are current until one of their Secrets changes or goes', async () => {
    const credentials = new ScopedCredentials(cluster, secretStore, 'shop');
    await read(secretStore, { name: 'aws' }, credentials);
    const { versions } = credentials;
    assert.equal(versions.length, 1);
    assert.equal(await areCurrent(cluster, versions, signal), true);
    const secret = await cluster.get(secrets, { namespace: 'shop', name: 'aws' });
    assert.ok(secret);
    await cluster.update(secrets, { ...secret, data: { id: 'bmV3' } });
    assert.equal(await areCurrent(cluster, versions, signal), false);
    assert.equal(
      await areCurrent(cluster, [{ resource: secrets, namespace: 'shop', name: 'gone', version: 'x' }], signal),
      false,
    );
  });
});
