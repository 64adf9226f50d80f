/** A bounded rate of cold work for each namespace, alone and as pods meet it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { COLD_PACE, ColdPace } from '../../../../src/stores/cold-pace.ts';
import * as make from '../../../support/latchkey/manifests.ts';
import { handClock } from './support/clock.ts';
import { createWorld, verdictOf, type World } from './support/world.ts';

/** How many of so many pieces of work may be begun now. */
function begun(pace: ColdPace, namespace: string, count: number): number {
  let done = 0;
  for (let piece = 0; piece < count; piece += 1) {
    try {
      pace.begin(namespace);
      done += 1;
    } catch (error) {
      assert.ok(error instanceof LatchkeyError && error.code === 'Overloaded', String(error));
    }
  }
  return done;
}

describe('a namespace may begin', () => {
  const options = { perSecond: 10, atOnce: 20 };

  it('so much at once', () => assert.equal(begun(new ColdPace(options, handClock()), 'shop', 100), 20));

  it('so much a second from then on', () => {
    const clock = handClock();
    const pace = new ColdPace(options, clock);
    begun(pace, 'shop', 100);
    for (let second = 0; second < 5; second += 1) {
      clock.advance(1_000);
      assert.equal(begun(pace, 'shop', 100), 10);
    }
  });

  it('so much at once again after a pause, and no more, however long that was', () => {
    const clock = handClock();
    const pace = new ColdPace(options, clock);
    begun(pace, 'shop', 100);
    clock.advance(3_600_000);
    assert.equal(begun(pace, 'shop', 100), 20);
  });

  it('whatever others do', () => {
    const pace = new ColdPace(options, handClock());
    begun(pace, 'busy', 100);
    assert.equal(begun(pace, 'shop', 100), 20);
  });
});

describe('in a namespace that asks for more than it may', () => {
  const secret = (index: number): make.Manifest =>
    make.externalSecret({ name: `db-${index}`, namespace: 'shop', data: { password: `prod/${index}` } });
  const podOf = (name: string): make.Manifest => make.podWith('web', 'shop', name, ['password']);

  /** A world in which as much has been begun as may be at once. */
  async function exhausted(): Promise<World> {
    const world = await createWorld();
    for (let index = 0; index < COLD_PACE.atOnce; index += 1) {
      world.apply(secret(index));
      assert.equal(verdictOf(await world.review(podOf(`db-${index}`))), 'denied SecretNotFound');
    }
    return world;
  }

  it('a pod is refused at once, in words, and the backend is not asked', async () => {
    const world = await exhausted();
    world.apply(secret(COLD_PACE.atOnce));
    const asked = world.backend.asked.length;
    const { decision } = await world.review(podOf(`db-${COLD_PACE.atOnce}`));
    assert.match(
      decision.allowed ? '' : decision.message,
      /: namespace "shop" asks for more than 100 Secrets a second to be fetched or made \[Overloaded\]$/,
    );
    assert.equal(world.backend.asked.length, asked);
  });

  it('a pod is served a moment later', async () => {
    const world = await exhausted();
    world.apply(secret(COLD_PACE.atOnce));
    world.backend.values.set(`prod/${COLD_PACE.atOnce}`, 'not-real');
    world.clock.advance(10);
    assert.equal(verdictOf(await world.review(podOf(`db-${COLD_PACE.atOnce}`))), 'fresh');
  });

  it('pods that share a fetch count once', async () => {
    const world = await createWorld();
    world.apply(secret(0));
    world.backend.values.set('prod/0', 'not-real');
    const reviews = await Promise.all(Array.from({ length: COLD_PACE.atOnce * 2 }, () => world.review(podOf('db-0'))));
    assert.deepEqual([...new Set(reviews.map(verdictOf))], ['fresh']);
  });
});
