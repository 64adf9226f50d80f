import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { WorkQueue } from '../../../../src/controllers/work-queue.ts';
import { handClock } from '../stores/support/clock.ts';

function createQueue(mostKeys?: number) {
  const clock = handClock(0);
  const queue = new WorkQueue(clock, mostKeys);
  const takeAll = (): string[] => {
    const taken: string[] = [];
    for (let key = queue.take(); key !== undefined; key = queue.take()) {
      taken.push(key);
      queue.done(key);
    }
    return taken;
  };
  return { clock, queue, takeAll };
}

describe('a work queue', () => {
  it('hands out a key when its time has come', () => {
    const { clock, queue } = createQueue();
    queue.add('a', 10, 'timed');
    assert.equal(queue.take(), undefined);
    assert.equal(queue.nextAtMs(), 10);
    clock.advance(10);
    assert.equal(queue.take(), 'a');
    assert.equal(queue.size, 0);
  });

  it('holds a key once, at the earliest of its times', () => {
    const { clock, queue, takeAll } = createQueue();
    for (const atMs of [50, 20, 90]) queue.add('a', atMs, 'timed');
    clock.advance(20);
    assert.deepEqual(takeAll(), ['a']);
    clock.advance(100);
    assert.deepEqual(takeAll(), []);
  });

  it('puts first what a pod waits for, then what has changed', () => {
    const { queue, takeAll } = createQueue();
    queue.add('aged', 0, 'timed');
    queue.add('edited', 0, 'changed');
    queue.add('awaited', 0, 'waited-for');
    assert.deepEqual(takeAll(), ['awaited', 'edited', 'aged']);
  });

  it('moves a key up when somebody comes to wait for it', () => {
    const { queue, takeAll } = createQueue();
    queue.add('first', 0, 'timed');
    queue.add('second', 0, 'timed');
    assert.equal(queue.dueCount, 2);
    queue.add('second', 0, 'waited-for');
    assert.deepEqual(takeAll(), ['second', 'first']);
  });

  it('gives a key to one worker at a time, and again if it was added meanwhile', () => {
    const { queue } = createQueue();
    queue.add('a', 0, 'timed');
    assert.equal(queue.take(), 'a');
    queue.add('a', 0, 'timed');
    assert.equal(queue.take(), undefined);
    queue.done('a');
    assert.equal(queue.take(), 'a');
  });

  it('never hands out what is due at no time, or was removed', () => {
    const { clock, queue, takeAll } = createQueue();
    queue.add('never', Infinity, 'timed');
    queue.add('gone', 5, 'timed');
    queue.remove('gone');
    clock.advance(1_000);
    assert.deepEqual(takeAll(), []);
  });

  it('refuses more keys than it may hold, and says so', () => {
    const { queue } = createQueue(1);
    assert.equal(queue.add('a', 0, 'timed'), true);
    assert.equal(queue.add('b', 0, 'timed'), false);
    assert.equal(queue.add('a', 0, 'waited-for'), true);
  });

  it('hands out every key at its time, whatever is added, removed and taken in between', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      inMs: fc.nat(50),
      isRemoved: fc.boolean(),
      waitMs: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, queue, takeAll } = createQueue();
        const model = new Map<string, number>();
        for (const { key, inMs, isRemoved, waitMs } of steps) {
          if (isRemoved) {
            queue.remove(key);
            model.delete(key);
          } else {
            const atMs = clock.now() + inMs;
            queue.add(key, atMs, 'timed');
            model.set(key, Math.min(atMs, model.get(key) ?? Infinity));
          }
          clock.advance(waitMs);
          const due = [...model].filter(([, atMs]) => atMs <= clock.now()).map(([name]) => name);
          for (const name of due) model.delete(name);
          assert.deepEqual(takeAll().toSorted(), due.toSorted());
          assert.equal(queue.nextAtMs(), model.size === 0 ? undefined : Math.min(...model.values()));
        }
      }),
    );
  });

  it('keeps no more of what was replaced than a bounded rest', () => {
    const { clock, queue, takeAll } = createQueue();
    for (let round = 0; round < 10_000; round += 1) {
      queue.add('a', 1_000_000 + round, 'timed');
      queue.remove('a');
    }
    queue.add('a', 10, 'timed');
    assert.ok(queue.heapSize < 2_000, `${queue.heapSize} entries`);
    clock.advance(10);
    assert.deepEqual(takeAll(), ['a']);
  });
});
