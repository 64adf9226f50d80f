import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type Entries, parseCertificateSet } from '../../../certs/certificate-set.ts';
import { issueInWorker } from '../../../certs/issue.ts';
import { newEntries } from '../../../certs/rotate.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';
import { deadline, names } from './support.ts';

describe('a stored set', () => {
  let good: Entries;
  let other: Entries;
  before(async () => {
    const maker = { issue: issueInWorker, names, nowMs: Date.now() };
    [good, other] = await Promise.all([newEntries(maker, deadline()), newEntries(maker, deadline())]);
  });

  const cases: readonly [name: string, change: (good: Entries, other: Entries) => Entries, message: RegExp][] = [
    ['without a certificate', (set) => ({ ...set, 'tls.crt': '' }), /tls\.crt is missing/],
    ['without a CA', (set) => ({ ...set, 'ca.crt': '' }), /ca\.crt is missing/],
    [
      'with a cut certificate',
      (set) => ({ ...set, 'tls.crt': set['tls.crt']?.slice(0, 99) ?? '' }),
      /tls\.crt is not a PEM/,
    ],
    ['with garbage for a CA', (set) => ({ ...set, 'ca.crt': 'garbage' }), /ca\.crt is not a PEM certificate/],
    [
      'with a cut key',
      (set) => ({ ...set, 'tls.key': set['tls.key']?.slice(0, 99) ?? '' }),
      /tls\.key is not a PEM private key/,
    ],
    [
      'with another leaf’s key',
      (set, o) => ({ ...set, 'tls.key': o['tls.key'] ?? '' }),
      /tls\.key does not belong to tls\.crt/,
    ],
    [
      'with another CA’s key',
      (set, o) => ({ ...set, 'ca.key': o['ca.key'] ?? '' }),
      /ca\.key does not belong to ca\.crt/,
    ],
    [
      'with another CA',
      (set, o) => ({ ...set, 'ca.crt': o['ca.crt'] ?? '', 'ca.key': o['ca.key'] ?? '' }),
      /not issued by/,
    ],
    ['with a next key but no next CA', (set, o) => ({ ...set, 'next-ca.key': o['ca.key'] ?? '' }), /ca\.crt is not/],
    ['with a short path', (set) => ({ ...set, path: 'abc' }), /path is not 64 hexadecimal digits/],
    ['without a version key', ({ 'version-key': _, ...set }) => set, /version-key is missing/],
    ['with a time that is none', (set) => ({ ...set, 'next-ca-published': 'soon' }), /next-ca-published is not a time/],
  ];
  for (const [name, change, message] of cases) {
    it(`${name} is refused without quoting it`, () => {
      assert.throws(
        () => parseCertificateSet(change(good, other)),
        (error) => {
          assert.ok(error instanceof LatchkeyError);
          assert.equal(error.code, 'InvalidData');
          assert.match(error.message, message);
          return !/BEGIN|abc|soon|garbage/.test(error.message);
        },
      );
    });
  }

  it('of three CAs is refused', () => {
    const bundle = [good, other, other].map((set) => set['ca.crt']).join('');
    assert.throws(() => parseCertificateSet({ ...good, 'ca.crt': bundle }), /more than two CAs/);
  });

  it('without the CA’s key is somebody else’s to renew', () => {
    const { 'ca.key': _, ...set } = good;
    assert.equal(parseCertificateSet(set).isRenewable, false);
    assert.equal(parseCertificateSet(good).isRenewable, true);
  });
});
