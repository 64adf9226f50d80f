/** Secrets that External Secrets Operator has written, and what goes again from Secrets that several write. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Secret } from '../../src/api/kubernetes.ts';
import { secrets } from '../../src/api/resources.ts';
import { createdByOf, fieldManagerOf } from '../../src/core/target/build-secret.ts';
import { dataHash } from '../../src/core/target/object-hash.ts';
import * as make from '../support/latchkey/manifests.ts';
import { startReconciling, type Reconciling } from '../support/latchkey/reconciling.ts';

const NAMESPACE = 'handover';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const ARGO = 'argocd.argoproj.io/tracking-id';
const LABELS = { team: 'payments' };
const ANNOTATIONS = { owner: 'payments', [LAST_APPLIED]: '{}', [ARGO]: 'shop:es' };

let world: Reconciling;

before(async () => {
  world = await startReconciling();
  await world.apply(make.namespace(NAMESPACE), make.fakeStore('store', NAMESPACE, { 'prod/db': 'value', more: 'm' }));
});

after(async () => {
  await world?.stop();
});

interface Metadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

function externalSecret(
  name: string,
  target: make.Manifest,
  data: Readonly<Record<string, string>> = { password: 'prod/db' },
  copied: Metadata = { labels: LABELS, annotations: ANNOTATIONS },
): make.Manifest {
  const { metadata, ...rest } = make.externalSecret({ name, namespace: NAMESPACE, data, spec: { target } });
  return { ...rest, metadata: { ...(metadata as object), ...copied } };
}

/** What upstream 2.9 puts on a Secret: everything of the ExternalSecret is copied when there is no template. */
async function asUpstream(name: string, target: make.Manifest, base: Partial<Secret> = {}): Promise<Secret> {
  const object = await world.externalSecret(NAMESPACE, name);
  const isOwner = target['creationPolicy'] === 'Owner';
  const template = target['template'] as { readonly type?: string; readonly metadata?: Metadata } | undefined;
  const copied = template === undefined ? object.metadata : (template.metadata ?? {});
  const data = { ...base.data, password: btoa('value') };
  const bytes = Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const);
  const owner = {
    ...{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name, uid: object.metadata.uid ?? '' },
    ...{ controller: true, blockOwnerDeletion: true },
  };
  return {
    ...{ apiVersion: 'v1', kind: 'Secret', type: template?.type ?? 'Opaque' },
    ...base,
    ...(target['immutable'] === true && { immutable: true }),
    metadata: {
      ...{ name, namespace: NAMESPACE },
      ...base.metadata,
      labels: {
        ...base.metadata?.labels,
        ...copied.labels,
        'reconcile.external-secrets.io/managed': 'true',
        ...(isOwner && { 'reconcile.external-secrets.io/created-by': createdByOf(object) }),
      },
      annotations: {
        ...base.metadata?.annotations,
        ...copied.annotations,
        'reconcile.external-secrets.io/data-hash': dataHash(bytes),
      },
      ...(isOwner && { ownerReferences: [owner, ...(base.metadata?.ownerReferences ?? [])] }),
    },
    data,
  };
}

const text = (secret: Secret | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(secret?.data ?? {}).map(([key, base64]) => [key, atob(base64)]));

async function secretOf(name: string): Promise<Secret> {
  const secret = await world.secret(NAMESPACE, name);
  assert.ok(secret, `there is no Secret ${name}`);
  return secret;
}

/** Somebody's Secret, that an ExternalSecret adds to. */
const somebodys = (name: string): Secret => ({
  ...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque' },
  metadata: { name, namespace: NAMESPACE, labels: { app: 'chart' }, annotations: { note: 'by chart' } },
  data: { other: btoa('1') },
});

const otherOwner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'watcher', uid: 'a-uid' };

describe('a Secret that External Secrets Operator has written', () => {
  const cases: readonly (readonly [string, string, make.Manifest, Partial<Secret>?])[] = [
    ['of policy Owner', 'owner', { creationPolicy: 'Owner' }],
    [
      'with another owner behind it',
      'owners',
      { creationPolicy: 'Owner' },
      { metadata: { name: 'owners', namespace: NAMESPACE, ownerReferences: [otherOwner] } },
    ],
    ['of policy Orphan', 'orphan', { creationPolicy: 'Orphan' }],
    ['of policy CreateOrMerge', 'create-or-merge', { creationPolicy: 'CreateOrMerge' }, somebodys('create-or-merge')],
    ['of policy Merge', 'merge', { creationPolicy: 'Merge' }, somebodys('merge')],
    ['that is immutable', 'immutable', { creationPolicy: 'Owner', immutable: true }],
    ['with an empty template', 'template', { creationPolicy: 'Owner', template: {} }],
    [
      'with a template of a type and labels',
      'typed',
      { creationPolicy: 'Owner', template: { type: 'example.com/kind', metadata: { labels: { from: 'template' } } } },
    ],
    ['with a name of 28 characters', 'n'.repeat(28), { creationPolicy: 'Owner' }],
    ['with a name of 70 characters', 'n'.repeat(70), { creationPolicy: 'Owner' }],
  ];
  for (const [what, name, target, base] of cases) {
    it(`${what} is taken over without a write`, async () => {
      await world.apply(externalSecret(name, target));
      const wanted = await asUpstream(name, target, base);
      // Whoever adds keys to a Secret is not the one who has made it.
      const { resourceVersion } = base?.data === undefined ? {} : (await world.write(somebodys(name), 'helm')).metadata;
      const metadata = { ...wanted.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
      await world.write({ ...wanted, metadata }, fieldManagerOf(name));
      const there = await secretOf(name);
      assert.equal(await world.sync(NAMESPACE, name), 'unchanged');
      assert.deepEqual(await secretOf(name), there);
      assert.equal(await world.status(NAMESPACE, name), 'True SecretSynced: secret synced');
    });
  }

  it('keeps the annotations of GitOps tools that only upstream copies, and none is copied anew', async () => {
    const name = 'copied';
    const gitOps = ({ metadata: { annotations = {} } }: Secret): readonly string[] =>
      [LAST_APPLIED, ARGO].filter((annotation) => Object.hasOwn(annotations, annotation));
    await world.apply(externalSecret(name, { creationPolicy: 'Owner' }));
    await world.write(await asUpstream(name, { creationPolicy: 'Owner' }), fieldManagerOf(name));
    await world.apply(externalSecret(name, { creationPolicy: 'Owner' }, { password: 'prod/db', more: 'more' }));
    assert.equal(await world.sync(NAMESPACE, name), 'updated');
    assert.deepEqual(gitOps(await secretOf(name)), [LAST_APPLIED, ARGO]);
    await world.cluster.delete(secrets, await secretOf(name), { signal: AbortSignal.timeout(5_000) });
    assert.equal(await world.sync(NAMESPACE, name), 'created');
    assert.deepEqual(gitOps(await secretOf(name)), []);
  });
});

describe('what an ExternalSecret no longer says', () => {
  for (const creationPolicy of ['Owner', 'Orphan', 'CreateOrMerge', 'Merge']) {
    for (const characters of [20, 28, 63, 100]) {
      it(`goes from the Secret: policy ${creationPolicy}, a name of ${characters} characters`, async () => {
        const name = creationPolicy.toLowerCase().padStart(characters, 'g');
        await world.write(somebodys(name), 'helm');
        const both = { password: 'prod/db', extra: 'more' };
        await world.apply(
          externalSecret(name, { creationPolicy }, both, {
            labels: { team: 'a', gone: 'x' },
            annotations: { note2: 'a', gone: 'x' },
          }),
        );
        assert.equal(await world.sync(NAMESPACE, name), 'updated');
        const isMerging = creationPolicy.endsWith('Merge');
        const kept = isMerging ? { other: '1' } : {};
        assert.deepEqual(text(await secretOf(name)), { password: 'value', extra: 'm', ...kept });
        await world.apply(
          externalSecret(
            name,
            { creationPolicy },
            { password: 'prod/db' },
            { labels: { team: 'a' }, annotations: { note2: 'a' } },
          ),
        );
        assert.equal(await world.sync(NAMESPACE, name), 'updated');
        const secret = await secretOf(name);
        assert.deepEqual(text(secret), { password: 'value', ...kept });
        const marks = (map: Readonly<Record<string, string>> = {}): object =>
          Object.fromEntries(Object.entries(map).filter(([key]) => !key.includes('/')));
        assert.deepEqual(marks(secret.metadata.labels), { app: 'chart', team: 'a' });
        assert.deepEqual(marks(secret.metadata.annotations), { note: 'by chart', note2: 'a' });
      });
    }
  }

  it('stays when somebody else has set it since', async () => {
    const name = 'taken-over';
    await world.write(somebodys(name), 'helm');
    const target = { creationPolicy: 'Merge' };
    await world.apply(externalSecret(name, target, { password: 'prod/db', extra: 'more' }, {}));
    await world.sync(NAMESPACE, name);
    const secret = await secretOf(name);
    await world.write({ ...secret, data: { ...secret.data, extra: btoa('theirs') } }, 'kubectl-edit');
    await world.apply(externalSecret(name, target, { password: 'prod/db' }, {}));
    await world.sync(NAMESPACE, name);
    assert.deepEqual(text(await secretOf(name)), { other: '1', password: 'value', extra: 'theirs' });
  });
});
