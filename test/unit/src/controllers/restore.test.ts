import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExternalSecret } from '../../../../src/api/external-secrets.ts';
import { createdByOf } from '../../../../src/core/target/build-secret.ts';
import { dataHash } from '../../../../src/core/target/object-hash.ts';
import type { Manifest } from '../../../support/latchkey/manifests.ts';
import { database } from '../stores/support/world.ts';
import { createReconciling, type Reconciling } from './reconciling.ts';

const HOUR_MS = 3_600_000;
/** When the world begins. */
const RESTORED_AT = '2026-01-01T00:00:00Z';

/** What a backup brings back: the Secret that an ExternalSecret of another uid once owned. */
function backedUp(changes: { readonly hash?: string; readonly createdAt?: string } = {}): Manifest {
  const data = [['password', Buffer.from('from-backup')]] as const;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'db',
      namespace: 'shop',
      creationTimestamp: changes.createdAt ?? RESTORED_AT,
      labels: {
        'reconcile.external-secrets.io/managed': 'true',
        'reconcile.external-secrets.io/created-by': createdByOf(database() as unknown as ExternalSecret),
      },
      annotations: { 'reconcile.external-secrets.io/data-hash': changes.hash ?? dataHash(data) },
      ownerReferences: [
        { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'db', uid: 'before', controller: true },
      ],
    },
    type: 'Opaque',
    data: { password: Buffer.from('from-backup').toString('base64') },
  };
}

async function restored(...manifests: readonly Manifest[]): Promise<Reconciling> {
  const world = await createReconciling({ isLeading: false });
  world.backend.values.set('prod/db', 'from-backend');
  world.apply(...manifests);
  world.lead();
  await world.pass(0);
  return world;
}

describe('after a restore', () => {
  it('a Secret gets its owner back at once, so that nothing is collected under running pods', async () => {
    const world = await restored(backedUp(), database());
    const owners = (await world.secret('db'))?.metadata.ownerReferences ?? [];
    assert.deepEqual(
      owners.map(({ uid, controller }) => ({ uid, controller })),
      [{ uid: (await world.externalSecret('db'))?.metadata.uid, controller: true }],
    );
  });

  it('nothing is fetched before its time, which the Secret tells', async () => {
    const world = await restored(backedUp(), database());
    assert.equal((await world.externalSecret('db'))?.status?.refreshTime, RESTORED_AT);
    await world.pass(0.89 * HOUR_MS);
    assert.deepEqual(world.backend.asked, []);
    await world.pass(0.11 * HOUR_MS);
    assert.equal(await world.value('db', 'password'), 'from-backend');
  });

  it('what is older than its interval is fetched', async () => {
    const world = await restored(backedUp({ createdAt: '2025-12-31T00:00:00Z' }), database());
    await world.pass(1_000);
    assert.equal(await world.value('db', 'password'), 'from-backend');
  });

  it('a Secret that is not what was written is not given to anybody', async () => {
    const world = await restored(backedUp({ hash: 'another' }), database());
    assert.equal((await world.secret('db'))?.metadata.ownerReferences?.[0]?.uid, 'before');
  });
});

describe('what only looks as if it came from a backup', () => {
  const ownedBy = (kind: string): Manifest => {
    const secret = backedUp();
    const owner = { apiVersion: 'example.com/v1', kind, name: 'theirs', uid: 'their-uid', controller: true };
    return { ...secret, metadata: { ...(secret['metadata'] as object), ownerReferences: [owner] } };
  };
  const cases: Readonly<Record<string, readonly [Manifest, string]>> = {
    'a Secret that something else controls': [ownedBy('Machine'), 'belongs to Machine "theirs"'],
    'a Secret of a protected type': [{ ...backedUp(), type: 'helm.sh/release.v1' }, 'is of type helm.sh/release.v1'],
  };
  for (const [what, [secret, sentence]] of Object.entries(cases)) {
    it(`${what} stays as it is, and the status says why`, async () => {
      const world = await restored(secret, database());
      const { metadata, data } = (await world.secret('db')) ?? {};
      assert.deepEqual(metadata?.ownerReferences, (secret['metadata'] as { ownerReferences: object }).ownerReferences);
      assert.deepEqual(data, secret['data']);
      const ready = (await world.externalSecret('db'))?.status?.conditions?.find(({ type }) => type === 'Ready');
      assert.equal(ready?.status, 'False');
      assert.ok(ready.message?.includes(sentence), ready.message);
    });
  }
});
