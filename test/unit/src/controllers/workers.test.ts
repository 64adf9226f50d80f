import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Workers } from '../../../../src/controllers/workers.ts';
import { silentLogger } from '../stores/support/world.ts';
import { handTime } from './hand-timer.ts';

function createWorkers(concurrency: number, work: (key: string, signal: AbortSignal) => Promise<void>) {
  const { clock, timer, pass } = handTime();
  const workers = new Workers({ kind: 'Thing', concurrency, work, clock, timer, logger: silentLogger });
  const stopping = new AbortController();
  workers.start(stopping.signal);
  return { workers, clock, pass, stopping };
}

describe('workers', () => {
  it('work on a key when it is due', async () => {
    const worked: string[] = [];
    const { workers, clock, pass } = createWorkers(2, async (key) => void worked.push(`${key} at ${clock.now()}`));
    const startMs = clock.now();
    workers.add('a', startMs + 5_000, 'timed');
    await pass(4_999);
    assert.deepEqual(worked, []);
    await pass(60_000);
    assert.deepEqual(worked, [`a at ${startMs + 5_000}`]);
    assert.equal(workers.isIdle, true);
  });

  it('are never more than may be at once', async () => {
    let atOnce = 0;
    let most = 0;
    const { workers, clock, pass } = createWorkers(3, async () => {
      most = Math.max(most, (atOnce += 1));
      await Promise.resolve();
      atOnce -= 1;
    });
    for (let index = 0; index < 50; index += 1) workers.add(`key-${index}`, clock.now(), 'timed');
    await pass(0);
    await pass(0);
    assert.equal(most, 3);
  });

  it('go on after a key that fails', async () => {
    const worked: string[] = [];
    const { workers, clock, pass } = createWorkers(1, async (key) => {
      if (key === 'bad') throw new Error('a bug');
      worked.push(key);
    });
    workers.add('bad', clock.now(), 'timed');
    workers.add('good', clock.now(), 'timed');
    await pass(0);
    assert.deepEqual(worked, ['good']);
  });

  it('stop at once: nothing new is begun, what is under way is told, and what waits is forgotten', async () => {
    const begun: string[] = [];
    let told: boolean | undefined;
    const { workers, clock, pass, stopping } = createWorkers(1, async (key, signal) => {
      begun.push(key);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      told = signal.aborted;
    });
    workers.add('a', clock.now(), 'timed');
    workers.add('b', clock.now(), 'timed');
    await pass(0);
    stopping.abort();
    workers.add('c', clock.now(), 'waited-for');
    await pass(60_000);
    await workers.drained();
    assert.deepEqual({ begun, told, queued: workers.queued }, { begun: ['a'], told: true, queued: 0 });
  });
});
