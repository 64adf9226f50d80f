import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { EventSeries, type DueEvent, type Subject } from '../../../../src/events/event-series.ts';
import { handClock, type HandClock } from '../stores/support/clock.ts';

const MINUTE_MS = 60_000;
const web: Subject = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'uid-of-web' };
let clock: HandClock;
let series: EventSeries;

beforeEach(() => {
  clock = handClock();
  series = new EventSeries(clock, 'PodAdmitted');
});

const trouble = (reason = 'SecretNotFound', note = 'it is missing', subject = web): DueEvent | undefined =>
  series.trouble(subject, reason, note);
const success = (): DueEvent | undefined => series.success(web.uid, 'all is well');

describe('trouble with an object', () => {
  it('is worth an Event at once', () => {
    const { subject, type, reason, note, count } = trouble() ?? {};
    assert.deepEqual(
      { subject, type, reason, note, count },
      { subject: web, type: 'Warning', reason: 'SecretNotFound', note: 'it is missing', count: 1 },
    );
  });

  it('that goes on is counted, and written once in five minutes', () => {
    trouble();
    const written: DueEvent[] = [];
    for (let second = 1; second <= 601; second += 1) {
      clock.advance(1_000);
      const due = trouble();
      if (due !== undefined) written.push(due);
    }
    assert.deepEqual(
      written.map(({ count }) => count),
      [301, 601],
    );
    assert.equal(new Set(written.map(({ firstAtMs }) => firstAtMs)).size, 1, 'it is one series');
  });

  it('of another reason, or with another object, is another series', () => {
    trouble();
    assert.equal(trouble('StoreNotFound')?.count, 1);
    assert.equal(trouble('SecretNotFound', 'it is missing', { ...web, uid: 'other' })?.count, 1);
  });

  it('that is told in other words begins a new series, no sooner than five minutes later', () => {
    const first = trouble();
    assert.equal(trouble('SecretNotFound', 'another is missing'), undefined);
    clock.advance(5 * MINUTE_MS);
    const second = trouble('SecretNotFound', 'another is missing');
    assert.notEqual(second?.firstAtMs, first?.firstAtMs);
    assert.equal(second?.count, 1);
  });
});

describe('success', () => {
  it('is worth no word where there was no trouble', () => assert.equal(success(), undefined));

  it('clears trouble with one Normal Event', () => {
    trouble();
    assert.deepEqual([success()?.type, success()], ['Normal', undefined]);
  });

  it('that alternates with trouble writes no more than one of each in five minutes', () => {
    const written: string[] = [];
    for (let second = 0; second < 299; second += 1) {
      written.push(...[trouble(), success()].flatMap((due) => due?.type ?? []));
      clock.advance(1_000);
    }
    assert.deepEqual(written, ['Warning', 'Normal']);
  });

  it('is asked about only in namespaces that have trouble', () => {
    assert.equal(series.hasTrouble('shop'), false);
    trouble();
    assert.deepEqual([series.hasTrouble('shop'), series.hasTrouble('bank')], [true, false]);
    success();
    assert.equal(series.hasTrouble('shop'), false);
  });

  it('is no longer waited for once too many other objects had trouble since', () => {
    trouble();
    for (let other = 0; other < 50_000; other += 1) {
      series.trouble({ ...web, namespace: 'bank', uid: `uid-${other}` }, 'SecretNotFound', 'it is missing');
    }
    assert.equal(series.hasTrouble('shop'), false);
  });
});
