/** What must hold for any pattern in which reads arrive and the backend fails; fast-check prints the seed of a failure. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatchkeyError } from '../../../../../src/core/errors.ts';
import { SecretValue } from '../../../../../src/core/secret-value.ts';
import type { DocumentResult, SecretsClient } from '../../../../../src/ports/provider.ts';
import { SharedClient } from '../../../../../src/stores/client/shared-client.ts';
import { FairSlots } from '../../../../../src/stores/fair-slots.ts';
import { Timeline } from '../support/timeline.ts';

const CALLS_AT_ONCE = 3;
const CALL_MS = 20;

const arrival = fc.record({
  /** After the one before. */
  afterMs: fc.nat(15),
  key: fc.constantFrom('a', 'b', 'c', 'd', 'absent'),
  /** How long ago the read became due. */
  dueSinceMs: fc.nat(30),
  /** How long the caller waits. */
  patienceMs: fc.option(fc.integer({ min: 1, max: 200 }), { nil: Infinity }),
});
type Arrival = typeof arrival extends fc.Arbitrary<infer T> ? T : never;

/** What came of one read: the key and the moment of the fetch that served it, or the code of its error. */
interface Outcome {
  readonly arrival: Arrival;
  readonly dueMs: number;
  readonly told: string;
}

async function run(arrivals: readonly Arrival[], fails: readonly boolean[], isBatched: boolean) {
  const time = new Timeline();
  const asked: (readonly string[])[] = [];
  let [underWay, mostUnderWay] = [0, 0];
  const call = async (keys: readonly string[], signal: AbortSignal): Promise<readonly DocumentResult[]> => {
    const startMs = time.now();
    const isFailing = fails[asked.length] === true;
    asked.push(keys);
    mostUnderWay = Math.max(mostUnderWay, (underWay += 1));
    await time.pause(CALL_MS, signal);
    underWay -= 1;
    if (signal.aborted) throw new LatchkeyError('BackendTimeout', 'cut off');
    if (isFailing) throw new LatchkeyError('BackendUnavailable', 'down');
    return keys.map((key) =>
      key === 'absent'
        ? { error: new LatchkeyError('SecretNotFound', key) }
        : { document: SecretValue.fromText(`${key}@${startMs}`) },
    );
  };
  const client: SecretsClient = {
    getSecret: async ({ key }, signal) => {
      const [result = { error: new LatchkeyError('Internal', 'nothing') }] = await call([key], signal);
      if ('error' in result) throw result.error;
      return result.document;
    },
    ...(isBatched && {
      getSecrets: (refs, signal) =>
        call(
          refs.map(({ key }) => key),
          signal,
        ),
    }),
    close: async () => undefined,
  };
  const shared = new SharedClient(client, {
    retryPolicy: { maxRetries: 3, intervalMs: undefined },
    slots: new FairSlots({ slots: CALLS_AT_ONCE, slotsPerNamespace: CALLS_AT_ONCE, longestQueue: 1_000 }),
    namespace: 'shop',
    timing: time,
  });
  const outcomes: Promise<Outcome>[] = [];
  for (const each of arrivals) {
    await time.advance(each.afterMs);
    const dueMs = time.now() - each.dueSinceMs;
    const patience = new AbortController();
    if (each.patienceMs < Infinity) {
      void time.pause(each.patienceMs, patience.signal).then(() => patience.abort());
    }
    const told = shared
      .forReadsDue(dueMs)
      .getSecret({ key: each.key }, patience.signal)
      .then(
        (value) => value.reveal().toString(),
        (error: unknown) => (error instanceof LatchkeyError ? error.code : String(error)),
      );
    outcomes.push(told.then((text) => ({ arrival: each, dueMs, told: text })));
  }
  await time.advance(10_000);
  return { outcomes: await Promise.all(outcomes), asked, mostUnderWay };
}

for (const isBatched of [true, false]) {
  describe(`for any arrival of reads ${isBatched ? 'in batches' : 'one by one'}`, () => {
    const arrivals = fc.array(arrival, { maxLength: 30 });

    it('each gets its own document or its own error, never a value fetched before the read was due', async () => {
      await fc.assert(
        fc.asyncProperty(arrivals, fc.array(fc.boolean(), { maxLength: 30 }), async (reads, fails) => {
          const { outcomes, asked, mostUnderWay } = await run(reads, fails, isBatched);
          for (const keys of asked) assert.equal(new Set(keys).size, keys.length);
          for (const {
            arrival: { key, patienceMs },
            dueMs,
            told,
          } of outcomes) {
            const [of, atMs] = told.split('@');
            if (atMs === undefined) {
              const possible = ['BackendUnavailable', key === 'absent' ? 'SecretNotFound' : 'BackendUnavailable'];
              if (patienceMs < Infinity) possible.push('BackendTimeout');
              assert.ok(possible.includes(told), told);
            } else {
              assert.equal(of, key);
              assert.ok(Number(atMs) >= dueMs, `fetched at ${atMs}, due at ${dueMs}`);
            }
          }
          assert.ok(mostUnderWay <= CALLS_AT_ONCE);
        }),
        { numRuns: 100 },
      );
    });

    it('nobody who waits is left without a document while the backend answers', async () => {
      await fc.assert(
        fc.asyncProperty(arrivals, async (reads) => {
          const { outcomes } = await run(reads, [], isBatched);
          const patient = outcomes.filter(({ arrival }) => arrival.patienceMs === Infinity);
          for (const { arrival, told } of patient) {
            assert.match(told, arrival.key === 'absent' ? /^SecretNotFound$/ : /@/);
          }
        }),
        { numRuns: 100 },
      );
    });

    it('no more is asked than wanted, and what comes together costs each document once', async () => {
      await fc.assert(
        fc.asyncProperty(arrivals, async (reads) => {
          const { asked } = await run(reads, [], isBatched);
          assert.ok(asked.flat().length <= reads.length);
          const together = reads.map((each) => ({ ...each, afterMs: 0, patienceMs: Infinity }));
          const { asked: once } = await run(together, [], isBatched);
          const distinct = new Set(reads.map(({ key }) => key)).size;
          assert.equal(once.length, isBatched ? Math.min(1, distinct) : distinct);
        }),
        { numRuns: 100 },
      );
    });
  });
}
