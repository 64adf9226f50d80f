/** The freshness table in memory, with a clock that is moved by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { secrets } from '../../../../src/api/resources.ts';
import type { ErrorCode } from '../../../../src/core/errors.ts';
import {
  AGE_MS,
  auditOf,
  codeOfDenial,
  freshnessRows,
  shortened,
  type FreshnessRow,
} from '../../../support/freshness/table.ts';
import type { Manifest } from '../../../support/latchkey/manifests.ts';
import { createWorld, database, pod, type World } from './support/world.ts';

const owner = (apiVersion: string, kind: string, name: string): Manifest => ({
  ...{ apiVersion, kind, name, uid: `uid-of-${name}`, controller: true },
});
const replicaSet: Manifest = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    ...{ name: 'web-1', namespace: 'shop', uid: 'uid-of-web-1' },
    ownerReferences: [owner('apps/v1', 'Deployment', 'web')],
  },
};

/** A pod of the Deployment `web` that asks for what the row says. */
function podOf({ annotations, isOptional }: FreshnessRow): Manifest {
  const { metadata, ...rest } = pod(annotations);
  const secretKeyRef = { name: 'db', key: 'password', optional: isOptional };
  return {
    ...rest,
    metadata: { ...(metadata as object), ownerReferences: [owner('apps/v1', 'ReplicaSet', 'web-1')] },
    spec: { containers: [{ name: 'app', env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef } }] }] },
  };
}

/** The world as the pod finds it. */
async function arrange({ secret, spec, backend }: FreshnessRow): Promise<World> {
  const world = await createWorld();
  const externalSecret = database(spec);
  world.backend.values.set('prod/db', 'old');
  world.apply(externalSecret, replicaSet);
  const ageMs = AGE_MS[secret];
  if (ageMs !== undefined) {
    await world.review(pod());
    await world.wiring.syncer.statuses.flush();
    world.clock.advance(ageMs);
  }
  if (secret === 'of older spec') {
    const metadata = { ...(externalSecret['metadata'] as object), labels: { changed: 'since' } };
    world.apply({ ...externalSecret, metadata });
  }
  if (secret === 'tampered') {
    const made = await world.secret('db');
    assert.ok(made);
    await world.folder.update(secrets, { ...made, data: { password: Buffer.from('tampered').toString('base64') } });
  }
  if (backend === 'store gone') {
    world.apply(database({ ...spec, secretStoreRef: { name: 'gone' } }));
  } else if (backend === 'SecretNotFound') world.backend.values.delete('prod/db');
  else if (['old', 'new'].includes(backend)) world.backend.values.set('prod/db', backend);
  else world.backend.failure = backend as ErrorCode;
  return world;
}

async function secretOf(world: World): Promise<string> {
  if ((await world.secret('db')) === undefined) return 'none';
  return (await world.value('db', 'password')) ?? 'empty';
}

describe('a pod whose Secret is', () => {
  for (const row of freshnessRows) {
    it(row.title, async () => {
      const world = await arrange(row);
      const { allowed, status, warnings = [], auditAnnotations = {} } = await world.admit(podOf(row));
      const { status: podStatus, ...audit } = auditAnnotations;
      const written = (await world.events())
        .filter(({ action }) => action === 'Admit')
        .map(({ regarding: { kind }, type, reason }) => `${type} ${reason} on ${kind}`);
      assert.deepEqual(
        {
          answer: allowed ? podStatus : `denied ${codeOfDenial(status?.message ?? '')}`,
          secretThen: await secretOf(world),
          warning: shortened(warnings, row),
          audit,
          events: written.toSorted(),
        },
        {
          answer: row.answer,
          secretThen: row.secretThen,
          warning: row.warning,
          audit: auditOf(row),
          events: ['Deployment', 'ExternalSecret']
            .filter(() => row.event !== '')
            .map((kind) => `Warning ${row.event} on ${kind}`),
        },
      );
    });
  }

  it('in every row of the table', () =>
    assert.ok(freshnessRows.length >= 60, `${freshnessRows.length} rows were read`));
});
