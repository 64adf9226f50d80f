import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusalOf } from '../../../../src/cluster/kubernetes/api-refusal.ts';
import type { ErrorCode } from '../../../../src/core/errors.ts';

const WHAT = 'create Secret "shop/db"';
const SENTINEL = 'not-real-and-not-to-be-seen';

/** Messages as kube-apiserver 1.36 writes them. */
const cases: Readonly<
  Record<string, { status: number; message?: string; reason?: string; code: ErrorCode | undefined; says?: RegExp }>
> = {
  'a success': { status: 201, code: undefined },
  'an object that is not there': { status: 404, reason: 'NotFound', code: undefined },
  'a lost race': { status: 409, reason: 'Conflict', code: undefined },
  'an object that is not valid': { status: 422, reason: 'Invalid', code: undefined },
  'a lack of rights': {
    status: 403,
    reason: 'Forbidden',
    message: `secrets is forbidden: User "${SENTINEL}" cannot create resource "secrets" in API group "" in the namespace "shop"`,
    code: 'ClusterForbidden',
    says: /^the API server does not let Latchkey create Secret "shop\/db" \(403 Forbidden\)$/,
  },
  'a token that has expired': { status: 401, reason: 'Unauthorized', code: 'ClusterForbidden' },
  'a quota without room': {
    status: 403,
    reason: 'Forbidden',
    message:
      'secrets "db" is forbidden: exceeded quota: few, requested: count/secrets=1, used: count/secrets=2, limited: 2',
    code: 'QuotaExceeded',
    says: /^ResourceQuota "few" leaves no room to create Secret "shop\/db"$/,
  },
  'an owner whose kind the API server has not read yet': {
    status: 403,
    reason: 'Forbidden',
    message:
      'secrets "db" is forbidden: cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion external-secrets.io/v1 Kind ExternalSecret: no matches for kind "ExternalSecret" in version "external-secrets.io/v1"',
    code: 'ClusterUnavailable',
    says: /does not know the kind ExternalSecret yet, as for up to 30 s after it has started$/,
  },
  'too many requests': { status: 429, reason: 'TooManyRequests', code: 'ClusterUnavailable' },
  'a failure of its own': { status: 500, message: SENTINEL, code: 'ClusterUnavailable' },
  'an answer without a reason': { status: 503, code: 'ClusterUnavailable', says: /\(503\)$/ },
};

describe('an answer of the API server that is', () => {
  for (const [what, { status, code, says, ...body }] of Object.entries(cases)) {
    it(`${what} ${code === undefined ? 'is the caller’s to judge' : `says ${code}`}`, () => {
      const refusal = refusalOf({ status, body }, WHAT);
      assert.equal(refusal?.code, code);
      if (says !== undefined) assert.match(refusal?.message ?? '', says);
      assert.ok(!refusal?.message.includes(SENTINEL), 'the message quotes the API server');
    });
  }
});
