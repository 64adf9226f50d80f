/** What becomes of a target Secret: every creation and deletion policy, on a real API server. The table is in targets.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Secret } from '../../src/api/kubernetes.ts';
import { createdByOf } from '../../src/core/target/build-secret.ts';
import { dataHash } from '../../src/core/target/object-hash.ts';
import * as make from '../support/latchkey/manifests.ts';
import { startReconciling, type Reconciling } from '../support/latchkey/reconciling.ts';

interface Row {
  readonly creationPolicy: string;
  readonly deletionPolicy: string;
  readonly provider: string;
  readonly before: string;
}
interface Expected {
  readonly sync: string;
  readonly secret: string;
  readonly status: string;
  readonly events: string;
}

const page = readFileSync(join(import.meta.dirname, 'targets.md'), 'utf8');

/** Cells of the tables below a heading, without their heads. */
function tableBelow(heading: string): readonly (readonly string[])[] {
  const [section = ''] = page.split(`## ${heading}\n`)[1]?.split('\n## ') ?? [];
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const sentences = new Map(tableBelow('Sentences').map(([word = '', sentence = '']) => [word, sentence]));
const rows = tableBelow('Cases').map((cells): Row & Expected => {
  const [creationPolicy = '', deletionPolicy = '', provider = '', earlier = '', ...rest] = cells;
  const [sync = '', secret = '', status = '', events = ''] = rest;
  return { ...{ creationPolicy, deletionPolicy, provider, before: earlier }, ...{ sync, secret, status, events } };
});

const NAMESPACE = 'targets';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const MANAGED = 'reconcile.external-secrets.io/managed';
const CREATED_BY = 'reconcile.external-secrets.io/created-by';
const DATA_HASH = 'reconcile.external-secrets.io/data-hash';

let world: Reconciling;

before(async () => {
  world = await startReconciling();
  await world.apply(make.namespace(NAMESPACE));
});

after(async () => {
  await world?.stop();
});

/** A Secret that somebody else has made. */
function foreign(name: string, { metadata = {}, ...changes }: make.Manifest = {}): Secret {
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque' },
    metadata: {
      ...{ name, namespace: NAMESPACE },
      ...{ labels: { app: 'legacy' }, annotations: { note: 'by hand' } },
      ...(metadata as object),
    },
    data: { other: btoa('1') },
    ...changes,
  };
}

const BEFORE: Readonly<Record<string, (name: string) => Secret | undefined>> = {
  none: () => undefined,
  foreign: (name) => foreign(name),
  controlled: (name) => {
    const controller = { apiVersion: 'v1', kind: 'ConfigMap', name: 'chart', uid: 'a-uid', controller: true };
    return foreign(name, { metadata: { ownerReferences: [controller] } });
  },
  helm: (name) => foreign(name, { type: 'helm.sh/release.v1' }),
  immutable: (name) => foreign(name, { immutable: true }),
};

function manifestsOf(
  name: string,
  { creationPolicy, deletionPolicy }: Row,
  value: string | undefined,
): make.Manifest[] {
  const target = { creationPolicy, deletionPolicy };
  const { metadata, ...rest } = make.externalSecret({
    ...{ name, namespace: NAMESPACE, store: name, data: { password: 'prod/db' } },
    spec: { target },
  });
  const annotations = { owner: 'payments', [LAST_APPLIED]: '{}' };
  return [
    make.fakeStore(name, NAMESPACE, value === undefined ? {} : { 'prod/db': value }),
    { ...rest, metadata: { ...(metadata as object), labels: { team: 'payments' }, annotations } },
  ];
}

/** Name of the Secret that the row is about. */
function targetOf(name: string, { creationPolicy, before: earlier }: Row): string {
  return creationPolicy === 'None' && earlier === 'ours' ? `latchkey-${name}` : name;
}

/** The Secret is there as the row says; `ours` has been synced from the value "old". */
async function arrange(name: string, row: Row): Promise<void> {
  const secret = BEFORE[row.before === 'ours' && row.creationPolicy === 'Merge' ? 'foreign' : row.before]?.(name);
  if (secret !== undefined) await world.write(secret);
  if (row.before === 'ours') {
    await world.apply(...manifestsOf(name, row, 'old'));
    await world.sync(NAMESPACE, name, { isAskedFor: true });
  }
  await world.apply(...manifestsOf(name, row, row.provider === 'missing' ? undefined : 'new'));
}

async function describeSecret(secret: Secret | undefined, earlier: Secret | undefined): Promise<string> {
  if (secret === undefined) return 'none';
  if (secret.metadata.resourceVersion === earlier?.metadata.resourceVersion) return 'untouched';
  const data = Object.entries(secret.data ?? {}).map(([key, base64]) => `${key}=${atob(base64)}`);
  const owner = secret.metadata.ownerReferences?.map(({ kind }) => kind).join('+') ?? 'nobody';
  return `${data.toSorted().join(' ') || 'empty'}, of ${owner}`;
}

/** What is true of every Secret that was written, whatever the policy. */
async function assertMarks(name: string, row: Row, secret: Secret, earlier: Secret | undefined): Promise<void> {
  const externalSecret = await world.externalSecret(NAMESPACE, name);
  const isOwner = ['Owner', 'None'].includes(row.creationPolicy);
  const { labels, annotations, ownerReferences } = secret.metadata;
  const isForeign = earlier !== undefined && earlier.metadata.labels?.['app'] === 'legacy';
  assert.deepEqual(labels, {
    ...(isForeign && { app: 'legacy' }),
    team: 'payments',
    [MANAGED]: 'true',
    ...(isOwner && { [CREATED_BY]: createdByOf(externalSecret) }),
  });
  const bytes = Object.entries(secret.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const);
  assert.deepEqual(annotations, {
    ...(isForeign && { note: 'by hand' }),
    owner: 'payments',
    [DATA_HASH]: dataHash(bytes),
  });
  const us = {
    ...{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name, uid: externalSecret.metadata.uid },
    ...{ blockOwnerDeletion: true, controller: true },
  };
  assert.deepEqual(ownerReferences, isOwner ? [us] : undefined);
  assert.equal(secret.type, earlier?.type ?? 'Opaque');
  const manager = `externalsecrets.external-secrets.io/${name}`;
  assert.ok(secret.metadata.managedFields?.some((entry) => entry.manager === manager));
}

/** The word of targets.md for a sentence. */
function wordFor(sentence: string, name: string): string {
  const general = sentence.replaceAll(name, 'NAME');
  return [...sentences].find(([, known]) => known === general)?.[0] ?? general;
}

describe('a target Secret with', () => {
  for (const [index, row] of rows.entries()) {
    const { creationPolicy, deletionPolicy, provider, before: earlier, ...expected } = row;
    it(`${creationPolicy}/${deletionPolicy}, value ${provider}, ${earlier} before: ${expected.sync}`, async () => {
      const name = `case-${index}-of-${rows.length}`;
      await arrange(name, row);
      const secretName = targetOf(name, row);
      const there = await world.secret(NAMESPACE, secretName);
      const toldBefore = await world.events('ExternalSecret', NAMESPACE, name);
      const sync = await world.sync(NAMESPACE, name);
      const secret = await world.secret(NAMESPACE, secretName);
      const told = (await world.events('ExternalSecret', NAMESPACE, name)).slice(toldBefore.length);
      const actual: Expected = {
        sync,
        secret: await describeSecret(secret, there),
        status: wordFor(await world.status(NAMESPACE, name), name),
        events: told
          .map((event) => wordFor(event, name))
          .toSorted()
          .join(', '),
      };
      assert.deepEqual(actual, expected);
      if (secret !== undefined && actual.secret !== 'untouched') await assertMarks(name, row, secret, there);

      const again = await world.sync(NAMESPACE, name);
      const after = await world.secret(NAMESPACE, secretName);
      assert.equal(after?.metadata.resourceVersion, secret?.metadata.resourceVersion, `written again: ${again}`);
      if (['created', 'updated'].includes(sync)) assert.equal(again, 'unchanged');
      assert.equal((await world.events('ExternalSecret', NAMESPACE, name)).length, toldBefore.length + told.length);
    });
  }
});
