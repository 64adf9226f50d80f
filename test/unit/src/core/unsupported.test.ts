import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, PodSpec } from '../../../../src/api/kubernetes.ts';
import { assertNothingUnsupported } from '../../../../src/core/admission/unsupported.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';

type Annotations = Readonly<Record<string, string>>;

function pod(annotations?: Annotations, spec: PodSpec = {}): Pod {
  return { metadata: annotations === undefined ? {} : { annotations }, spec };
}

function isUnsupported(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof LatchkeyError && error.code === 'Unsupported' && message.test(error.message);
}

describe('a pod that asks for what is not done yet', () => {
  const keys = [
    'latchkey.dev/env-from',
    'latchkey.dev/env',
    'latchkey.dev/volumes',
    'latchkey.dev/containers',
    'externalsecrets.kubernetes-client.io/volumes',
  ];
  for (const key of keys) {
    const message = new RegExp(`annotation ${key} is not supported yet`);
    it(`by ${key} is refused naming it`, () => {
      assert.throws(() => assertNothingUnsupported(pod({ [key]: 'planted-value' }), undefined), isUnsupported(message));
    });

    it(`by ${key} of its namespace is refused naming it`, () => {
      assert.throws(() => assertNothingUnsupported(pod(), { [key]: 'planted-value' }), isUnsupported(message));
    });
  }

  it('by nothing that can be read is let through: the API server judges what a pod may look like', () => {
    const spec = { containers: [null, { name: 'app', env: [null, { name: 'X', value: 3 }] }] } as unknown as PodSpec;
    assertNothingUnsupported(pod({}, spec), undefined);
  });

  const lists = ['initContainers', 'containers', 'ephemeralContainers'] as const;
  for (const list of lists) {
    for (const value of ['latchkey://store/planted-value', 'latchkey+cluster://store/planted-value']) {
      it(`by ${value.split('store')[0]} in ${list} is refused naming env and container, not the value`, () => {
        const spec = {
          [list]: [
            { name: 'side' },
            {
              name: 'app',
              env: [
                { name: 'PLAIN', value: 'x' },
                { name: 'DB', value },
              ],
            },
          ],
        };
        assert.throws(
          () => assertNothingUnsupported(pod({}, spec), undefined),
          (error) =>
            isUnsupported(/^env DB of container "app" is an inline reference/)(error) &&
            !(error as Error).message.includes('planted'),
        );
      });
    }
  }
});

describe('a pod that asks for nothing of the kind', () => {
  const cases: Readonly<Record<string, readonly [Pod, Annotations | undefined]>> = {
    'says nothing': [pod(), undefined],
    'has other annotations': [pod({ 'latchkey.dev/max-age': '5s', note: 'latchkey://x' }), { note: 'x' }],
    'has an empty annotation': [pod({ 'latchkey.dev/env': '' }), undefined],
    'lifts its namespace’s annotation by an empty one': [pod({ 'latchkey.dev/env': '' }), { 'latchkey.dev/env': 'x' }],
    'mentions the scheme later in a value': [
      pod({}, { containers: [{ name: 'app', env: [{ name: 'A', value: ' latchkey://store/key' }] }] }),
      undefined,
    ],
    'has env without a value': [
      pod({}, { containers: [{ name: 'app', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x' } } }] }] }),
      undefined,
    ],
  };
  for (const [name, [given, namespace]] of Object.entries(cases)) {
    it(`is left in peace when it ${name}`, () => assert.doesNotThrow(() => assertNothingUnsupported(given, namespace)));
  }
});
