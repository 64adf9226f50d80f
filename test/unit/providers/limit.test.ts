import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { atMost } from '../../../providers/shared/limit.ts';

describe('work that is done at most so many at once', () => {
  it('keeps to the number, in order, whatever fails', async () => {
    const inTurn = atMost(3);
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    const work = async (index: number): Promise<number> => {
      begun.push(index);
      most = Math.max(most, (running += 1));
      await sleep(index % 4);
      running -= 1;
      if (index % 5 === 0) throw new Error(String(index));
      return index;
    };
    const indexes = Array.from({ length: 50 }, (_, index) => index);
    const results = await Promise.allSettled(indexes.map((index) => inTurn(() => work(index))));
    assert.equal(most, 3);
    assert.deepEqual(begun, indexes);
    assert.equal(results.filter(({ status }) => status === 'rejected').length, 10);
    assert.equal(await inTurn(async () => 'later'), 'later');
  });
});
