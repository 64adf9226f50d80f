/** Pods and objects made to break something: one sentence or a patch, and the next pod is served as if nothing had been. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { KubernetesObject, Pod } from '../../../../src/api/kubernetes.ts';
import { injectionOf } from '../../../../src/core/injection/annotations.ts';
import { injectPod } from '../../../../src/core/injection/inject-pod.ts';
import { generatedExternalSecret } from '../../../../src/core/inline/generated.ts';
import { documentsOf, latchkey } from '../cli/support.ts';
import { silentLogger } from '../stores/support/world.ts';
import { contextIn, podOf } from './cases.ts';
import { ask, operationsOf, patched, sentenceOf, wire } from './webhook.ts';

const NAMESPACE = 'shop';
const INLINE = [{ name: 'TOKEN', value: 'latchkey://store/prod/token' }];
const inlinePod = podOf({ case: '', app: { env: INLINE } }, NAMESPACE);
const plainPod = podOf({ case: '', pod: { 'latchkey.dev/env': 'USER=db#user' } }, NAMESPACE);

describe('an ExternalSecret that somebody made under the name of a generated one', () => {
  const storeUid = 'a0000000-0000-4000-8000-000000000000';
  const reference = {
    storeKind: 'SecretStore',
    storeName: 'store',
    key: 'prod/token',
    property: '',
    version: '',
  } as const;
  const ours = generatedExternalSecret(reference, storeUid, NAMESPACE);
  const { name } = ours.metadata;
  const [store] = contextIn(NAMESPACE).map((object) => ({
    ...object,
    metadata: { ...object.metadata, uid: storeUid },
  }));
  const data = (key: string) => [{ secretKey: 'value', remoteRef: { key } }];
  const without = { ...ours, metadata: { name, namespace: NAMESPACE } };
  const another = { ...ours.metadata, name: 'another', labels: {}, creationTimestamp: '2020-01-01T00:00:00Z' };
  const cases: Readonly<Record<string, readonly [object: KubernetesObject, sentence: RegExp | undefined]>> = {
    'the very same one is used': [ours, undefined],
    'the same with what a CRD fills in is used': [
      { ...ours, spec: { ...ours.spec, refreshPolicy: 'Periodic', refreshInterval: '1h0m0s' } } as KubernetesObject,
      undefined,
    ],
    'another key': [{ ...ours, spec: { ...ours.spec, data: data('prod/db') } } as KubernetesObject, /exists already/],
    'a key that the store does not allow': [
      { ...ours, spec: { ...ours.spec, data: data('dev/token') } } as KubernetesObject,
      /exists already/,
    ],
    'one key more': [
      {
        ...ours,
        spec: { ...ours.spec, data: [...data('prod/token'), { secretKey: 'b', remoteRef: { key: 'prod/db' } }] },
      } as KubernetesObject,
      /exists already/,
    ],
    'another target': [
      { ...ours, spec: { ...ours.spec, target: { name: 'db-credentials' } } } as KubernetesObject,
      /exists already/,
    ],
    'without our label': [without, /exists already/],
    'one that is being deleted': [
      { ...ours, metadata: { ...ours.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
      /is being deleted/,
    ],
    'an older one of another name that claims its Secret, which is ours to make all the same': [
      { ...ours, metadata: another, spec: { ...ours.spec, data: data('prod/db') } } as KubernetesObject,
      undefined,
    ],
  };
  for (const [what, [object, sentence]] of Object.entries(cases)) {
    it(what, async () => {
      const wiring = await wire(NAMESPACE, { case: '' }, { objects: [store as KubernetesObject, object] });
      const response = await ask(wiring, NAMESPACE, inlinePod);
      assert.equal(response.allowed, sentence === undefined, response.status?.message);
      if (sentence !== undefined) {
        assert.match(sentenceOf(response), sentence);
        assert.match(
          sentenceOf(response),
          new RegExp(
            `^latchkey: pod "shop/web": env TOKEN of container "app": ExternalSecret "${name}", .* \\[[A-Z]\\w+\\]$`,
          ),
        );
      }
      assert.equal((await ask(wiring, NAMESPACE, plainPod)).allowed, true, 'the next pod is served');
      await wiring.close();
    });
  }
});

describe('inline references', () => {
  it('that are the same in many places are one object, made by one call', async () => {
    const wiring = await wire(NAMESPACE, { case: '' });
    const env = Array.from({ length: 500 }, (_, index) => ({ ...INLINE[0], name: `A_${index}` }));
    assert.equal((await ask(wiring, NAMESPACE, podOf({ case: '', app: { env } }, NAMESPACE))).allowed, true);
    assert.equal(wiring.cluster.calls.filter((call) => call === 'create ExternalSecret').length, 1);
    await wiring.close();
  });
});

describe('a pod with very many entries', () => {
  const COUNT = 20_000;
  const items = Array.from({ length: 64 }, (_, index) => index);
  const asked = {
    'latchkey.dev/volumes': items.map((index) => `db=/injected/${index}`).join(','),
    'latchkey.dev/env': items.map((index) => `INJECTED_${index}=db#user`).join(','),
    'latchkey.dev/env-from': '[{externalSecret: db}, {externalSecret: db, prefix: A_}]',
  };

  for (const [list, field] of [
    ['env', 'name'],
    ['volumeMounts', 'mountPath'],
    ['volumeDevices', 'devicePath'],
  ] as const) {
    it(`has each of its ${list} read a few times, however many items there are`, async () => {
      let reads = 0;
      const entries = Array.from({ length: COUNT }, (_, index) =>
        Object.defineProperty({ name: `own-${index}` }, field, {
          enumerable: true,
          get() {
            reads += 1;
            return `/own/${index}`;
          },
        }),
      );
      const pod = { metadata: {}, spec: { containers: [{ name: 'app', [list]: entries }] } } as unknown as Pod;
      const injection = await injectionOf(asked, undefined, false);
      assert.ok(injection !== undefined);
      const keys = items.map((index) => `own-${index}`);
      injectPod(pod, injection, { targets: new Map([['db', 'db']]), keysOf: () => ['PATH', ...keys] });
      assert.ok(reads > 0 && reads <= 4 * COUNT, `${reads} reads of ${COUNT} entries`);
    });
  }
});

describe('a pod that no API server would send', () => {
  const problems: unknown[] = [];
  const logger = { ...silentLogger, error: (...all: readonly unknown[]) => void problems.push(all) };
  const annotations = {
    'latchkey.dev/env': 'TOKEN=api#token',
    'latchkey.dev/env-from': 'risky, db',
    'latchkey.dev/volumes': 'api=/etc/api, [',
    'externalsecrets.kubernetes-client.io/volumes': '[{name: creds, externalSecretName: db}]',
  };
  let wiring: Awaited<ReturnType<typeof wire>>;
  let admitted: Pod;
  before(async () => {
    wiring = await wire(NAMESPACE, { case: '' }, { logger });
    const spec = {
      initContainers: [{ name: 'init', env: [{ name: 'A', value: 'a' }] }],
      volumes: [
        { name: 'creds', emptyDir: {} },
        { name: 'p', projected: { sources: [{ secret: { name: 'api', items: [{ key: 'token', path: 'x' }] } }] } },
      ],
      imagePullSecrets: [{ name: 'api' }],
    };
    const app = {
      env: INLINE,
      envFrom: [{ configMapRef: { name: 'settings' } }],
      volumeMounts: [{ name: 'creds', mountPath: '/c' }],
    };
    const pod = podOf(
      { case: '', pod: { ...annotations, 'latchkey.dev/volumes': 'api=/etc/api' }, app, spec },
      NAMESPACE,
    );
    const response = await ask(wiring, NAMESPACE, pod);
    assert.equal(response.allowed, true, response.status?.message);
    admitted = patched(pod, operationsOf(response));
  });
  after(() => wiring.close());

  it('gets an answer for anything anywhere, and none is a bug of ours', async () => {
    const junk = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        0,
        true,
        '',
        'x',
        'latchkey://',
        'latchkey://store/prod/token',
        [],
        {},
        [null],
        [[]],
        [{}],
      ),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const paths = pathsOf(admitted);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...paths), junk), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const pod = JSON.parse(JSON.stringify(admitted)) as Pod;
          for (const [path, value] of changes) put(pod, path, structuredClone(value));
          const response = await ask(wiring, NAMESPACE, pod);
          assert.doesNotMatch(response.status?.message ?? '', /\[Internal\]/);
          assert.equal(problems.splice(0).length, 0, 'an error of ours was logged');
          if (response.allowed) patched(pod, operationsOf(response));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is printed by latchkey inject, and one that cannot be judged does not keep the others', async () => {
    const pods = [
      { ...plainPod, metadata: { ...plainPod.metadata, name: 5 }, spec: { containers: [{ name: 7 }, { image: 'x' }] } },
      { ...plainPod, spec: 'nonsense' },
      { ...plainPod, metadata: { ...plainPod.metadata, name: 'last' } },
    ];
    const input = [...contextIn(NAMESPACE), ...pods].map((object) => JSON.stringify(object)).join('\n---\n');
    const { exitCode, stdout, stderr } = await latchkey(['inject', '-f', '-'], { input });
    assert.equal(exitCode, 1);
    assert.match(stderr, /^latchkey: .*Pod "shop\/web" cannot be judged: it is no pod .*$/m);
    const printed = documentsOf(stdout).filter(({ kind }) => kind === 'Pod');
    const statuses = printed.map(
      ({ metadata }) =>
        (metadata as { annotations: Readonly<Record<string, string>> }).annotations['latchkey.dev/status'],
    );
    assert.deepEqual(statuses, ['fresh', undefined, 'fresh']);
  });
});

/** JSON pointers to everything in a value. */
function pathsOf(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [path];
  const children = Object.entries(value).flatMap(([key, child]) =>
    pathsOf(child, `${path}/${key.replaceAll('/', '~1')}`),
  );
  return path === '' ? children : [path, ...children];
}

/** Replaces what stands at a path; where nothing can stand there any more, nothing happens. */
function put(object: object, path: string, value: unknown): void {
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/'));
  const last = keys.pop() ?? '';
  let parent: unknown = object;
  for (const key of keys) parent = (parent as Record<string, unknown> | null | undefined)?.[key];
  if (typeof parent === 'object' && parent !== null) (parent as Record<string, unknown>)[last] = value;
}
