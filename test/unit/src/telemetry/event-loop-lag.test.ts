import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { watchEventLoopLag, type EventLoopLag } from '../../../../src/telemetry/event-loop-lag.ts';

const WINDOW_MS = 400;

function block(durationMs: number): void {
  const untilMs = performance.now() + durationMs;
  while (performance.now() < untilMs);
}

/** Waits until the lag is as wanted; a busy machine makes it larger, never smaller, and for a while only. */
async function until(
  lag: EventLoopLag,
  isWanted: (ms: number) => boolean,
  between: () => Promise<void>,
): Promise<void> {
  const giveUpAtMs = performance.now() + 20_000;
  while (!isWanted(lag.recentMs())) {
    assert.ok(performance.now() < giveUpAtMs, `the lag stays at ${lag.recentMs()} ms`);
    await between();
  }
}

describe('the lag of the event loop', () => {
  it('is that of a loop that is busy all the time, and goes away by itself', async () => {
    const watching = new AbortController();
    const lag = watchEventLoopLag(watching.signal, WINDOW_MS);
    await until(
      lag,
      (ms) => ms > 60,
      async () => {
        block(100);
        await sleep(0);
      },
    );
    await until(
      lag,
      (ms) => ms < 60,
      () => sleep(WINDOW_MS),
    );
    watching.abort();
  });

  it('does not come from one long pause', async () => {
    const watching = new AbortController();
    const lag = watchEventLoopLag(watching.signal, WINDOW_MS);
    const highest: number[] = [];
    await until(
      lag,
      (ms) => ms < 60,
      () => sleep(WINDOW_MS),
    );
    await sleep(WINDOW_MS / 4);
    block(WINDOW_MS / 4);
    for (let look = 0; look < 8; look += 1) {
      await sleep(WINDOW_MS / 8);
      highest.push(lag.recentMs());
    }
    watching.abort();
    assert.ok(Math.min(...highest) < WINDOW_MS / 4, highest.join());
  });
});
