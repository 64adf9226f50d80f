import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { nextPauseMs, startRepairLoop } from '../../../webhook-config/repair-loop.ts';

const pace = { firstMs: 500, longestMs: 300_000, idleMs: 600_000 };

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    mock.timers.tick(Math.min(left, 100));
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('the pause between repairs', () => {
  const minutesMs = (minutes: number): number => minutes * 60_000;
  const cases: readonly [name: string, repairs: readonly number[], pauseMs: number][] = [
    ['is short at first', [], 500],
    ['doubles', [minutesMs(99), minutesMs(99)], 2_000],
    ['has an end', Array.from({ length: 20 }, () => minutesMs(99)), 300_000],
    ['forgets what is half an hour old', [minutesMs(70), minutesMs(99)], 1_000],
  ];
  for (const [name, repairs, pauseMs] of cases) {
    it(name, () => assert.equal(nextPauseMs(repairs, minutesMs(100), pace), pauseMs));
  }
});

describe('the repair loop', () => {
  let controller: AbortController;
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    controller = new AbortController();
  });
  afterEach(() => {
    controller.abort();
    mock.timers.reset();
  });

  function start(outcome: () => 'intact' | 'repaired' | 'failed'): { looks: () => number; refresh: () => void } {
    let looks = 0;
    const loop = startRepairLoop(
      () => {
        looks++;
        return Promise.resolve(outcome());
      },
      pace,
      controller.signal,
    );
    return { looks: () => looks, refresh: () => loop.refresh() };
  }

  it('looks at once and then rarely', async () => {
    const { looks } = start(() => 'intact');
    await pass(599_000);
    assert.equal(looks(), 1);
    await pass(2_000);
    assert.equal(looks(), 2);
  });

  it('does not spin against a writer who never stops', async () => {
    const { looks, refresh } = start(() => 'repaired');
    for (let second = 0; second < 3_600; second++) {
      await pass(1_000);
      refresh();
    }
    assert.ok(looks() > 10 && looks() < 40, `${looks()} looks in an hour`);
  });

  it('tries again after a failure, ever later up to a minute', async () => {
    const { looks } = start(() => 'failed');
    await pass(10_000);
    const early = looks();
    assert.ok(early >= 3 && early <= 6, `${early} looks in ten seconds`);
    await pass(600_000);
    assert.ok(looks() - early >= 9 && looks() - early <= 14, `${looks() - early} looks in ten minutes`);
  });

  it('ends with its signal', async () => {
    const { looks, refresh } = start(() => 'intact');
    await pass(100);
    controller.abort();
    refresh();
    await pass(700_000);
    assert.equal(looks(), 1);
  });
});
