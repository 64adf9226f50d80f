import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { LatchkeyError, type ErrorCode } from '../../../../src/core/errors.ts';
import { CircuitBreakers } from '../../../../src/stores/circuit-breakers.ts';
import { handClock, type HandClock } from './support/clock.ts';
import { createWorld, database, makeFresh, pod, verdictOf } from './support/world.ts';

let clock: HandClock;
let breakers: CircuitBreakers;
let asked: number;

beforeEach(() => {
  clock = handClock();
  breakers = new CircuitBreakers(clock);
  asked = 0;
});

interface Answer {
  readonly takesMs?: number;
  readonly retryAfterMs?: number;
  readonly identity?: string;
}

/** One call that fails like this, or succeeds; what the caller sees. */
async function call(code: ErrorCode | 'success', { takesMs = 0, retryAfterMs, identity = 'store' }: Answer = {}) {
  const work = async (): Promise<string> => {
    asked += 1;
    clock.advance(takesMs);
    if (code === 'success') return 'success';
    throw new LatchkeyError(code, 'the test backend fails', retryAfterMs === undefined ? {} : { retryAfterMs });
  };
  return breakers.run(identity, work).catch((error: unknown) => (error as LatchkeyError).message);
}

async function fail(times: number, code: ErrorCode = 'BackendUnavailable', answer: Answer = {}): Promise<void> {
  for (let time = 0; time < times; time += 1) await call(code, answer);
}

describe('a backend that keeps failing', () => {
  it('is asked five times and then left alone, with the last failure as the answer', async () => {
    await fail(5);
    assert.equal(
      await call('success'),
      'it keeps failing and is asked again at most 30s later: the test backend fails',
    );
    assert.equal(asked, 5);
  });

  it('is asked by one caller after a pause, and by all once it answers', async () => {
    await fail(5);
    clock.advance(1_000);
    const probe = Promise.withResolvers<string>();
    const first = breakers.run('store', () => probe.promise);
    assert.match(await call('success'), /^it keeps failing/);
    probe.resolve('success');
    await first;
    assert.equal(await call('success'), 'success');
  });

  it('is left alone twice as long each time, up to half a minute', async () => {
    await fail(5);
    const pausesMs: number[] = [];
    for (let probes = 0; probes < 8; probes += 1) {
      const before = asked;
      const fromMs = clock.now();
      while (asked === before) {
        clock.advance(500);
        await call('BackendUnavailable');
      }
      pausesMs.push(clock.now() - fromMs);
    }
    assert.deepEqual(pausesMs, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('is left alone for as long as it asks for with Retry-After, after one failure', async () => {
    await call('BackendThrottled', { retryAfterMs: 7_000 });
    clock.advance(6_999);
    assert.match(await call('success'), /^it keeps failing/);
    clock.advance(1);
    assert.equal(await call('success'), 'success');
  });

  it('is never left alone for an hour because it says so', async () => {
    await call('BackendThrottled', { retryAfterMs: 3_600_000 });
    clock.advance(30_000);
    assert.equal(await call('success'), 'success');
  });

  it('is asked at once by another identity', async () => {
    await fail(5);
    assert.equal(await call('success', { identity: 'other' }), 'success');
  });

  it('is one that hangs, too, but not one whose callers leave early', async () => {
    await fail(20, 'BackendTimeout', { takesMs: 999 });
    assert.equal(asked, 20);
    await fail(20, 'BackendTimeout', { takesMs: 1_000 });
    assert.ok(asked < 40, `asked ${asked} times`);
  });

  it('is probed again by the next when the probe itself was cut short', async () => {
    await fail(5);
    clock.advance(1_000);
    await call('BackendTimeout', { takesMs: 10 });
    assert.equal(await call('success'), 'success');
  });

  for (const code of ['SecretNotFound', 'BackendAuthFailed', 'BackendPermissionDenied', 'PropertyNotFound'] as const) {
    it(`is alive as soon as it answers ${code}`, async () => {
      await fail(4);
      await call(code);
      await fail(4);
      assert.equal(await call('success'), 'success');
    });
  }

  it('is not acquitted by what goes wrong on our side', async () => {
    await fail(4);
    await call('CredentialsNotFound');
    await fail(1);
    assert.match(await call('success'), /^it keeps failing/);
  });
});

describe('pods of a store whose backend keeps failing', () => {
  it('start at once with the older value, and the backend is asked now and then only', async () => {
    const world = await createWorld();
    world.backend.values.set('prod/db', 'not-real-1');
    await makeFresh(world);
    world.backend.failure = 'BackendUnavailable';
    world.clock.advance(7_200_000);
    for (let pods = 0; pods < 100; pods += 1) assert.equal(verdictOf(await world.review(pod())), 'stale');
    assert.equal(world.backend.asked.length, 5);
    world.backend.failure = undefined;
    world.clock.advance(1_000);
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
  });
});

describe('pods that keep asking for what is missing', () => {
  const askMany = async (
    prepare: (world: Awaited<ReturnType<typeof createWorld>>) => void,
    keys?: readonly string[],
  ): Promise<{ readonly asked: number; readonly verdict: string }> => {
    const world = await createWorld();
    world.apply(database());
    prepare(world);
    let verdict = '';
    for (let pods = 0; pods < 50; pods += 1) {
      verdict = verdictOf(await world.review(pod({}, keys)));
      world.clock.advance(100);
    }
    return { asked: world.backend.asked.length, verdict };
  };

  it('cost one call in five seconds for a secret that does not exist', async () => {
    assert.deepEqual(await askMany(() => undefined), { asked: 1, verdict: 'denied SecretNotFound' });
  });

  it('cost one call in five seconds for a key that the ExternalSecret does not produce', async () => {
    const result = await askMany((world) => world.backend.values.set('prod/db', 'not-real'), ['nowhere']);
    assert.deepEqual(result, { asked: 1, verdict: 'denied KeyMissing' });
  });

  it('cost one call in half a minute for credentials that are refused', async () => {
    const result = await askMany((world) => (world.backend.failure = 'BackendAuthFailed'));
    assert.deepEqual(result, { asked: 1, verdict: 'denied BackendAuthFailed' });
  });

  it('are served by the first call after that, and at once when the ExternalSecret changes', async () => {
    const world = await createWorld();
    world.apply(database());
    await world.review(pod());
    world.backend.values.set('prod/db', 'not-real');
    assert.equal(verdictOf(await world.review(pod())), 'denied SecretNotFound');
    const { metadata, ...rest } = database();
    world.apply({ ...rest, metadata: { ...(metadata as object), annotations: { 'force-sync': '1' } } });
    assert.equal(verdictOf(await world.review(pod())), 'fresh');
  });
});
