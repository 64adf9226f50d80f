import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FairSlots } from '../../../../src/stores/fair-slots.ts';

const never = new AbortController().signal;

/** Starts pieces of work that end when told to, and keeps the order in which they began. */
function workshop(slots: FairSlots) {
  const began: string[] = [];
  const open: { readonly name: string; end(): void }[] = [];
  return {
    began,
    start(namespace: string, name = namespace, signal = never): Promise<void> {
      return slots.run(namespace, signal, () => {
        began.push(name);
        return new Promise<void>((resolve) => open.push({ name, end: resolve }));
      });
    },
    async end(name: string): Promise<void> {
      await new Promise(setImmediate);
      const index = open.findIndex((each) => each.name === name);
      assert.ok(index >= 0, `${name} has begun`);
      open.splice(index, 1)[0]?.end();
      await new Promise(setImmediate);
    },
  };
}

describe('the slots for fetching', () => {
  it('let a namespace have only its share, so that what hangs there leaves room for others', async () => {
    const { began, start } = workshop(new FairSlots({ slots: 4, slotsPerNamespace: 2, longestQueue: 10 }));
    for (let index = 0; index < 5; index += 1) void start('hanging', `hanging-${index}`);
    void start('other');
    await new Promise(setImmediate);
    assert.deepEqual(began, ['hanging-0', 'hanging-1', 'other']);
  });

  it('give a free slot to each namespace in turn, however long the queue of another is', async () => {
    const { began, start, end } = workshop(new FairSlots({ slots: 1, slotsPerNamespace: 1, longestQueue: 10 }));
    for (const name of ['a-1', 'a-2', 'a-3', 'b-1', 'b-2', 'c-1']) void start(name.slice(0, 1), name);
    for (const name of ['a-1', 'b-1', 'c-1', 'a-2', 'b-2']) await end(name);
    assert.deepEqual(began, ['a-1', 'b-1', 'c-1', 'a-2', 'b-2', 'a-3']);
  });

  it('refuse at once what would wait behind too many of its own namespace, and nobody else', async () => {
    const { start } = workshop(new FairSlots({ slots: 1, slotsPerNamespace: 1, longestQueue: 2 }));
    for (const name of ['busy-1', 'busy-2', 'busy-3']) void start('busy', name);
    await assert.rejects(
      start('busy', 'busy-4'),
      /namespace "busy" has more Secrets to be fetched than may be at once: 2 wait, and no more may/,
    );
    void start('calm');
  });

  it('forget who gives up waiting', async () => {
    const { began, start, end } = workshop(new FairSlots({ slots: 1, slotsPerNamespace: 1, longestQueue: 2 }));
    const giveUp = new AbortController();
    void start('a', 'first');
    const left = start('a', 'left', giveUp.signal);
    void start('a', 'second');
    giveUp.abort();
    await assert.rejects(left, /the turn of this one did not come in time/);
    await end('first');
    assert.deepEqual(began, ['first', 'second']);
  });

  it('free the slot of work that fails', async () => {
    const slots = new FairSlots({ slots: 1, slotsPerNamespace: 1, longestQueue: 2 });
    await assert.rejects(
      slots.run('a', never, () => Promise.reject(new Error('broken'))),
      /broken/,
    );
    assert.equal(await slots.run('a', never, async () => 'next'), 'next');
  });

  it('run everything that waits, never more at once than allowed', async () => {
    const jobs = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        jobs,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        async (names, all, each) => {
          const slots = new FairSlots({ slots: all, slotsPerNamespace: each, longestQueue: 100 });
          const running: string[] = [];
          const done = names.map((name) =>
            slots.run(name, never, async () => {
              running.push(name);
              assert.ok(running.length <= all);
              assert.ok(running.filter((other) => other === name).length <= each);
              await new Promise(setImmediate);
              running.splice(running.indexOf(name), 1);
            }),
          );
          await Promise.all(done);
        },
      ),
    );
  });
});
