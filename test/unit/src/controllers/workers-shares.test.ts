import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemTimer } from '../../../../src/ports/timer.ts';
import { Workers } from '../../../../src/controllers/workers.ts';
import { handClock } from '../stores/support/clock.ts';
import { silentLogger } from '../stores/support/world.ts';

describe('workers', () => {
  it('leave others their share when all that one namespace has hangs', async () => {
    const begun: string[] = [];
    const stopping = new AbortController();
    const workers = new Workers({
      kind: 'ExternalSecret',
      concurrency: 8,
      work: async (key, signal) => {
        begun.push(key);
        if (key.startsWith('hanging/')) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      ...{ clock: handClock(), timer: systemTimer, logger: silentLogger },
    });
    workers.start(stopping.signal);
    for (let index = 0; index < 20; index += 1) workers.add(`hanging/es-${index}`, 0, 'changed');
    for (let index = 0; index < 20; index += 1) workers.add(`quiet/es-${index}`, 0, 'timed');
    for (let turn = 0; turn < 100; turn += 1) await nextTurn();
    stopping.abort();
    await workers.drained();
    assert.equal(begun.filter((key) => key.startsWith('hanging/')).length, 2);
    assert.equal(begun.filter((key) => key.startsWith('quiet/')).length, 20);
  });
});
