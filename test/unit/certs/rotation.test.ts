import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { type CertificateSet, parseCertificateSet, servingCredentials } from '../../../certs/certificate-set.ts';
import { issueInWorker } from '../../../certs/issue.ts';
import { newEntries, rotatedEntries } from '../../../certs/rotate.ts';
import { nextStep, PUBLISHED_FOR_MS, type RotationStep, unitedNames } from '../../../certs/rotation.ts';
import { dayMs, deadline, hourMs, names } from './support.ts';

const startMs = Math.floor(Date.now() / 1000) * 1000;
const yearMs = 365 * dayMs;
const publishedMs = startMs + 8 * yearMs;

function rotate(set: CertificateSet, step: Exclude<RotationStep, 'none'>, nowMs: number): Promise<CertificateSet> {
  return rotatedEntries(set, step, { issue: issueInWorker, names, nowMs }, deadline()).then(parseCertificateSet);
}

describe('rotation of certificates', () => {
  const sets: Record<string, CertificateSet> = {};
  before(async () => {
    const entries = await newEntries({ issue: issueInWorker, names, nowMs: startMs }, deadline());
    const fresh = parseCertificateSet(entries);
    const introduced = await rotate(fresh, 'introduce-ca', publishedMs);
    const time = new Date(publishedMs).toISOString();
    const published = parseCertificateSet({ ...introduced.entries, 'next-ca-published': time });
    const { 'ca.key': _, ...withoutCaKey } = entries;
    Object.assign(sets, { fresh, introduced, published, foreign: parseCertificateSet(withoutCaKey) });
    Object.assign(sets, { switched: await rotate(published, 'switch-ca', publishedMs + PUBLISHED_FOR_MS) });
    // A leaf as long as its CA: nothing is gained by a new one.
    Object.assign(sets, { last: await rotate(fresh, 'renew-leaf', startMs + 9.5 * yearMs) });
  });

  const cases: readonly [set: string, when: string, nowMs: number, step: RotationStep][] = [
    ['fresh', 'at once', startMs, 'none'],
    ['fresh', 'with just over a third of the leaf left', startMs + (yearMs * 2) / 3 - hourMs, 'none'],
    ['fresh', 'with less than a third of the leaf left', startMs + (yearMs * 2) / 3 + hourMs, 'renew-leaf'],
    ['fresh', 'after the leaf’s end', startMs + 2 * yearMs, 'renew-leaf'],
    ['fresh', 'with less than a third of the CA left', startMs + 7 * yearMs, 'introduce-ca'],
    ['fresh', 'after the CA’s end', startMs + 10 * yearMs, 'replace'],
    ['introduced', 'not published, leaf long over', publishedMs, 'renew-leaf'],
    ['published', '1 ms before the minute is over', publishedMs + PUBLISHED_FOR_MS - 1, 'renew-leaf'],
    ['published', 'after a minute', publishedMs + PUBLISHED_FOR_MS, 'switch-ca'],
    ['switched', 'at once', publishedMs + PUBLISHED_FOR_MS, 'none'],
    ['last', 'with less than a third left', startMs + 9.9 * yearMs, 'introduce-ca'],
    ['foreign', 'after its end', startMs + 11 * yearMs, 'none'],
  ];
  for (const [name, when, nowMs, step] of cases) {
    it(`of a ${name} set ${when}: ${step}`, () => {
      const set = sets[name];
      assert.ok(set);
      assert.equal(nextStep(set, names, nowMs), step);
    });
  }

  it('renews a leaf that lacks a name, and keeps the names it has', async () => {
    const { fresh } = sets;
    assert.ok(fresh);
    const other = { dnsNames: ['other'], ipAddresses: ['10.0.0.1'] };
    assert.equal(nextStep(fresh, other, startMs), 'renew-leaf');
    assert.deepEqual(unitedNames(fresh.leaf, other), {
      dnsNames: ['other', 'latchkey.latchkey-system.svc'],
      ipAddresses: ['10.0.0.1', '127.0.0.1', '::1'],
    });
  });

  it('lets no leaf outlive its CA', () => {
    const { last } = sets;
    assert.equal(last?.leaf.validTo, last?.issuer.validTo);
  });

  it('carries path and version key through every step, and never more than two CAs', async () => {
    const { fresh, switched } = sets;
    assert.ok(fresh && switched);
    const replaced = await rotate(fresh, 'replace', startMs + 11 * yearMs);
    const renewed = await rotate(switched, 'renew-leaf', publishedMs + yearMs);
    for (const set of [...Object.values(sets), replaced, renewed]) {
      assert.equal(set.entries['path'], fresh.entries['path']);
      assert.equal(set.entries['version-key'], fresh.entries['version-key']);
      assert.ok(set.bundle.length <= 2);
    }
    assert.notEqual(replaced.bundle[0], fresh.bundle[0]);
    assert.equal(renewed.bundle.length, 1, 'the CA before is dropped with the next leaf');
  });

  it('serves the old leaf while a CA is introduced, and trusts both before and after the switch', () => {
    const { fresh, introduced, switched } = sets;
    assert.ok(fresh && introduced && switched);
    assert.equal(servingCredentials(introduced).certificatePem, servingCredentials(fresh).certificatePem);
    assert.deepEqual(switched.bundle, introduced.bundle.toReversed());
    const newCa = new X509Certificate(introduced.bundle[1] ?? '');
    assert.ok(switched.leaf.verify(newCa.publicKey));
    assert.equal(switched.hasNextCa, false);
  });
});
