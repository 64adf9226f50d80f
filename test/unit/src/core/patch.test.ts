import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import jsonPatch, { type Operation } from 'fast-json-patch';
import type { Pod } from '../../../../src/api/kubernetes.ts';
import { provenanceOperations, withProvenance } from '../../../../src/core/admission/patch.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9./-]{0,20}$/);
const annotations = fc.dictionary(name, fc.string(), { maxKeys: 5, noNullPrototype: true });
const unknown = fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4, noNullPrototype: true });

/** Pods with fields that nobody here knows, at every level. */
const pods: fc.Arbitrary<Pod> = fc
  .record({ annotations: fc.option(annotations, { nil: undefined }), meta: unknown, spec: unknown, top: unknown })
  .map(
    ({ annotations: given, meta, spec, top }) =>
      JSON.parse(
        JSON.stringify({
          ...top,
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { ...meta, name: 'web', ...(given === undefined ? {} : { annotations: given }) },
          spec: { ...spec, containers: [{ name: 'app', ...spec }] },
        }),
      ) as Pod,
  );
const versions = fc.dictionary(name, fc.stringMatching(/^[0-9a-f]{16}$/), { maxKeys: 5, noNullPrototype: true });

describe('the patch', () => {
  it('applied to the pod gives exactly the intended pod, unknown fields included', () => {
    fc.assert(
      fc.property(pods, versions, (pod, made) => {
        const wanted = withProvenance(pod, 'fresh', made);
        const patched: unknown = jsonPatch.applyPatch(
          structuredClone(pod),
          structuredClone(provenanceOperations(pod, wanted)) as Operation[],
          true,
        ).newDocument;
        assert.deepEqual(patched, JSON.parse(JSON.stringify(wanted)));
      }),
    );
  });

  it('is empty for a pod that Latchkey has already answered', () => {
    fc.assert(
      fc.property(pods, versions, (pod, made) => {
        const admitted = withProvenance(pod, 'fresh', made);
        assert.deepEqual(provenanceOperations(admitted, withProvenance(admitted, 'fresh', made)), []);
      }),
    );
  });

  it('touches annotations only and leaves the given pod as it was', () => {
    fc.assert(
      fc.property(pods, versions, (pod, made) => {
        const before = JSON.stringify(pod);
        const patch = provenanceOperations(pod, withProvenance(pod, 'pending', made));
        assert.ok(patch.every(({ path }) => path.startsWith('/metadata/annotations')));
        assert.equal(JSON.stringify(pod), before);
      }),
    );
  });

  it('never trusts provenance that came with the pod', () => {
    const pod: Pod = {
      metadata: {
        name: 'web',
        annotations: { 'latchkey.dev/status': 'fresh', 'latchkey.dev/secrets': '{"db":"forged"}' },
      },
      spec: {},
    };
    assert.deepEqual(withProvenance(pod, 'no-references', {}).metadata.annotations, {
      'latchkey.dev/status': 'no-references',
    });
  });

  it('cuts provenance of very many ExternalSecrets and says so', () => {
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`es-${index}`, '0'.repeat(16)]));
    const text =
      withProvenance({ metadata: {}, spec: {} }, 'fresh', many).metadata.annotations?.['latchkey.dev/secrets'] ?? '';
    assert.ok(text.length <= 16_384);
    assert.match((JSON.parse(text) as Record<string, string>)['…'] ?? '', /^\d+ more$/);
  });
});
