import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { splitPem } from '../../../certs/certificate-set.ts';
import type { RotatingCertificateSource } from '../../../certs/certificate-source.ts';
import { createSecretSource } from '../../../certs/secret-source.ts';
import type { ServingCredentials } from '../../../src/ports/certificate-source.ts';
import { waitUntil } from '../../support/process/wait-until.ts';
import { dayMs, deadline, handClock, type HandClock, names, recordingLogger } from './support.ts';
import { memorySecret, type MemorySecret } from './memory-secrets.ts';

const secret = { namespace: 'latchkey-system', name: 'latchkey-certificates' };
const yearMs = 365 * dayMs;

function replica(
  memory: MemorySecret,
  clock: HandClock = handClock(),
  logger = recordingLogger(),
): RotatingCertificateSource {
  return createSecretSource({ cluster: memory.cluster, secret, names, clock, logger, pollMs: 20 });
}

function isIssuedBy({ certificatePem }: ServingCredentials, caPem: string | undefined): boolean {
  return new X509Certificate(certificatePem).verify(new X509Certificate(caPem ?? '').publicKey);
}

describe('certificates in a Secret', () => {
  it('are the same for replicas that start at once', async () => {
    const memory = memorySecret();
    const loaded = await Promise.all(
      [replica(memory), replica(memory), replica(memory)].map((r) => r.load(deadline())),
    );
    assert.equal(new Set(loaded.map((credentials) => JSON.stringify(credentials))).size, 1);
    assert.equal(memory.current?.type, 'kubernetes.io/tls');
    assert.deepEqual(Object.keys(memory.current.data ?? {}).toSorted(), [
      'ca.crt',
      'ca.key',
      'path',
      'tls.crt',
      'tls.key',
      'version-key',
    ]);
  });

  it('fill a Secret that was made empty beforehand, and keep its labels', async () => {
    const memory = memorySecret();
    const metadata = { ...secret, labels: { chart: 'latchkey' }, resourceVersion: '7' };
    memory.current = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': '', 'tls.key': '' },
    };
    await replica(memory).load(deadline());
    assert.equal(memory.current.metadata.labels?.['chart'], 'latchkey');
    assert.notEqual(memory.current.data?.['tls.crt'], '');
  });

  it('are renewed at load by one of two replicas, and the other takes the same', async () => {
    const memory = memorySecret();
    const clock = handClock();
    const before = await replica(memory, clock).load(deadline());
    clock.set(clock.now() + 0.7 * yearMs);
    const [one, two] = await Promise.all([
      replica(memory, clock).load(deadline()),
      replica(memory, clock).load(deadline()),
    ]);
    assert.deepEqual(one, two);
    assert.notEqual(one?.certificatePem, before.certificatePem);
    assert.equal(one?.caBundlePem, before.caBundlePem);
  });

  it('come under a new CA only a minute after the API server was seen to trust it', async () => {
    const memory = memorySecret();
    const clock = handClock();
    const source = replica(memory, clock);
    const [oldCa] = splitPem((await source.load(deadline())).caBundlePem);
    clock.set(clock.now() + 7 * yearMs);
    const introduced = await source.load(deadline());
    const [, newCa] = splitPem(introduced.caBundlePem);
    assert.ok(newCa !== undefined && isIssuedBy(introduced, oldCa));

    clock.set(clock.now() + dayMs);
    await source.bundlePublished(oldCa ?? '', deadline());
    assert.ok(isIssuedBy(await source.load(deadline()), oldCa), 'a bundle without the new CA does not count');
    await source.bundlePublished(introduced.caBundlePem, deadline());
    clock.set(clock.now() + 59_999);
    await source.bundlePublished(introduced.caBundlePem, deadline());
    assert.ok(isIssuedBy(await source.load(deadline()), oldCa));
    clock.set(clock.now() + 1);
    const switched = await source.load(deadline());
    assert.ok(isIssuedBy(switched, newCa), 'and noting it again does not start the minute anew');
    assert.deepEqual(splitPem(switched.caBundlePem), [newCa, oldCa]);
  });

  it('are handed to a follower once each, and stay through an outage and a spoilt Secret', async () => {
    const memory = memorySecret();
    const clock = handClock();
    const logger = recordingLogger();
    const source = replica(memory, clock, logger);
    await source.load(deadline());
    const seen: ServingCredentials[] = [];
    const controller = new AbortController();
    source.follow((credentials) => seen.push(credentials), controller.signal);

    memory.isDown = true;
    await waitUntil(() => logger.lines.some((line) => line.includes('is away')), {
      what: 'a warning',
      timeoutMs: 5_000,
    });
    memory.isDown = false;
    const good = memory.current;
    assert.ok(good);
    memory.current = { ...good, data: { ...good.data, 'tls.key': Buffer.from('spoilt').toString('base64') } };
    await waitUntil(() => logger.lines.some((line) => line.includes('tls.key')), {
      what: 'a warning',
      timeoutMs: 5_000,
    });
    memory.current = good;
    assert.equal(seen.length, 0);

    clock.set(clock.now() + 0.7 * yearMs);
    await waitUntil(() => seen.length > 0, { what: 'the renewed set', timeoutMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    controller.abort();
    assert.equal(seen.length, 1);
    assert.doesNotMatch(logger.lines.join('\n'), /BEGIN|spoilt/);
  });

  it('reach the follower also when another part of the process loaded them first', async () => {
    const memory = memorySecret();
    const clock = handClock();
    const source = replica(memory, clock);
    await source.load(deadline());
    clock.set(clock.now() + 0.7 * yearMs);
    const renewed = await source.load(deadline());
    const seen: ServingCredentials[] = [];
    const controller = new AbortController();
    source.follow((credentials) => seen.push(credentials), controller.signal);
    await waitUntil(() => seen.length > 0, { what: 'the renewed set', timeoutMs: 5_000 });
    controller.abort();
    assert.deepEqual(seen, [renewed]);
  });

  it('that cannot be renewed are used as long as they are valid', async () => {
    const memory = memorySecret();
    const clock = handClock();
    const logger = recordingLogger();
    await replica(memory, clock).load(deadline());
    const failing = createSecretSource({
      cluster: memory.cluster,
      secret,
      names,
      clock,
      logger,
      issue: () => Promise.reject(new Error('no entropy')),
    });
    clock.set(clock.now() + 0.9 * yearMs);
    await failing.load(deadline());
    assert.match(logger.lines.join('\n'), /cannot be renewed yet/);
    clock.set(clock.now() + yearMs);
    await assert.rejects(failing.load(deadline()), /no entropy/);
  });
});
