/** Every case of test/fixtures/injection, through the webhook as it is wired in production and through `latchkey inject`. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { KubernetesObject, Pod } from '../../../../src/api/kubernetes.ts';
import { secrets } from '../../../../src/api/resources.ts';
import { needsOf } from '../../../../src/core/admission/needs.ts';
import { findReferences } from '../../../../src/core/admission/references.ts';
import type { Cluster } from '../../../../src/ports/cluster.ts';
import { toYamlDocuments } from '../../../support/latchkey/manifests.ts';
import { createTemporaryDirectory } from '../../../support/process/temporary-directory.ts';
import { documentsOf, latchkey } from '../cli/support.ts';
import {
  contextIn,
  getsOf,
  namespaceOf,
  needsOfPod,
  podOf,
  readThemes,
  shortened,
  volumesOf,
  type Case,
} from './cases.ts';
import { ask, operationsOf, patched, sentenceOf, wire } from './webhook.ts';

const themes = readThemes();

/** The pod without what the injection may add, to see that nothing else was touched. */
function rest(pod: Pod): unknown {
  const bare = (containers: readonly object[] | undefined) =>
    containers?.map((container) => ({ ...container, env: 0, envFrom: 0, volumeMounts: 0 }));
  const { annotations: _annotations, ...metadata } = pod.metadata;
  const { containers, initContainers, volumes: _volumes, ...spec } = pod.spec;
  return JSON.parse(
    JSON.stringify({ ...pod, metadata, spec: { ...spec, c: bare(containers), i: bare(initContainers) } }),
  );
}

/** The pod as the webhook leaves it. */
async function admittedBy(each: Case, namespace: string): Promise<Pod> {
  const wiring = await wire(namespace, each);
  const pod = podOf(each, namespace);
  const response = await ask(wiring, namespace, pod);
  await wiring.close();
  return patched(pod, operationsOf(response));
}

/** Places where a container may write. */
function writableMounts({ spec }: Pod): readonly string[] {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const mounts = containers.flatMap(({ name, volumeMounts = [] }) => volumeMounts.map((mount) => ({ name, mount })));
  return mounts
    .filter(({ mount }) => (mount as { readonly readOnly?: boolean }).readOnly !== true)
    .map(({ name, mount }) => `${name}:${mount.mountPath}`);
}

/** Every Secret that the pod needs is there, with the keys it needs; only `nowhere` is nobody's. */
async function assertMade(cluster: Cluster, namespace: string, pod: Pod): Promise<void> {
  for (const { secretName, keys } of needsOf(findReferences(pod)).filter((need) => need.secretName !== 'nowhere')) {
    const secret = await cluster.get(secrets, { namespace, name: secretName }, { signal: AbortSignal.timeout(5_000) });
    const missing = keys.filter((key) => !Object.hasOwn(secret?.data ?? {}, key));
    assert.deepEqual({ isMade: secret !== undefined, missing }, { isMade: true, missing: [] }, secretName);
  }
}

for (const { name: theme, cases } of themes) {
  describe(`a pod with ${theme}:`, () => {
    for (const [index, each] of cases.entries()) {
      it(each.case, async () => {
        const namespace = `${theme}-${index}`;
        const wiring = await wire(namespace, each);
        try {
          const pod = podOf(each, namespace);
          const response = await ask(wiring, namespace, pod);
          const warnings = (response.warnings ?? []).map((warning) => shortened(warning.replace(/^latchkey: /, '')));
          if (each.denied !== undefined) {
            const message = sentenceOf(response);
            assert.equal(response.allowed, false, 'it is denied');
            const expected = each.denied.replaceAll('~', namespace);
            assert.ok(shortened(message).endsWith(expected), `${message}\ndoes not end with\n${expected}`);
            assert.doesNotMatch(message, /not-a?-?real/);
            return;
          }
          assert.equal(response.allowed, true, response.status?.message);
          const operations = operationsOf(response);
          const admitted = patched(pod, operations);
          assert.deepEqual(getsOf(admitted), each.gets);
          assert.deepEqual(warnings, each.warns ?? []);
          assert.deepEqual(volumesOf(admitted), each.volumes ?? []);
          if (each.needs !== undefined) assert.deepEqual(needsOfPod(admitted).toSorted(), each.needs.toSorted());
          assert.deepEqual(rest(admitted), rest(pod), 'nothing else is touched');
          assert.doesNotMatch(JSON.stringify(response), /not-a-real/);
          assert.deepEqual(writableMounts(admitted), writableMounts(pod), 'what is mounted is mounted read-only');
          await assertMade(wiring.cluster, namespace, admitted);

          const again = await ask(wiring, namespace, admitted);
          assert.deepEqual(operationsOf(again), [], 'a second call has nothing to add');
        } finally {
          await wiring.close();
        }
      });
    }
  });
}

describe('a pod as large as can be', () => {
  const plain = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `A_${index}`, value: 'x' }));
  const asks = { case: '', pod: { latchkey_note: 'x'.repeat(3_000_000), 'latchkey.dev/env': 'TOKEN=api#token' } };

  it('of 3 MiB with 10 000 envs gets what it asks for, by one operation besides provenance', async () => {
    const each: Case = { ...asks, app: { env: plain(10_000) } };
    const wiring = await wire('large', each);
    const response = await ask(wiring, 'large', podOf(each, 'large'));
    assert.equal(response.allowed, true);
    const injected = operationsOf(response).filter(({ path }) => path.startsWith('/spec'));
    assert.deepEqual(
      injected.map(({ op, path }) => [op, path]),
      [['add', '/spec/containers/0/env/0']],
    );
    await wiring.close();
  });

  it('may name one secret inline as often as it likes, but no more than 64 different ones', async () => {
    const inline = (count: number, keyOf: (index: number) => string) =>
      Array.from({ length: count }, (_, index) => ({
        name: `A_${index}`,
        value: `latchkey://store/prod/${keyOf(index)}`,
      }));
    const wiring = await wire('many', { case: '' });
    const often = await ask(wiring, 'many', podOf({ case: '', app: { env: inline(10_000, () => 'token') } }, 'many'));
    assert.equal(often.allowed, true, often.status?.message);
    const different = await ask(wiring, 'many', podOf({ case: '', app: { env: inline(65, String) } }, 'many'));
    assert.match(sentenceOf(different), /65 different inline references, and 64 are allowed \[InvalidReference\]$/);
    await wiring.close();
  });
});

/** `latchkey check` names the same mistakes, and warns of the same, as admission does. */
async function assertCheckSays(
  cases: readonly Case[],
  namespaces: readonly string[],
  args: readonly string[],
): Promise<void> {
  const { stdout } = await latchkey(['check', '-o', 'json', ...args]);
  const { rows } = JSON.parse(stdout) as {
    rows: readonly { readonly workload: string; readonly result: string; readonly code?: string }[];
  };
  for (const [index, { case: what, denied, warns = [] }] of cases.entries()) {
    if (/\[(KeyMissing|SecretNotFound|PropertyNotFound)\]/.test(denied ?? '')) continue;
    const namespace = namespaces[index] ?? '';
    const said = rows
      .filter(({ workload }) => workload.startsWith(`Pod "${namespace}/`))
      .map(({ result, code }) => shortened(`${result}${code === undefined ? '' : ` [${code}]`}`));
    // What concerns one Secret has a row of its own, and names that stay out of env are known once the Secret is there.
    const notes = warns.filter((warning) => !/^Secret "|does not get/.test(warning));
    for (const sentence of [...(denied === undefined ? [] : [denied.replaceAll('~', namespace)]), ...notes]) {
      assert.ok(
        said.some((each) => each.endsWith(sentence)),
        `${what}: ${sentence}\nis not among\n${said.join('\n')}`,
      );
    }
  }
}

describe('latchkey inject', () => {
  let temporary: Awaited<ReturnType<typeof createTemporaryDirectory>>;
  before(async () => (temporary = await createTemporaryDirectory('fixtures')));
  after(() => temporary.remove());

  for (const { name: theme, cases } of themes) {
    it(`leaves the pods with ${theme} as admission does, and latchkey check says what admission says`, async () => {
      const [lookup, pods] = [join(temporary.path, theme, 'lookup'), join(temporary.path, theme, 'pods.yaml')];
      await mkdir(lookup, { recursive: true });
      const namespaces = cases.map((_, index) => `${theme}-${index}`);
      const found = cases.flatMap((each, index) => [
        namespaceOf(each, namespaces[index] ?? ''),
        ...contextIn(namespaces[index] ?? '').filter(({ kind }) => index === 0 || !kind.startsWith('Cluster')),
      ]);
      const asked = cases.map((each, index) => podOf(each, namespaces[index] ?? ''));
      await writeFile(join(lookup, 'context.yaml'), toYamlDocuments(...(found as never[])));
      await writeFile(pods, toYamlDocuments(...(asked as never[])));
      const { stdout, stderr } = await latchkey(['inject', '-f', pods, '--lookup', lookup]);
      const printed = documentsOf(stdout).filter(
        ({ kind }) => kind === 'Pod',
      ) as unknown as readonly (KubernetesObject & Pod)[];
      assert.equal(printed.length, cases.length, stderr);
      for (const [index, each] of cases.entries()) {
        // What only the backend can say is not asked offline.
        const isSettledOffline = !/\[(KeyMissing|SecretNotFound|PropertyNotFound)\]/.test(each.denied ?? '');
        const after = printed[index] ?? { metadata: {}, spec: {} };
        const expected = each.denied === undefined ? (each.offline ?? each.gets) : getsOf(asked[index] ?? after);
        if (!isSettledOffline) continue;
        assert.deepEqual(getsOf(after), expected, each.case);
        if (each.denied === undefined) {
          assert.deepEqual(volumesOf(after), each.volumes ?? [], each.case);
          if (each.offline === undefined) {
            assert.deepEqual(after.spec, (await admittedBy(each, namespaces[index] ?? '')).spec, each.case);
          }
        } else assert.ok(shortened(stderr).includes(each.denied.replaceAll('~', namespaces[index] ?? '')), each.case);
      }
      await assertCheckSays(cases, namespaces, ['-f', pods, '--lookup', lookup]);
    });
  }
});
