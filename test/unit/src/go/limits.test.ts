import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';
import type { GoLibraries } from '../../../../src/ports/go-libraries.ts';
import { runCommand } from '../../../support/process/run-command.ts';
import { SentinelCollector } from '../../../support/sentinel/sentinel.ts';
import { bottomless, endless, memoryBomb, overlong } from './hostile-calls.ts';

const MiB = 1_048_576;
const signal = AbortSignal.timeout(120_000);
const libraries = createGoLibraries();
after(() => libraries.close());

const good = async (given: GoLibraries = libraries): Promise<string | undefined> => {
  const document = SecretValue.fromText('{"a":{"b":"fake"}}');
  const [value] = await given.jsonPaths([{ document, paths: ['a.b'] }], signal);
  return value?.reveal().toString('utf8');
};

async function failure(call: Promise<unknown>): Promise<LatchkeyError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof LatchkeyError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'the call succeeded' });
}

describe('a call that goes too far', () => {
  const cases = {
    'in time': [endless, 'InvalidExternalSecret', 'matching the regular expression takes more than 250 ms'],
    'in memory': [
      memoryBomb,
      'InvalidExternalSecret',
      'replacing by the regular expression takes more memory than is allowed',
    ],
    'in depth': [bottomless, 'InvalidData', 'reading properties makes the Go library for it fail'],
    'in what comes out': [overlong, 'InvalidExternalSecret', 'what comes out is larger than 8 MiB'],
  } as const;
  for (const [how, [hostile, code, message]] of Object.entries(cases)) {
    it(`${how} fails, and the next one succeeds`, async () => {
      // On a busy machine any of them may run out of time first.
      await using given = disposable(createGoLibraries(hostile === endless ? {} : { timeLimitMs: 10_000 }));
      const error = await failure(hostile(given.libraries, signal));
      assert.deepEqual({ code: error.code, message: error.message }, { code, message });
      assert.equal(await good(given.libraries), 'fake');
    });
  }

  it('takes none of those beside it along, before or behind', async () => {
    const hostile = [endless, memoryBomb, bottomless];
    const calls = Array.from({ length: 40 }, (_, i) => {
      const bad = i % 10 === 5 ? hostile[(i - 5) / 10] : undefined;
      return bad === undefined ? good() : failure(bad(libraries, signal)).then(({ code }) => code);
    });
    const want = Array.from({ length: 40 }, () => 'fake');
    [want[5], want[15], want[25]] = ['InvalidExternalSecret', 'InvalidExternalSecret', 'InvalidData'];
    assert.deepEqual(await Promise.all(calls), want);
  });

  it('leaves this thread free', async () => {
    const call = failure(endless(libraries, signal));
    let longestMs = 0;
    for (let i = 0, beforeMs = performance.now(); i < 20; i += 1) {
      await sleep(10);
      longestMs = Math.max(longestMs, performance.now() - beforeMs);
      beforeMs = performance.now();
    }
    await call;
    assert.ok(longestMs < 200, `a pause of 10 ms took ${longestMs} ms`);
  });

  it('a hundred times over leaves the memory as it was', async () => {
    await using hasty = disposable(createGoLibraries({ timeLimitMs: 100 }));
    const hostile = [endless, memoryBomb, bottomless, endless];
    const round = async (): Promise<void> => {
      for (const call of hostile) await failure(call(hasty.libraries, signal));
      assert.equal(await good(hasty.libraries), 'fake');
    };
    for (let i = 0; i < 3; i += 1) await round();
    const beforeBytes = process.memoryUsage.rss();
    for (let i = 0; i < 25; i += 1) await round();
    const grownMiB = (process.memoryUsage.rss() - beforeBytes) / MiB;
    assert.ok(grownMiB < 64, `it has grown by ${grownMiB.toFixed()} MiB`);
  });

  it('says nothing of what it was given', async () => {
    const sentinel = new SentinelCollector();
    const secret = sentinel.mint();
    const yaml = (text: string): Promise<unknown> => libraries.yamlMap(SecretValue.fromText(text), signal);
    const calls = [
      endless(libraries, signal, secret),
      memoryBomb(libraries, signal, secret),
      bottomless(libraries, signal, secret),
      overlong(libraries, signal, secret),
      libraries.matches(`(${secret}`, [], signal),
      libraries.matches(`\\p{${secret}}`, [], signal),
      libraries.replaceAll(`(?<${secret}>a)`, secret, [secret], signal),
      ...[secret, `- ${secret}`, `a: [${secret}]`, `a: !!int ${secret}`, `a: *${secret}`, `${secret}: {b: c}`].map(
        yaml,
      ),
      ...[`{${secret}: b}: c`, `a: '${secret}`, `a: "\\q${secret}"`, `!!binary ${secret}: x`, `a: ${secret}: b`].map(
        yaml,
      ),
    ];
    for (const [i, call] of calls.entries()) {
      const error = await failure(call);
      sentinel.collect(`call ${i}`, `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`);
    }
    sentinel.assertUnseen();
  });

  it('is not one that merely needs much memory: it is answered, and the memory given back', async () => {
    await using patient = disposable(createGoLibraries({ timeLimitMs: 5_000 }));
    const document = SecretValue.fromText(`{"pad":"${'x'.repeat(30 * MiB)}","a":"fake"}`);
    const beforeBytes = process.memoryUsage.rss();
    for (let i = 0; i < 10; i += 1) {
      const [value] = await patient.libraries.jsonPaths([{ document, paths: ['@ugly|a'] }], signal);
      assert.equal(value?.reveal().toString('utf8'), 'fake');
      assert.equal(await good(patient.libraries), 'fake');
    }
    const grownMiB = (process.memoryUsage.rss() - beforeBytes) / MiB;
    assert.ok(grownMiB < 256, `ten threads of over 64 MiB each, and it has grown by ${grownMiB.toFixed()} MiB`);
  });
});

describe('the queue of calls', () => {
  it('takes only so many', async () => {
    await using small = disposable(createGoLibraries({ longestQueue: 2 }));
    const calls = await Promise.allSettled(Array.from({ length: 4 }, () => good(small.libraries)));
    const codes = calls.map((call) => (call.status === 'fulfilled' ? call.value : (call.reason as LatchkeyError).code));
    assert.deepEqual(codes, ['fake', 'fake', 'Overloaded', 'Overloaded']);
  });

  it('lets go of a call whose signal aborts, wherever it is', async () => {
    const reason = new Error('given up');
    const early = new AbortController();
    early.abort(reason);
    await assert.rejects(endless(libraries, early.signal), reason);
    const late = new AbortController();
    const given = Array.from({ length: 12 }, () => assert.rejects(endless(libraries, late.signal), reason));
    await sleep(20);
    late.abort(reason);
    await Promise.all(given);
    assert.equal(await good(), 'fake');
  });

  it('is emptied by closing, which may be done twice', async () => {
    const closing = createGoLibraries();
    const calls = Array.from({ length: 12 }, () => failure(endless(closing, signal)));
    await sleep(20);
    await Promise.all([closing.close(), closing.close()]);
    for (const call of calls) assert.equal((await call).code, 'Overloaded');
    assert.equal((await failure(good(closing))).code, 'Overloaded');
    await closing.close();
  });
});

describe('the thread for the Go libraries', () => {
  it('is let go when idle, and comes back', async () => {
    await using idle = disposable(createGoLibraries({ idleMs: 1 }));
    for (let i = 0; i < 5; i += 1) {
      assert.equal(await good(idle.libraries), 'fake');
      await sleep(i);
    }
  });

  it('keeps a process alive for as long as it owes an answer, and no longer', async () => {
    const file = join(import.meta.dirname, 'unclosed-process.ts');
    const { exitCode, stdout, stderr } = await runCommand(process.execPath, [file], { timeoutMs: 20_000 });
    assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: 'fake', stderr: '' });
  });
});

function disposable(given: GoLibraries): { libraries: GoLibraries } & AsyncDisposable {
  return { libraries: given, [Symbol.asyncDispose]: () => given.close() };
}
