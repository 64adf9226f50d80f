/** The freshness table: what becomes of a pod, its Secret and its workload's Events in each case. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { secrets } from '../../../../src/api/resources.ts';
import type { ErrorCode } from '../../../../src/core/errors.ts';
import type { Manifest } from '../../../support/latchkey/manifests.ts';
import { createWorld, database, pod, type World } from './support/world.ts';

/**
 * Secret: what is there when the pod comes; made by Latchkey from the value "old".
 * ExternalSecret, pod: fields of its spec, annotations latchkey.dev/… and whether its reference is optional.
 * backend: the value it has now, or how it fails. Event: on the Deployment and on the ExternalSecret alike.
 */
const TABLE = `
| Secret        | ExternalSecret                             | pod                                  | backend                 | answer                         | Secret then | warning                       | Event                   |
|---------------|--------------------------------------------|--------------------------------------|-------------------------|--------------------------------|-------------|-------------------------------|-------------------------|
| 30m old       |                                            |                                      | new                     | fresh                          | old         |                               |                         |
| 30m old       |                                            |                                      | BackendUnavailable      | fresh                          | old         |                               |                         |
| 30m old       |                                            |                                      | store gone              | denied StoreNotFound           | old         |                               | StoreNotFound           |
| 30m old       |                                            | max-age: 10m                         | new                     | fresh                          | new         |                               |                         |
| 30m old       |                                            | max-age: 10m                         | BackendUnavailable      | stale                          | old         | BackendUnavailable            |                         |
| 30m old       |                                            | max-age: 10m, stale-if-error: 10m    | BackendUnavailable      | denied BackendUnavailable      | old         |                               | BackendUnavailable      |
| 30m old       |                                            | max-age: 0s                          | new                     | fresh                          | new         |                               |                         |
| 2h old        |                                            |                                      | new                     | fresh                          | new         |                               |                         |
| 2h old        |                                            |                                      | old                     | fresh                          | old         |                               |                         |
| 2h old        |                                            |                                      | BackendUnavailable      | stale                          | old         | BackendUnavailable            |                         |
| 2h old        |                                            |                                      | BackendTimeout          | stale                          | old         | BackendTimeout                |                         |
| 2h old        |                                            |                                      | BackendThrottled        | stale                          | old         | BackendThrottled              |                         |
| 2h old        |                                            |                                      | BackendResponseInvalid  | stale                          | old         | BackendResponseInvalid        |                         |
| 2h old        |                                            |                                      | BackendAuthFailed       | stale                          | old         | BackendAuthFailed             |                         |
| 2h old        |                                            |                                      | BackendPermissionDenied | stale                          | old         | BackendPermissionDenied       |                         |
| 2h old        |                                            | stale-if-error: 0s                   | BackendUnavailable      | denied BackendUnavailable      | old         |                               | BackendUnavailable      |
| 2h old        |                                            | stale-if-error: 30m                  | BackendUnavailable      | denied BackendUnavailable      | old         |                               | BackendUnavailable      |
| 2h old        |                                            | stale-if-error: 0s, on-failure: allow | BackendUnavailable     | pending                        | old         | BackendUnavailable            |                         |
| 2h old        |                                            | stale-if-error: 0s, optional         | BackendUnavailable      | fresh                          | old         | BackendUnavailable            |                         |
| 2h old        |                                            |                                      | SecretNotFound          | stale                          | old         | SecretNotFound                |                         |
| 2h old        |                                            |                                      | PropertyNotFound        | stale                          | old         | PropertyNotFound              |                         |
| 2h old        |                                            | stale-if-error: 0s                   | SecretNotFound          | denied SecretNotFound          | old         |                               | SecretNotFound          |
| 2h old        | target: {deletionPolicy: Delete}           |                                      | SecretNotFound          | denied SecretNotFound          | none        |                               | SecretNotFound          |
| 2h old        | target: {deletionPolicy: Delete}           | optional                             | SecretNotFound          | fresh                          | none        | SecretNotFound                |                         |
| 2h old        | target: {deletionPolicy: Delete}           |                                      | BackendUnavailable      | stale                          | old         | BackendUnavailable            |                         |
| 2h old        | target: {deletionPolicy: Delete}           |                                      | new                     | fresh                          | new         |                               |                         |
| 2h old        | target: {deletionPolicy: Merge}            |                                      | SecretNotFound          | denied KeyMissing              | empty       |                               | KeyMissing              |
| 2h old        | target: {deletionPolicy: Merge}            |                                      | PropertyNotFound        | stale                          | old         | PropertyNotFound              |                         |
| 2h old        |                                            |                                      | InvalidData             | denied InvalidData             | old         |                               | InvalidData             |
| 2h old        |                                            |                                      | CredentialsNotFound     | denied CredentialsNotFound     | old         |                               | CredentialsNotFound     |
| 2h old        |                                            | on-failure: allow                    | InvalidData             | pending                        | old         | InvalidData                   |                         |
| 26h old       |                                            |                                      | BackendUnavailable      | denied BackendUnavailable      | old         |                               | BackendUnavailable      |
| 26h old       |                                            | stale-if-error: 48h                  | BackendUnavailable      | stale                          | old         | BackendUnavailable            |                         |
| 26h old       | refreshInterval: 72h                       |                                      | new                     | fresh                          | old         |                               |                         |
| 26h old       | refreshInterval: 0s                        |                                      | new                     | fresh                          | old         |                               |                         |
| 26h old       | refreshInterval: 0s                        | max-age: 1h                          | new                     | fresh                          | new         |                               |                         |
| 26h old       | refreshPolicy: OnChange                    |                                      | new                     | fresh                          | old         |                               |                         |
| 26h old       | refreshPolicy: OnChange                    | max-age: 1h                          | new                     | fresh                          | new         |                               |                         |
| 26h old       | refreshPolicy: CreatedOnce                 |                                      | new                     | fresh                          | old         |                               |                         |
| 26h old       | refreshPolicy: CreatedOnce                 | max-age: 1h                          | new                     | fresh                          | old         | refreshPolicy CreatedOnce     |                         |
| 26h old       | target: {immutable: true}                  | max-age: 1h                          | new                     | fresh                          | old         | target.immutable              |                         |
| 2h old        | syncWindows: {kind: allow, windows: [{schedule: "0 22 * * *", duration: 1h}]} | | new                  | fresh                          | old         |                               |                         |
| 2h old        | syncWindows: {kind: allow, windows: [{schedule: "0 1 * * *", duration: 2h}]}  | | new                  | fresh                          | new         |                               |                         |
| 2h old        | syncWindows: {kind: deny, windows: [{schedule: "0 1 * * *", duration: 2h}]}   | | new                  | fresh                          | old         |                               |                         |
| 2h old        | syncWindows: {kind: deny, windows: [{schedule: "0 1 * * *", duration: 2h}]}   | max-age: 1h | new      | fresh                          | new         |                               |                         |
| tampered      | syncWindows: {kind: deny, windows: [{schedule: "@hourly", duration: 1h}]}     | | new                  | fresh                          | new         |                               |                         |
| missing       | syncWindows: {kind: deny, windows: [{schedule: "@hourly", duration: 1h}]}     | | new                  | fresh                          | new         |                               |                         |
| missing       |                                            |                                      | new                     | fresh                          | new         |                               |                         |
| missing       |                                            |                                      | BackendUnavailable      | denied BackendUnavailable      | none        |                               | BackendUnavailable      |
| missing       |                                            |                                      | SecretNotFound          | denied SecretNotFound          | none        |                               | SecretNotFound          |
| missing       | target: {deletionPolicy: Delete}           |                                      | SecretNotFound          | denied SecretNotFound          | none        |                               | SecretNotFound          |
| missing       |                                            |                                      | store gone              | denied StoreNotFound           | none        |                               | StoreNotFound           |
| missing       |                                            | on-failure: allow                    | BackendUnavailable      | pending                        | none        | BackendUnavailable            |                         |
| missing       |                                            | optional                             | BackendUnavailable      | fresh                          | none        | BackendUnavailable            |                         |
| tampered      |                                            |                                      | new                     | fresh                          | new         |                               |                         |
| tampered      |                                            |                                      | BackendUnavailable      | denied BackendUnavailable      | tampered    |                               | BackendUnavailable      |
| tampered      | refreshPolicy: CreatedOnce                 |                                      | new                     | fresh                          | new         |                               |                         |
| of older spec |                                            |                                      | new                     | fresh                          | new         |                               |                         |
| of older spec |                                            |                                      | BackendUnavailable      | denied BackendUnavailable      | old         |                               | BackendUnavailable      |
| of older spec |                                            |                                      | SecretNotFound          | denied SecretNotFound          | old         |                               | SecretNotFound          |
| of older spec | target: {immutable: true}                  |                                      | new                     | fresh                          | old         |                               |                         |
`;

const HOUR_MS = 3_600_000;
const AGE_MS: Readonly<Record<string, number>> = {
  ...{ '30m old': HOUR_MS / 2, '2h old': 2 * HOUR_MS, '26h old': 26 * HOUR_MS },
  ...{ tampered: 0, 'of older spec': 0 },
};

interface Row {
  readonly secret: string;
  readonly spec: string;
  readonly pod: string;
  readonly backend: string;
  readonly answer: string;
  readonly secretThen: string;
  readonly warning: string;
  readonly event: string;
}

const rows = TABLE.trim()
  .split('\n')
  .slice(2)
  .map((line): Row => {
    const [secret = '', spec = '', ofPod = '', backend = '', answer = '', secretThen = '', warning = '', event = ''] =
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim());
    return { secret, spec, pod: ofPod, backend, answer, secretThen, warning, event };
  });

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
function podOf(text: string): Manifest {
  const words = text.split(', ').filter((word) => word !== '');
  const annotations = words
    .filter((word) => word !== 'optional')
    .map((word) => word.split(': '))
    .map(([key, value]) => [`latchkey.dev/${key}`, value]);
  const { metadata, ...rest } = pod(Object.fromEntries(annotations) as Record<string, string>);
  const secretKeyRef = { name: 'db', key: 'password', optional: words.includes('optional') };
  return {
    ...rest,
    metadata: { ...(metadata as object), ownerReferences: [owner('apps/v1', 'ReplicaSet', 'web-1')] },
    spec: { containers: [{ name: 'app', env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef } }] }] },
  };
}

/** The world as the pod finds it. */
async function arrange({ secret, spec, backend }: Row): Promise<World> {
  const world = await createWorld();
  const externalSecret = database(parse(`{${spec}}`) as Manifest);
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
    world.apply(database({ ...(parse(`{${spec}}`) as Manifest), secretStoreRef: { name: 'gone' } }));
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
  for (const row of rows) {
    const conditions = [row.spec, row.pod].filter((text) => text !== '').join(' and ');
    const title = `${row.secret}${conditions === '' ? '' : ` with ${conditions}`}, backend ${row.backend}: ${row.answer}`;
    it(title, async () => {
      const world = await arrange(row);
      const { allowed, status, warnings = [], auditAnnotations } = await world.admit(podOf(row.pod));
      const code = /\[(\w+)\]$/.exec(status?.message ?? '')?.[1];
      const written = (await world.events())
        .filter(({ action }) => action === 'Admit')
        .map(({ regarding: { kind }, type, reason }) => `${type} ${reason} on ${kind}`);
      assert.deepEqual(
        {
          answer: allowed ? auditAnnotations?.['status'] : `denied ${code}`,
          secretThen: await secretOf(world),
          warning: warnings.length === 0 ? '' : warnings.join().includes(row.warning) ? row.warning : warnings.join(),
          events: written.toSorted(),
        },
        {
          answer: row.answer,
          secretThen: row.secretThen,
          warning: row.warning,
          events: ['Deployment', 'ExternalSecret']
            .filter(() => row.event !== '')
            .map((kind) => `Warning ${row.event} on ${kind}`),
        },
      );
    });
  }

  it('in every row of the table', () => assert.ok(rows.length >= 60, `${rows.length} rows were read`));
});
