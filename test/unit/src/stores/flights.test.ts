import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { Flights } from '../../../../src/stores/flights.ts';
import { handClock } from './support/clock.ts';

/** Work that ends when the test says so, and remembers whether it was cancelled. */
function piece() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const state = { starts: 0, isCancelled: false };
  const work = (signal: AbortSignal): Promise<string> => {
    state.starts += 1;
    signal.addEventListener('abort', () => {
      state.isCancelled = true;
      reject(new LatchkeyError('BackendTimeout', 'cancelled'));
    });
    return promise;
  };
  return { state, work, land: resolve, crash: reject };
}

const patient = (): AbortSignal => new AbortController().signal;
const isTimeout = (error: unknown): boolean => error instanceof LatchkeyError && error.code === 'BackendTimeout';
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a flight', () => {
  const seat = { key: 'db', notBeforeMs: 0, mayOutliveWaiters: false };

  it('is shared by all who need the same', async () => {
    const flights = new Flights<string>(handClock());
    const { state, work, land } = piece();
    const all = [1, 2, 3].map(() => flights.join({ ...seat, signal: patient(), work }));
    land('value');
    assert.deepEqual(await Promise.all(all), ['value', 'value', 'value']);
    assert.equal(state.starts, 1);
  });

  it('does not serve whoever needs a later start', async () => {
    const clock = handClock();
    const flights = new Flights<string>(clock);
    const [first, second] = [piece(), piece()];
    const early = flights.join({ ...seat, signal: patient(), work: first.work });
    clock.advance(10);
    const late = flights.join({ ...seat, notBeforeMs: clock.now(), signal: patient(), work: second.work });
    first.land('older');
    second.land('newer');
    assert.deepEqual(await Promise.all([early, late]), ['older', 'newer']);
  });

  it('is over for one who gives up, and goes on for the others', async () => {
    const flights = new Flights<string>(handClock());
    const { state, work, land } = piece();
    const impatient = new AbortController();
    const leaving = flights.join({ ...seat, signal: impatient.signal, work });
    const staying = flights.join({ ...seat, signal: patient(), work });
    impatient.abort();
    await assert.rejects(leaving, isTimeout);
    assert.equal(state.isCancelled, false);
    land('value');
    assert.equal(await staying, 'value');
  });

  it('is cancelled when the last one leaves', async () => {
    const flights = new Flights<string>(handClock());
    const { state, work } = piece();
    const impatient = new AbortController();
    const leaving = flights.join({ ...seat, signal: impatient.signal, work });
    impatient.abort();
    await assert.rejects(leaving, isTimeout);
    assert.equal(state.isCancelled, true);
  });

  it('that may outlive its waiters lands for the one who comes back', async () => {
    const flights = new Flights<string>(handClock());
    const { state, work, land } = piece();
    const impatient = new AbortController();
    const leaving = flights.join({ ...seat, mayOutliveWaiters: true, signal: impatient.signal, work });
    impatient.abort();
    await assert.rejects(leaving, isTimeout);
    const back = flights.join({ ...seat, signal: patient(), work });
    land('value');
    assert.equal(await back, 'value');
    assert.deepEqual(state, { starts: 1, isCancelled: false });
  });

  it('goes on without waiters a hundred times at most', async () => {
    const flights = new Flights<string>(handClock());
    const pieces = Array.from({ length: 101 }, piece);
    await Promise.all(
      pieces.map(async ({ work }, index) => {
        const impatient = new AbortController();
        const leaving = flights.join({
          key: `${index}`,
          notBeforeMs: 0,
          mayOutliveWaiters: true,
          signal: impatient.signal,
          work,
        });
        impatient.abort();
        await assert.rejects(leaving, isTimeout);
      }),
    );
    assert.equal(pieces.filter(({ state }) => state.isCancelled).length, 1);
    for (const { land } of pieces) land('late');
  });

  it('gives back its place among the hundred when it lands', async () => {
    const flights = new Flights<string>(handClock());
    const abandon = async (key: string, { work }: ReturnType<typeof piece>): Promise<void> => {
      const impatient = new AbortController();
      const leaving = flights.join({ key, notBeforeMs: 0, mayOutliveWaiters: true, signal: impatient.signal, work });
      impatient.abort();
      await assert.rejects(leaving, isTimeout);
    };
    const pieces = Array.from({ length: 100 }, piece);
    await Promise.all(pieces.map((each, index) => abandon(`${index}`, each)));
    pieces[0]?.land('late');
    await turn();
    const next = piece();
    await abandon('next', next);
    assert.equal(next.state.isCancelled, false);
    for (const { land } of pieces) land('late');
    next.land('late');
  });

  it('whose place a later one has taken is cancelled when its last one leaves', async () => {
    const clock = handClock();
    const flights = new Flights<string>(clock);
    const [first, second] = [piece(), piece()];
    const impatient = new AbortController();
    const early = flights.join({ ...seat, mayOutliveWaiters: true, signal: impatient.signal, work: first.work });
    clock.advance(10);
    const late = flights.join({ ...seat, notBeforeMs: clock.now(), signal: patient(), work: second.work });
    impatient.abort();
    await assert.rejects(early, isTimeout);
    assert.deepEqual([first.state.isCancelled, second.state.isCancelled], [true, false]);
    second.land('newer');
    assert.equal(await late, 'newer');
  });

  it('that comes back for several times takes one place only', async () => {
    const flights = new Flights<string>(handClock());
    const one = piece();
    for (let round = 0; round < 150; round += 1) {
      const impatient = new AbortController();
      const leaving = flights.join({ ...seat, mayOutliveWaiters: true, signal: impatient.signal, work: one.work });
      impatient.abort();
      await assert.rejects(leaving, isTimeout);
    }
    assert.deepEqual(one.state, { starts: 1, isCancelled: false });
    one.land('late');
  });

  it('that crashes crashes for everyone on board, and the next caller starts anew', async () => {
    const flights = new Flights<string>(handClock());
    const first = piece();
    const all = [1, 2].map(() => flights.join({ ...seat, signal: patient(), work: first.work }));
    first.crash(new LatchkeyError('BackendUnavailable', 'down'));
    for (const each of all) await assert.rejects(each, /down/);
    const second = piece();
    second.land('value');
    assert.equal(await flights.join({ ...seat, signal: patient(), work: second.work }), 'value');
  });
});
