import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatDurationMs, parseDurationMs } from '../../../../src/core/duration.ts';

describe('a Go duration', () => {
  const good: Readonly<Record<string, number>> = {
    '0': 0,
    '-0': -0,
    '+0': 0,
    '0s': 0,
    '5s': 5_000,
    '+5s': 5_000,
    '-5s': -5_000,
    '1h0m0s': 3_600_000,
    '1.5h': 5_400_000,
    '1.s': 1_000,
    '.5s': 500,
    '-.5s': -500,
    '5.6s': 5_600,
    '30m': 1_800_000,
    '11ms': 11,
    '2us': 0.002,
    '2µs': 0.002,
    '2μs': 0.002,
    '13ns': 0.000013,
    '10.5s4m': 250_500,
    '-2m3.4s': -123_400,
    '1h1h': 7_200_000,
    '39h9m14.425s': 140_954_425,
    '876000h': 3_153_600_000_000,
  };
  for (const [text, wantMs] of Object.entries(good)) {
    it(`"${text}" is ${wantMs} ms`, () => {
      const parsedMs = parseDurationMs(text);
      assert.ok(parsedMs !== undefined && Math.abs(parsedMs - wantMs) < 1e-6, String(parsedMs));
    });
  }

  const bad = ['', '3', '-', '+', 's', '.', '-.', '.s', '+.s', '1d', '1w', '1H', '5 s', ' 5s', '5s ', '5s\n', '--5s'];
  const strange = ['1e3s', '0x1s', '1_000s', '1,5s', 'Infinity', 'NaN', '١s', '5s5', '1h-5m', '1..5s', '0.0', '00'];
  for (const text of [...bad, ...strange]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseDurationMs(text), undefined));
  }

  it('of more than a number holds is none', () => {
    assert.equal(parseDurationMs(`${'9'.repeat(400)}h`), undefined);
  });

  it('comes back from how Go prints it', () => {
    const wholeMs = fc.integer({ min: 0, max: 1_000_000_000_000 });
    fc.assert(fc.property(wholeMs, (ms) => assert.equal(parseDurationMs(goText(ms)), ms)));
  });

  it('with a minus is the same the other way', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (ms) => {
        assert.equal(parseDurationMs(`-${goText(ms)}`), -ms);
      }),
    );
  });

  it('is a finite number or none, whatever the text', () => {
    const pieces = fc.array(fc.constantFrom('1', '9', '0', '.', '-', '+', 'h', 'm', 's', 'ms', 'µs', ' ', 'e'));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((list) => list.join('')),
        ),
        (text) => {
          const parsedMs = parseDurationMs(text);
          assert.ok(parsedMs === undefined || Number.isFinite(parsedMs));
        },
      ),
    );
  });
});

describe('a text that is too long for a duration', () => {
  it('is none, and is not looked at', () => {
    assert.equal(parseDurationMs(`${'1'.repeat(63)}s`), Number('1'.repeat(63)) * 1_000);
    assert.equal(parseDurationMs(`${'1'.repeat(1_000_000)}s`), undefined);
  });
});

describe('a duration for people', () => {
  const cases: readonly [ms: number, text: string][] = [
    [0, '0ms'],
    [250, '250ms'],
    [1_000, '1s'],
    [61_000, '1m1s'],
    [5_400_000, '1h30m'],
    [3_600_000, '1h'],
    [90_061_000, '1d1h'],
    [86_405_000, '1d5s'],
    [-5, '-5ms'],
  ];
  for (const [ms, text] of cases) it(`of ${ms} ms is ${text}`, () => assert.equal(formatDurationMs(ms), text));

  it('has at most two units and none of them zero', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 10_000_000_000 }), (ms) => {
        assert.match(formatDurationMs(ms), /^([1-9]\d*[dhms]){1,2}$/);
      }),
    );
  });
});

/** `1h2m3.004s`, as Duration.String writes a whole number of milliseconds. */
function goText(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = Math.floor(ms / 1_000) % 60;
  const fraction = ms % 1_000 === 0 ? '' : `.${String(ms % 1_000).padStart(3, '0')}`;
  return `${hours}h${minutes}m${seconds}${fraction}s`;
}
