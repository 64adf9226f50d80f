/** What ephemeral containers get when they come to a running pod. Nothing else of it may change. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../../../src/api/kubernetes.ts';
import { secretVolume } from '../../../../src/core/injection/volumes.ts';
import { ask, operationsOf, patched, sentenceOf, wire } from './webhook.ts';

const TOKEN = { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'api', key: 'token' } } };
const INLINE = { name: 'TOKEN', value: 'latchkey://store/prod/token' };
const apiVolume = secretVolume(
  { externalSecret: 'api', items: undefined, defaultMode: 0o644, isOptional: false, mountPath: '/api', where: '' },
  'api',
);
const app = { name: 'app', image: 'registry.example/app:1', env: [TOKEN] };

interface Update {
  readonly what: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly volumes?: readonly object[];
  /** There before. */
  readonly old?: readonly object[];
  readonly added: readonly object[];
  /** Fields of the ephemeral containers afterwards, by name; those that are not named stay as they are. */
  readonly gets?: Readonly<Record<string, object>>;
  readonly warns?: readonly string[];
  readonly denied?: RegExp;
}

const named = (names: string, key = 'latchkey.dev/env', text = 'TOKEN=api#token') => ({
  [key]: text,
  'latchkey.dev/containers': names,
});

const updates: readonly Update[] = [
  { what: 'that asks for nothing gets nothing', added: [{ name: 'debug' }] },
  { what: 'with a reference of its own keeps it', added: [{ name: 'debug', env: [TOKEN] }] },
  {
    what: 'with an inline reference gets a reference to its Secret',
    added: [{ name: 'debug', env: [{ name: 'A', value: 'a' }, INLINE] }],
    gets: {
      debug: {
        env: [
          { name: 'A', value: 'a' },
          { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'latchkey-~', key: 'value' } } },
        ],
      },
    },
  },
  {
    what: 'with an inline reference that its store does not allow is denied',
    added: [{ name: 'debug', env: [{ name: 'TOKEN', value: 'latchkey://closed/prod/token' }] }],
    denied:
      /env TOKEN of ephemeral container "debug": SecretStore "closed" allows no inline references.*\[StoreForbidden\]$/,
  },
  {
    what: 'that is not named gets nothing from annotations',
    annotations: { 'latchkey.dev/env': 'TOKEN=api#token', 'latchkey.dev/env-from': 'db' },
    added: [{ name: 'debug' }],
  },
  {
    what: 'that is named gets what annotations ask for',
    annotations: named('debug'),
    added: [{ name: 'debug' }, { name: 'other' }],
    gets: { debug: { env: [TOKEN] } },
  },
  {
    what: 'that is there already is left alone',
    annotations: named('before, debug'),
    old: [{ name: 'before', env: [INLINE] }],
    added: [{ name: 'debug' }],
    gets: { debug: { env: [TOKEN] } },
  },
  {
    what: 'can mount nothing that the pod does not have',
    annotations: named('debug', 'latchkey.dev/volumes', 'api=/api'),
    added: [{ name: 'debug' }],
    denied:
      /item 1 cannot be mounted in ephemeral container "debug": a running pod gets no new volume \[InvalidAnnotation\]$/,
  },
  {
    what: 'can mount what the pod has',
    annotations: named('debug', 'latchkey.dev/volumes', 'api=/api'),
    volumes: [apiVolume],
    added: [{ name: 'debug' }],
    gets: { debug: { volumeMounts: [{ name: apiVolume.name, mountPath: '/api', readOnly: true }] } },
  },
  {
    what: 'leaves the volumes of the old annotation alone, whatever they have become',
    annotations: { 'externalsecrets.kubernetes-client.io/volumes': '[{name: gone, externalSecretName: db}]' },
    added: [{ name: 'debug' }],
  },
];

describe('an ephemeral container', () => {
  for (const { what, annotations = {}, volumes = [], old = [], added, gets = {}, warns = [], denied } of updates) {
    it(what, async () => {
      const wiring = await wire('running', { case: what });
      const podWith = (ephemeralContainers: readonly object[]): Pod =>
        ({
          metadata: { name: 'web', annotations: { 'latchkey.dev/status': 'fresh', ...annotations } },
          spec: { containers: [app], volumes, ephemeralContainers },
        }) as unknown as Pod;
      const pod = podWith([...old, ...added]);
      const response = await ask(wiring, 'running', pod, podWith(old));
      await wiring.close();
      if (denied !== undefined) {
        assert.match(sentenceOf(response), denied);
        return;
      }
      assert.equal(response.allowed, true, response.status?.message);
      assert.deepEqual(response.warnings ?? [], warns);
      const operations = operationsOf(response);
      assert.ok(operations.every(({ path }) => path.startsWith('/spec/ephemeralContainers/')));
      const expected = [...old, ...added].map((container) => ({
        ...container,
        ...gets[(container as { name: string }).name],
      }));
      const after = JSON.stringify(patched(pod, operations)).replaceAll(/latchkey-[a-z2-7]{26}\b/g, 'latchkey-~');
      assert.deepEqual(JSON.parse(after), JSON.parse(JSON.stringify(podWith(expected))));
      assert.deepEqual(operationsOf(await ask(wiring, 'running', patched(pod, operations), podWith(old))), []);
    });
  }
});
