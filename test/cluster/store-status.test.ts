/** What a look at a store writes into its status, and as whom a cluster store is asked. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SecretStore } from '../../src/api/external-secrets.ts';
import { clusterSecretStores, secretStores } from '../../src/api/resources.ts';
import * as make from '../support/latchkey/manifests.ts';
import { startReconciling, type Reconciling } from '../support/latchkey/reconciling.ts';
import { ScriptedBackend, scriptedStore } from '../support/latchkey/scripted-backend.ts';

const NAMESPACE = 'stores';
const VALID = 'True Valid: store validated';
const UNKNOWN =
  'True ValidationUnknown: could not determine validation status: credentials come from the namespace of each ExternalSecret';

const backend = new ScriptedBackend();
let world: Reconciling;

before(async () => {
  world = await startReconciling(backend.registry);
  await world.apply(make.namespace(NAMESPACE), make.namespace('other'));
});

after(async () => {
  await world?.stop();
});

const look = (name: string): Promise<string> => world.syncStore({ kind: 'SecretStore', namespace: NAMESPACE, name });
const lookAtCluster = (name: string): Promise<string> =>
  world.syncStore({ kind: 'ClusterSecretStore', namespace: undefined, name });
const told = (name: string): Promise<readonly string[]> => world.events('SecretStore', NAMESPACE, name);
const signal = (): AbortSignal => AbortSignal.timeout(5_000);

async function storeOf(name: string): Promise<SecretStore> {
  const store = await world.cluster.get(secretStores, { namespace: NAMESPACE, name }, { signal: signal() });
  assert.ok(store);
  return store;
}

const token = (name: string): make.Manifest => ({ tokenSecretRef: { name, key: 'token' } });
const clusterStore = (name: string, section: make.Manifest): make.Manifest => ({
  ...scriptedStore(name, ''),
  ...{ kind: 'ClusterSecretStore', metadata: { name } },
  spec: { provider: { scripted: section } },
});

describe('a store that is looked at', () => {
  it('is Valid, can be read from, and is told of once', async () => {
    await world.apply(make.fakeStore('good', NAMESPACE, { a: 'b' }));
    assert.equal(await look('good'), VALID);
    assert.equal((await storeOf('good')).status?.capabilities, 'ReadOnly');
    assert.deepEqual(await told('good'), ['Normal Valid: store validated']);
  });

  it('is written to only when the verdict changes', async () => {
    const { metadata } = await storeOf('good');
    assert.equal(await look('good'), VALID);
    assert.equal((await storeOf('good')).metadata.resourceVersion, metadata.resourceVersion);
    assert.equal((await told('good')).length, 1);
  });

  const wrong: Readonly<Record<string, readonly [make.Manifest, string]>> = {
    'a section that its provider cannot use': [
      { provider: { vault: { server: 'http://vault.example:8200', auth: token('token') } } },
      'spec.provider.vault.server',
    ],
    'a section that declares itself broken': [
      { provider: { fake: { data: [], validationResult: 2 } } },
      'spec.provider.fake.validationResult declares this store broken [InvalidProviderConfig]',
    ],
    'a provider that nobody knows': [
      { provider: { nobodys: {} } },
      'spec.provider.nobodys is not supported yet [Unsupported]',
    ],
    'credentials that are not there': [
      { provider: { scripted: token('nobody') } },
      'Secret "stores/nobody", named by spec.provider.scripted.tokenSecretRef, does not exist [CredentialsNotFound]',
    ],
    'credentials of another namespace': [
      { provider: { scripted: { tokenSecretRef: { name: 'token', namespace: 'other', key: 'token' } } } },
      'spec.provider.scripted.tokenSecretRef.namespace is "other", but a SecretStore reads its own namespace only [InvalidProviderConfig]',
    ],
  };
  for (const [what, [spec, sentence]] of Object.entries(wrong)) {
    it(`is not Ready for ${what}, and says so in status and Event`, async () => {
      const name = what.replaceAll(' ', '-');
      await world.apply({ ...make.fakeStore(name, NAMESPACE, {}), spec });
      const status = await look(name);
      assert.ok(status.startsWith(`False InvalidProviderConfig: ${sentence}`), status);
      assert.equal((await storeOf(name)).status?.capabilities, undefined);
      assert.deepEqual(await told(name), [status.replace('False', 'Warning')]);
    });
  }

  it('is not Ready once the backend refuses its token, and Valid again with another', async () => {
    await world.apply(make.credentialsSecret('token', { token: 'good' }, NAMESPACE));
    await world.apply(scriptedStore('token', NAMESPACE, token('token')));
    assert.equal(await look('token'), VALID);
    await world.apply(make.credentialsSecret('token', { token: 'refused' }, NAMESPACE));
    const refused = 'InvalidProviderConfig: the scripted backend refused the token [BackendAuthFailed]';
    assert.equal(await look('token'), `False ${refused}`);
    // What it could do it can do again.
    assert.equal((await storeOf('token')).status?.capabilities, 'ReadOnly');
    await world.apply(make.credentialsSecret('token', { token: 'better' }, NAMESPACE));
    assert.equal(await look('token'), VALID);
    assert.deepEqual(await told('token'), [
      ...['Normal Valid: store validated', `Warning ${refused}`, 'Normal Valid: store validated'],
    ]);
  });
});

describe('a cluster store', () => {
  it('that names the namespace of its credentials is judged by them', async () => {
    const tokenSecretRef = { name: 'token', namespace: NAMESPACE, key: 'token' };
    await world.apply(make.credentialsSecret('token', { token: 'good' }, NAMESPACE));
    await world.apply(clusterStore('named', { tokenSecretRef }));
    assert.equal(await lookAtCluster('named'), VALID);
  });

  it('whose credentials come from each namespace cannot be judged, which is no error', async () => {
    await world.apply(clusterStore('referent', token('token')));
    assert.equal(await lookAtCluster('referent'), UNKNOWN);
    const events = await world.events('ClusterSecretStore', 'default', 'referent');
    assert.deepEqual(events, ['Normal ValidationUnknown: could not determine validation status']);
    const before = await world.cluster.get(clusterSecretStores, { name: 'referent' }, { signal: signal() });
    assert.equal(await lookAtCluster('referent'), UNKNOWN);
    const again = await world.cluster.get(clusterSecretStores, { name: 'referent' }, { signal: signal() });
    assert.equal(again?.metadata.resourceVersion, before?.metadata.resourceVersion);
  });

  it('asks with the credentials of the namespace that the ExternalSecret is in, and with no other’s', async () => {
    await world.apply(
      make.credentialsSecret('token', { token: 'of-stores' }, NAMESPACE),
      make.credentialsSecret('token', { token: 'of-other' }, 'other'),
      make.namespace('bare'),
    );
    const spec = { secretStoreRef: { kind: 'ClusterSecretStore', name: 'referent' } };
    for (const namespace of [NAMESPACE, 'other', 'bare']) {
      await world.apply(make.externalSecret({ name: 'me', namespace, data: { me: 'whoami' }, spec }));
    }
    assert.equal(await world.admit(make.podWith('web', NAMESPACE, 'me', ['me'])), 'allowed');
    assert.equal(await world.admit(make.podWith('web', 'other', 'me', ['me'])), 'allowed');
    assert.equal((await world.secret(NAMESPACE, 'me'))?.data?.['me'], btoa('of-stores'));
    assert.equal((await world.secret('other', 'me'))?.data?.['me'], btoa('of-other'));
    assert.match(
      await world.admit(make.podWith('web', 'bare', 'me', ['me'])),
      /Secret "bare\/token", named by spec\.provider\.scripted\.tokenSecretRef, does not exist \[CredentialsNotFound\]$/,
    );
    assert.equal(await world.secret('bare', 'me'), undefined);
  });
});
