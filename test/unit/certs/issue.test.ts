import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { issueInWorker } from '../../../certs/issue.ts';
import type { Issued, KeyAndCertificate } from '../../../certs/issuing.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';
import { runCommand } from '../../support/process/run-command.ts';
import { createTemporaryDirectory } from '../../support/process/temporary-directory.ts';
import { dayMs, deadline, hourMs, names } from './support.ts';

const startMs = Math.floor(Date.now() / 1000) * 1000;
const validity = { notBeforeMs: startMs - hourMs, notAfterMs: startMs + 30 * dayMs };

describe('issuing certificates', () => {
  let issued: Issued & { leaf: KeyAndCertificate };
  before(async () => {
    const { issuer, leaf } = await issueInWorker({ issuer: validity, leaf: { ...names, validity } }, deadline());
    assert.ok(leaf);
    issued = { issuer, leaf };
  });

  it('gives a leaf for every name and address asked for, and for no other', () => {
    const leaf = new X509Certificate(issued.leaf.certificatePem);
    assert.equal(leaf.checkHost('latchkey.latchkey-system.svc'), 'latchkey.latchkey-system.svc');
    assert.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1');
    assert.equal(leaf.checkIP('::1'), '::1');
    assert.equal(leaf.checkHost('latchkey'), undefined);
    assert.equal(leaf.ca, false);
  });

  it('keeps to the validity asked for', () => {
    for (const { certificatePem } of [issued.issuer, issued.leaf]) {
      const certificate = new X509Certificate(certificatePem);
      assert.equal(certificate.validFromDate.getTime(), validity.notBeforeMs);
      assert.equal(certificate.validToDate.getTime(), validity.notAfterMs);
    }
  });

  it('satisfies OpenSSL in strict mode as a server’s certificate', async () => {
    await using directory = await createTemporaryDirectory('issue');
    const file = (name: string): string => join(directory.path, name);
    await writeFile(file('ca'), issued.issuer.certificatePem);
    await writeFile(file('leaf'), issued.leaf.certificatePem);
    const verify = (...more: string[]) =>
      runCommand('openssl', ['verify', '-x509_strict', '-CAfile', file('ca'), ...more, file('leaf')], {
        timeoutMs: 10_000,
      });
    const good = await verify('-purpose', 'sslserver', '-verify_hostname', 'latchkey.latchkey-system.svc');
    assert.equal(good.exitCode, 0, good.stderr);
    assert.notEqual((await verify('-purpose', 'sslclient')).exitCode, 0);
    assert.notEqual((await verify('-purpose', 'sslserver', '-verify_hostname', 'elsewhere')).exitCode, 0);
  });

  it('issues under a CA that is handed in', async () => {
    const { issuer, leaf } = await issueInWorker({ issuer: issued.issuer, leaf: { ...names, validity } }, deadline());
    assert.deepEqual(issuer, issued.issuer);
    const ca = new X509Certificate(issuer.certificatePem);
    assert.ok(new X509Certificate(leaf?.certificatePem ?? '').verify(ca.publicKey));
  });

  it('makes only a CA when no leaf is asked for, with a name of its own', async () => {
    const other = await issueInWorker({ issuer: validity }, deadline());
    assert.equal(other.leaf, undefined);
    const subjects = [issued, other].map(({ issuer }) => new X509Certificate(issuer.certificatePem).subject);
    assert.notEqual(subjects[0], subjects[1]);
  });

  it('fails with our own sentence when the CA’s key is none', async () => {
    const issuer = { certificatePem: issued.issuer.certificatePem, privateKeyPem: 'a secret that is no key' };
    await assert.rejects(issueInWorker({ issuer, leaf: { ...names, validity } }, deadline()), (error) => {
      assert.ok(error instanceof LatchkeyError);
      assert.equal(error.code, 'Internal');
      return !error.message.includes('secret');
    });
  });

  it('stops when the signal aborts', async () => {
    const reason = new Error('stopping');
    const controller = new AbortController();
    const issuing = issueInWorker({ issuer: validity }, controller.signal);
    controller.abort(reason);
    await assert.rejects(issuing, reason);
  });
});
