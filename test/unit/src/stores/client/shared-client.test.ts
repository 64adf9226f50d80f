import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { LatchkeyError, type ErrorCode } from '../../../../../src/core/errors.ts';
import { SecretValue } from '../../../../../src/core/secret-value.ts';
import type { DocumentResult, SecretsClient } from '../../../../../src/ports/provider.ts';
import { SharedClient } from '../../../../../src/stores/client/shared-client.ts';
import { FairSlots } from '../../../../../src/stores/fair-slots.ts';
import { Timeline } from '../support/timeline.ts';

/** How long the backend takes for each call, ms. */
const CALL_MS = 50;
const NEVER = new AbortController().signal;

/** One call that reached the backend. */
interface Call {
  readonly atMs: number;
  readonly keys: readonly string[];
  readonly signal: AbortSignal;
}

let time: Timeline;
let calls: Call[];
/** What the next calls fail with, in order; with none left they succeed. */
let failures: LatchkeyError[];

beforeEach(() => {
  time = new Timeline();
  calls = [];
  failures = [];
});

const refuse = (code: ErrorCode, retryAfterMs?: number): LatchkeyError =>
  new LatchkeyError(code, 'the test backend fails', retryAfterMs === undefined ? {} : { retryAfterMs });

async function call(keys: readonly string[], signal: AbortSignal): Promise<readonly DocumentResult[]> {
  calls.push({ atMs: time.now(), keys, signal });
  const failure = failures.shift();
  await time.pause(CALL_MS, signal);
  if (signal.aborted) throw refuse('BackendTimeout');
  if (failure !== undefined) throw failure;
  return keys.map((key) =>
    key.startsWith('absent') ? { error: refuse('SecretNotFound') } : { document: SecretValue.fromText(`of ${key}`) },
  );
}

const oneByOne: SecretsClient = {
  getSecret: async ({ key }, signal) => {
    const [result] = await call([key], signal);
    assert.ok(result);
    if ('error' in result) throw result.error;
    return result.document;
  },
  close: async () => undefined,
};

const inBatches: SecretsClient = {
  ...oneByOne,
  getSecret: async () => assert.fail('a batch was to be had'),
  getSecrets: (refs, signal) =>
    call(
      refs.map(({ key }) => key),
      signal,
    ),
};

const SLOTS = { slots: 8, slotsPerNamespace: 8, longestQueue: 100 };
const shared = (client: SecretsClient, slots = SLOTS, maxRetries = 3): SharedClient =>
  new SharedClient(client, {
    retryPolicy: { maxRetries, intervalMs: undefined },
    slots: new FairSlots(slots),
    namespace: 'shop',
    timing: time,
  });

/** Reads a document that became due now; its text, or the code of what went wrong. */
function read(client: SharedClient, key: string, signal = NEVER, dueMs = time.now()): Promise<string> {
  return client
    .forReadsDue(dueMs)
    .getSecret({ key }, signal)
    .then(
      (value) => value.reveal().toString(),
      (error: unknown) => (error instanceof LatchkeyError ? error.code : String(error)),
    );
}

const sent = (): readonly string[] => calls.map(({ atMs, keys }) => `${atMs}: ${keys.join(' ')}`);

describe('reads of a backend that answers many at once', () => {
  it('go out together when they come within a millisecond, whoever asks', async () => {
    const client = shared(inBatches);
    const all = Promise.all(['a', 'b', 'absent', 'c'].map((key) => read(client, key)));
    await time.advance(100);
    assert.deepEqual(await all, ['of a', 'of b', 'SecretNotFound', 'of c']);
    assert.deepEqual(sent(), ['1: a b absent c']);
  });

  it('wait no longer than two milliseconds when they come alone', async () => {
    const client = shared(inBatches);
    for (const key of ['a', 'b']) {
      const answer = read(client, key);
      await time.advance(200);
      assert.equal(await answer, `of ${key}`);
    }
    assert.ok((calls[0]?.atMs ?? 9) <= 2 && (calls[1]?.atMs ?? 999) <= 202, sent().join());
  });

  it('gather while another call is under way', async () => {
    const client = shared(inBatches);
    const answers = [read(client, 'a')];
    await time.advance(5);
    for (const key of ['b', 'c', 'd']) {
      answers.push(read(client, key));
      await time.advance(3);
    }
    await time.advance(100);
    assert.deepEqual(await Promise.all(answers), ['of a', 'of b', 'of c', 'of d']);
    assert.deepEqual(sent(), ['1: a', '15: b c d']);
  });

  it('gather while they wait for their turn', async () => {
    const client = shared(inBatches, { ...SLOTS, slotsPerNamespace: 1 });
    const answers = [read(client, 'a')];
    for (const key of ['b', 'c', 'd']) {
      await time.advance(12);
      answers.push(read(client, key));
    }
    await time.advance(200);
    assert.deepEqual(await Promise.all(answers), ['of a', 'of b', 'of c', 'of d']);
    assert.deepEqual(sent(), ['1: a', '51: b c d']);
  });

  it('all fail with a batch that is refused, each with its code', async () => {
    failures = [refuse('BackendPermissionDenied')];
    const client = shared(inBatches);
    const all = Promise.all(['a', 'b'].map((key) => read(client, key)));
    await time.advance(100);
    assert.deepEqual(await all, ['BackendPermissionDenied', 'BackendPermissionDenied']);
  });

  it('whose answer is missing are not taken for absent', async () => {
    const client = shared({ ...inBatches, getSecrets: async () => [] });
    const answer = read(client, 'a');
    await time.advance(100);
    assert.equal(await answer, 'BackendResponseInvalid');
  });
});

describe('reads of a backend that answers one at a time', () => {
  it('go out at once, so many at a time as the store may have', async () => {
    const client = shared(oneByOne, { ...SLOTS, slotsPerNamespace: 2 });
    const all = Promise.all(['a', 'b', 'c'].map((key) => read(client, key)));
    await time.advance(200);
    assert.deepEqual(await all, ['of a', 'of b', 'of c']);
    assert.deepEqual(sent(), ['0: a', '0: b', '50: c']);
  });

  it('are to be had through getSecrets, each error its own', async () => {
    const all = shared(oneByOne)
      .forReadsDue(0)
      .getSecrets?.(
        ['a', 'absent', 'b'].map((key) => ({ key })),
        NEVER,
      );
    await time.advance(100);
    const told = (await all)?.map((each) => ('error' in each ? each.error.code : each.document.reveal().toString()));
    assert.deepEqual(told, ['of a', 'SecretNotFound', 'of b']);
  });
});

for (const [which, client] of Object.entries({ inBatches, oneByOne })) {
  describe(`a document that several want, ${which}`, () => {
    it('is read once', async () => {
      const one = shared(client);
      const all = Promise.all([1, 2, 3].map(() => read(one, 'a')));
      await time.advance(100);
      assert.deepEqual(await all, ['of a', 'of a', 'of a']);
      assert.equal(calls.length, 1);
    });

    it('serves from a call under way whose read was due before the call began, and nobody else', async () => {
      const one = shared(client);
      const answers = [read(one, 'a')];
      await time.advance(20);
      answers.push(read(one, 'a', NEVER, 0));
      await time.advance(10);
      assert.equal(calls.length, 1);
      answers.push(read(one, 'a'));
      await time.advance(200);
      assert.deepEqual(await Promise.all(answers), ['of a', 'of a', 'of a']);
      assert.equal(calls.length, 2);
    });

    it('is not kept once it was answered', async () => {
      const one = shared(client);
      for (const round of [1, 2]) {
        const answer = read(one, 'a', NEVER, 0);
        await time.advance(100);
        await answer;
        assert.equal(calls.length, round);
      }
    });

    it('is over for one who gives up, and goes on for the others', async () => {
      const one = shared(client);
      const impatient = new AbortController();
      const [leaving, staying] = [read(one, 'a', impatient.signal), read(one, 'a')];
      await time.advance(20);
      impatient.abort();
      assert.equal(await leaving, 'BackendTimeout');
      assert.equal(calls[0]?.signal.aborted, false);
      await time.advance(100);
      assert.equal(await staying, 'of a');
    });

    it('is cancelled when the last one leaves', async () => {
      const one = shared(client);
      const impatient = new AbortController();
      const all = Promise.all([1, 2].map(() => read(one, 'a', impatient.signal)));
      await time.advance(20);
      impatient.abort();
      assert.deepEqual(await all, ['BackendTimeout', 'BackendTimeout']);
      assert.equal(calls[0]?.signal.aborted, true);
      await time.advance(1_000);
      assert.equal(calls.length, 1, 'nobody waits, so nothing is repeated');
    });

    it('is not asked for when everyone has left before the call, or had from the start', async () => {
      const one = shared(client, { ...SLOTS, slotsPerNamespace: 1 });
      const impatient = new AbortController();
      const first = read(one, 'first');
      const leaving = read(one, 'a', impatient.signal);
      if (which === 'oneByOne') await time.advance(20);
      impatient.abort();
      assert.deepEqual([await leaving, await read(one, 'b', impatient.signal)], ['BackendTimeout', 'BackendTimeout']);
      await time.advance(200);
      assert.deepEqual([await first, calls.flatMap(({ keys }) => keys)], ['of first', ['first']]);
    });
  });

  describe(`a call that fails, ${which}`, () => {
    it('is repeated three times, with twice the wait each time', async () => {
      failures = [1, 2, 3].map(() => refuse('BackendUnavailable'));
      const answer = read(shared(client), 'a');
      await time.advance(2_000);
      assert.equal(await answer, 'of a');
      const gapsMs = calls.slice(1).map(({ atMs }, index) => atMs - (calls[index]?.atMs ?? 0) - CALL_MS);
      const windowMs = which === 'inBatches' ? 1 : 0;
      assert.deepEqual(
        gapsMs,
        [100, 200, 400].map((ms) => ms + windowMs),
      );
    });

    it('in the end fails with the last error', async () => {
      failures = [1, 2, 3, 4].map(() => refuse('BackendUnavailable'));
      const answer = read(shared(client), 'a');
      await time.advance(2_000);
      assert.equal(await answer, 'BackendUnavailable');
      assert.equal(calls.length, 4);
    });

    for (const code of ['SecretNotFound', 'BackendAuthFailed', 'BackendPermissionDenied'] as const) {
      it(`with ${code} is not repeated`, async () => {
        failures = [refuse(code)];
        const answer = read(shared(client), 'a');
        await time.advance(2_000);
        assert.deepEqual([await answer, calls.length], [code, 1]);
      });
    }

    it('is repeated when the backend has asked for a moment, no sooner', async () => {
      failures = [refuse('BackendThrottled', 1_000)];
      const answer = read(shared(client), 'a');
      await time.advance(1_100);
      assert.equal(calls.length, 1);
      await time.advance(200);
      assert.equal(await answer, 'of a');
    });

    it('tells the one whose time runs out in between what had gone wrong', async () => {
      failures = [refuse('BackendUnavailable')];
      const impatient = new AbortController();
      const answer = read(shared(client), 'a', impatient.signal);
      await time.advance(100);
      impatient.abort();
      assert.equal(await answer, 'BackendUnavailable');
    });

    it('serves those who come before it is repeated', async () => {
      failures = [refuse('BackendUnavailable')];
      const one = shared(client);
      const first = read(one, 'a');
      await time.advance(100);
      const second = read(one, 'a');
      await time.advance(200);
      assert.deepEqual([await first, await second, calls.length], ['of a', 'of a', 2]);
    });
  });
}

describe('what failed together', () => {
  it('is asked for together again', async () => {
    failures = [refuse('BackendUnavailable')];
    const client = shared(inBatches);
    const all = Promise.all(['a', 'b', 'c'].map((key) => read(client, key)));
    await time.advance(500);
    assert.deepEqual(await all, ['of a', 'of b', 'of c']);
    assert.deepEqual(sent(), ['1: a b c', '152: a b c']);
  });
});

describe('everything else that a client can do', () => {
  it('is there where the provider has it, and only there', () => {
    const validate = async (): Promise<void> => undefined;
    const getMetadata = async (): Promise<SecretValue> => SecretValue.fromText('{}');
    const findSecrets = async (): Promise<ReadonlyMap<string, SecretValue>> => new Map();
    const names = (client: SecretsClient): readonly string[] => Object.keys(shared(client).forReadsDue(0)).toSorted();
    const always = ['close', 'getSecret', 'getSecrets'];
    assert.deepEqual(names(oneByOne), always);
    assert.deepEqual(
      names({ ...oneByOne, validate, getMetadata, findSecrets }),
      [...always, 'validate', 'getMetadata', 'findSecrets'].toSorted(),
    );
  });

  it('takes its turn and is repeated', async () => {
    failures = [refuse('BackendUnavailable')];
    const validate = async (signal: AbortSignal): Promise<void> => void (await call(['validate'], signal));
    const client = shared({ ...oneByOne, validate }, { ...SLOTS, slotsPerNamespace: 1 });
    const first = read(client, 'a');
    const validated = client.forReadsDue(0).validate?.(NEVER);
    await time.advance(500);
    await Promise.all([first, validated]);
    assert.deepEqual(
      calls.map(({ keys }) => keys[0]),
      ['a', 'validate', 'a'],
    );
  });
});

describe('too many reads', () => {
  it('are refused at once', async () => {
    const client = shared(oneByOne, { slots: 1, slotsPerNamespace: 1, longestQueue: 2 });
    const all = Promise.all(['a', 'b', 'c', 'd'].map((key) => read(client, key)));
    await time.advance(500);
    assert.deepEqual(await all, ['of a', 'of b', 'of c', 'Overloaded']);
  });
});
