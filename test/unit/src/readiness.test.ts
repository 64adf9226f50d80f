import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { notReadyBecause, type Condition } from '../../../src/readiness.ts';

const well: Condition = { isStopping: false, lagMs: 3, awaited: [] };

describe('a process', () => {
  const cases: Readonly<Record<string, readonly [Partial<Condition>, readonly string[]]>> = {
    'that has all its lists and keeps pace is ready': [{}, []],
    'that is a little late is ready': [{ lagMs: 250 }, []],
    'whose event loop lags is not, so that other replicas are asked': [
      { lagMs: 812.4 },
      ['the event loop lags by 812 ms'],
    ],
    'that is stopping is not': [{ isStopping: true }, ['it is stopping']],
    'that waits for a list is not, and says what to look at': [
      { awaited: ['SecretStore'] },
      ['no list of SecretStore yet (CRDs installed? rights given?)'],
    ],
    'says everything that is missing': [
      { isStopping: true, lagMs: 300, awaited: ['Secret', 'Namespace'] },
      [
        'it is stopping',
        'the event loop lags by 300 ms',
        'no list of Secret yet (CRDs installed? rights given?)',
        'no list of Namespace yet (CRDs installed? rights given?)',
      ],
    ],
  };
  for (const [what, [change, said]] of Object.entries(cases)) {
    it(what, () => assert.deepEqual(notReadyBecause({ ...well, ...change }), said));
  }
});
