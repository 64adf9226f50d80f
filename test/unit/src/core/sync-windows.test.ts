import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mayRefresh, mayRefreshFrom } from '../../../../src/core/refresh/sync-windows.ts';

describe('a sync window', () => {
  // 1 January 2026 is a Thursday.
  const cases: readonly [schedule: string, duration: string, at: string, isOpen: boolean][] = [
    ['0 9 * * *', '8h', '2026-01-01T08:59:59.999Z', false],
    ['0 9 * * *', '8h', '2026-01-01T09:00:00Z', true],
    ['0 9 * * *', '8h', '2026-01-01T17:00:00Z', true],
    ['0 9 * * *', '8h', '2026-01-01T17:00:01Z', false],
    ['0 22 * * 1-5', '4h', '2026-01-02T01:00:00Z', true],
    ['0 22 * * MON-FRI', '4h', '2026-01-04T01:00:00Z', false],
    ['*/15 * * * *', '5m', '2026-01-01T10:50:00Z', true],
    ['*/15 * * * *', '5m', '2026-01-01T10:51:00Z', false],
    ['0 0 1,15 * *', '24h', '2026-01-15T23:00:00Z', true],
    ['0 0 ? * SUN', '24h', '2026-01-04T12:00:00Z', true],
    ['0 0 ? * SUN', '24h', '2026-01-02T12:00:00Z', false],
    // Day of month and day of week: either one will do.
    ['0 0 13 * 4', '1h', '2026-01-01T00:30:00Z', true],
    ['0 0 13 * 4', '1h', '2026-01-13T00:30:00Z', true],
    ['@daily', '1h', '2026-01-01T00:30:00Z', true],
    ['@midnight', '1h', '2026-01-01T01:30:00Z', false],
    ['@hourly', '10m', '2026-01-01T05:05:00Z', true],
    ['@weekly', '1h', '2026-01-04T00:30:00Z', true],
    ['@monthly', '1h', '2026-02-01T00:30:00Z', true],
    ['@yearly', '1h', '2026-02-01T00:30:00Z', false],
    ['@every 6h', '7h', '2026-01-01T05:05:00Z', true],
    ['@every 6h', '5h', '2026-01-01T05:05:00Z', false],
    ['no schedule at all', '1h', '2026-01-01T05:05:00Z', false],
    ['@every now', '1h', '2026-01-01T05:05:00Z', false],
    ['0 0 31 2 *', '1h', '2026-01-01T05:05:00Z', false],
    ['@hourly', 'an hour', '2026-01-01T05:05:00Z', false],
    ['@hourly', '-1h', '2026-01-01T05:05:00Z', false],
  ];
  for (const [schedule, duration, at, isOpen] of cases) {
    it(`of ${duration} from ${schedule} is ${isOpen ? 'open' : 'closed'} at ${at}`, () => {
      const windows = [{ schedule, duration }];
      const nowMs = Date.parse(at);
      assert.equal(mayRefresh({ kind: 'allow', windows }, nowMs), isOpen);
      assert.equal(mayRefresh({ kind: 'deny', windows }, nowMs), !isOpen);
    });
  }

  it('beside another is enough to allow, and enough to deny', () => {
    const windows = ['0 9 * * *', '0 22 * * *'].map((schedule) => ({ schedule, duration: '1h' }));
    const nowMs = Date.parse('2026-01-01T22:30:00Z');
    assert.equal(mayRefresh({ kind: 'allow', windows }, nowMs), true);
    assert.equal(mayRefresh({ kind: 'deny', windows }, nowMs), false);
  });
});

describe('the next moment at which a refresh may happen', () => {
  const from = Date.parse('2026-01-01T12:00:00Z');
  const next = (kind: 'allow' | 'deny', ...windows: readonly (readonly [string, string])[]): number =>
    mayRefreshFrom({ kind, windows: windows.map(([schedule, duration]) => ({ schedule, duration })) }, from);

  it('is at once while a window that allows it is open', () => assert.equal(next('allow', ['0 12 * * *', '1h']), from));
  it('is at once while none that denies it is open', () => assert.equal(next('deny', ['0 13 * * *', '1h']), from));
  it('is when the first of those that allow it opens', () => {
    assert.equal(next('allow', ['0 18 * * *', '1h'], ['0 14 * * *', '1h']), Date.parse('2026-01-01T14:00:00Z'));
  });
  it('is when the last of those that deny it has closed, however they overlap', () => {
    const until = Date.parse('2026-01-01T15:00:00Z') + 1;
    assert.equal(next('deny', ['0 12 * * *', '2h'], ['30 13 * * *', '90m'], ['0 18 * * *', '1h']), until);
  });
  it('never comes where no window can be read', () => assert.equal(next('allow', ['never', '1h']), Infinity));
  it('is found in bounded time where windows that deny it follow each other for ever', () => {
    assert.ok(next('deny', ['* * * * *', '24h']) > from);
  });
});

describe('many windows', () => {
  it('count up to the 32 that the CRD allows, however many a manifest has', () => {
    const never = { schedule: '0 0 30 2 *', duration: '1m' };
    const always = { schedule: '* * * * *', duration: '1h' };
    const nowMs = Date.parse('2026-01-01T12:00:00Z');
    const windows = (before: number) => [...Array.from({ length: before }, () => never), always];
    assert.equal(mayRefresh({ kind: 'allow', windows: windows(31) }, nowMs), true);
    assert.equal(mayRefresh({ kind: 'allow', windows: windows(32) }, nowMs), false);
  });

  it('of deny that never end have the search end, at a moment to ask again', () => {
    const fromMs = Date.parse('2026-01-01T12:00:00Z');
    const windows = [{ schedule: '* * * * *', duration: '2m' }];
    const atMs = mayRefreshFrom({ kind: 'deny', windows }, fromMs);
    assert.ok(atMs > fromMs && Number.isFinite(atMs));
  });
});
