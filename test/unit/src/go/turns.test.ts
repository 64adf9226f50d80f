import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turns } from '../../../../src/go/turns.ts';

/** Takes calls and lets each have the thread for as long as its namespace's calls take. */
function serve(turns: Turns<string>, count: number, costMs: Readonly<Record<string, number>>): readonly string[] {
  const order: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const call = turns.take();
    if (call === undefined) break;
    order.push(call);
    turns.charge(call, costMs[call] ?? 1);
  }
  return order;
}

describe('turns', () => {
  it('of one namespace are in order', () => {
    const turns = new Turns<number>();
    [1, 2, 3].forEach((call) => turns.add('a', call));
    assert.deepEqual([turns.take(), turns.take(), turns.take(), turns.take()], [1, 2, 3, undefined]);
    assert.ok(turns.isEmpty);
  });

  it('go by the time that a namespace has had', () => {
    const turns = new Turns<string>();
    for (let i = 0; i < 32; i += 1) turns.add('slow', 'slow');
    for (let i = 0; i < 20; i += 1) turns.add('quick', 'quick');
    const order = serve(turns, 22, { slow: 250, quick: 1 });
    // One slow call at most before all the quick ones, which take no longer than it together.
    assert.ok(order.lastIndexOf('quick') <= 20);
    assert.equal(order.filter((call) => call === 'quick').length, 20);
  });

  it('are not forgotten while a namespace waits for nothing', () => {
    const turns = new Turns<string>();
    turns.add('slow', 'slow');
    turns.add('quick', 'quick');
    serve(turns, 2, { slow: 250, quick: 1 });
    // It comes back at once, each time.
    const order: string[] = [];
    for (let i = 0; i < 10; i += 1) {
      turns.add('slow', 'slow');
      turns.add('quick', 'quick');
      order.push(...serve(turns, 1, { slow: 250, quick: 1 }));
    }
    assert.deepEqual([...new Set(order)], ['quick']);
  });

  it('starve nobody: who is behind gets its turn when the others have caught up', () => {
    const turns = new Turns<string>();
    for (let i = 0; i < 100; i += 1) turns.add('slow', 'slow');
    for (let i = 0; i < 100; i += 1) turns.add('quick', 'quick');
    const order = serve(turns, 60, { slow: 10, quick: 1 });
    const slow = order.filter((call) => call === 'slow').length;
    assert.ok(slow >= 4 && slow <= 7, `${slow} of 60`);
  });

  it('of who comes anew are level with the others: no credit for having been away', () => {
    const turns = new Turns<string>();
    for (let i = 0; i < 200; i += 1) turns.add('old', 'old');
    serve(turns, 100, { old: 10 });
    for (let i = 0; i < 100; i += 1) turns.add('new', 'new');
    const order = serve(turns, 20, { old: 10, new: 10 });
    assert.ok(order.filter((call) => call === 'old').length >= 9);
  });

  it('put back go before the others of their namespace, removed ones never come', () => {
    const turns = new Turns<string>();
    turns.add('a', 'second');
    turns.add('a', 'gone');
    turns.putBack('a', 'first');
    turns.remove('a', 'gone');
    turns.remove('b', 'never');
    assert.equal(turns.waitingIn('a'), 2);
    assert.deepEqual([turns.take(), turns.take(), turns.take()], ['first', 'second', undefined]);
  });

  it('are all given up at once', () => {
    const turns = new Turns<string>();
    turns.add('a', 'x');
    turns.add('b', 'y');
    assert.deepEqual(turns.drain(), ['x', 'y']);
    assert.equal(turns.take(), undefined);
  });
});
