import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PatchOperation } from '../../../../src/api/admission.ts';
import {
  allowed,
  asPod,
  decodeReview,
  denied,
  encodeReview,
  NotAnAdmissionReview,
} from '../../../../src/core/admission/review.ts';

const request = {
  uid: 'request-1',
  operation: 'CREATE',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
  namespace: 'shop',
  object: { metadata: {}, spec: {} },
};

function body(changes: object = {}, envelope: object = {}): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { ...request, ...changes },
    ...envelope,
  });
}

describe('a body', () => {
  it('that is an AdmissionReview gives its request as it was sent, unknown fields included', () => {
    const sent = {
      ...request,
      requestSubResource: 'x',
      object: { metadata: {}, spec: {}, later: [1, { deep: true }] },
    };
    assert.deepEqual(decodeReview(body(sent)), sent);
  });

  const bad: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    'that is empty': ['', /not JSON/],
    'that is cut': [body().slice(0, -1), /not JSON/],
    'that is YAML': ['apiVersion: admission.k8s.io/v1', /not JSON/],
    'that is a word': ['"planted-value"', /not a JSON object/],
    'that is null': ['null', /not a JSON object/],
    'that is a list': ['["planted-value"]', /not a JSON object/],
    'of another kind': [body({}, { kind: 'planted-value' }), /not an AdmissionReview of admission\.k8s\.io\/v1/],
    'of version v1beta1': [body({}, { apiVersion: 'admission.k8s.io/v1beta1' }), /admission\.k8s\.io\/v1$/],
    'without a request': [body({}, { request: undefined }), /has no request/],
    'whose request is null': [body({}, { request: null }), /has no request/],
    'whose request is a list': [body({}, { request: ['planted-value'] }), /has no request/],
    'without a uid': [body({ uid: undefined }), /request\.uid .* missing/],
    'with an empty uid': [body({ uid: '' }), /request\.uid .* missing/],
    'whose uid is a number': [body({ uid: 12 }), /request\.uid .* missing/],
    'without an operation': [body({ operation: undefined }), /request\.operation .* missing/],
    'whose operation is an object': [body({ operation: { a: 'planted-value' } }), /request\.operation .* missing/],
    'without a kind': [body({ kind: undefined }), /request\.kind or request\.resource .* missing/],
    'whose resource is a word': [body({ resource: 'planted-value' }), /request\.kind or request\.resource .* missing/],
  };
  for (const [name, [text, message]] of Object.entries(bad)) {
    it(`${name} is refused in one sentence that quotes nothing of it`, () => {
      assert.throws(
        () => decodeReview(text),
        (error) => {
          assert.ok(error instanceof NotAnAdmissionReview);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /planted|\n/);
          assert.equal(error.cause, undefined, 'the text of a parser hangs on to it');
          return true;
        },
      );
    });
  }

  it('of any text is an AdmissionReview or refused as none, and never ends otherwise', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.throws(() => decodeReview(text), NotAnAdmissionReview);
      }),
    );
  });
});

describe('an object', () => {
  const pods: Readonly<Record<string, unknown>> = {
    'with a name and a spec': { metadata: { name: 'web' }, spec: {} },
    'without a name, as controllers send it': { metadata: { generateName: 'web-' }, spec: { containers: [] } },
    'with annotations and labels': { metadata: { annotations: { a: 'b' }, labels: { c: 'd' } }, spec: {} },
    'whose annotations are null': { metadata: { annotations: null, labels: null }, spec: {} },
  };
  for (const [name, object] of Object.entries(pods)) {
    it(`${name} is taken for a pod, unchanged`, () => assert.equal(asPod(object), object));
  }

  const others: Readonly<Record<string, unknown>> = {
    'that is missing': undefined,
    'that is null': null,
    'that is text': 'pod',
    'that is a list': [{ metadata: {}, spec: {} }],
    'without a spec': { metadata: {} },
    'whose spec is a list': { metadata: {}, spec: [] },
    'without metadata': { spec: {} },
    'whose annotations are a list': { metadata: { annotations: ['a'] }, spec: {} },
    'with an annotation that is a number': { metadata: { annotations: { a: 1 } }, spec: {} },
    'with a label that is an object': { metadata: { labels: { a: {} } }, spec: {} },
  };
  for (const [name, object] of Object.entries(others)) {
    it(`${name} is no pod`, () => assert.equal(asPod(object), undefined));
  }
});

describe('an answer', () => {
  const patch: readonly PatchOperation[] = [
    { op: 'add', path: '/metadata/annotations', value: { 'latchkey.dev/status': 'fresh' } },
  ];

  it('that admits carries its patch in base64', () => {
    const answer = allowed('request-1', patch);
    assert.deepEqual(
      { ...answer, patch: JSON.parse(Buffer.from(answer.patch ?? '', 'base64').toString()) as unknown },
      { uid: 'request-1', allowed: true, patchType: 'JSONPatch', patch },
    );
  });

  it('that changes nothing has neither patch nor patchType', () => {
    assert.deepEqual(allowed('request-1', []), { uid: 'request-1', allowed: true });
  });

  it('that denies has code 403, the sentence and no patch', () => {
    assert.deepEqual(denied('request-1', 'because'), {
      uid: 'request-1',
      allowed: false,
      status: { code: 403, reason: 'Forbidden', message: 'because' },
    });
  });

  const notes = { warnings: ['mind the gap'], auditAnnotations: { status: 'stale' } };
  for (const [name, answer] of Object.entries({
    admits: allowed('request-1', [], notes),
    denies: denied('request-1', 'because', notes),
  })) {
    it(`that ${name} carries warnings and audit annotations`, () => {
      assert.deepEqual(answer.warnings, notes.warnings);
      assert.deepEqual(answer.auditAnnotations, notes.auditAnnotations);
    });
  }

  it('without anything to say leaves the fields for it out', () => {
    const empty = { warnings: [], auditAnnotations: {} };
    assert.deepEqual(Object.keys(allowed('request-1', [], empty)), ['uid', 'allowed']);
    assert.deepEqual(Object.keys(denied('request-1', 'because', empty)), ['uid', 'allowed', 'status']);
  });

  it('goes out as an AdmissionReview of v1', () => {
    const response = allowed('request-1', []);
    assert.deepEqual(encodeReview(response), { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
  });
});
