import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { findIn } from '../../../providers/vault/find.ts';
import type { KvEngine } from '../../../providers/vault/find.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import { MOST_FOUND } from '../../../src/ports/provider.ts';
import type { FindQuery } from '../../../src/ports/provider.ts';
import { failure } from '../../contract/secrets-client.suite.ts';

const { signal } = new AbortController();
const MOUNT = { path: 'kv', version: 'v2' } as const;
const absent = (): never => {
  throw new LatchkeyError('SecretNotFound', 'gone');
};

interface Traffic {
  calls: string[];
  most: number;
}

/** An engine over a tree of names; `null` is listed and not to be read. */
function engine(tree: Record<string, string | null>, traffic: Traffic, changes: Partial<KvEngine> = {}): KvEngine {
  let running = 0;
  const counted = async <T>(call: string, work: () => T): Promise<T> => {
    traffic.calls.push(call);
    traffic.most = Math.max(traffic.most, (running += 1));
    await sleep(1);
    running -= 1;
    return work();
  };
  return {
    version: 'v2',
    list: ({ metadata }) =>
      counted(`LIST ${metadata}`, () => {
        const prefix = metadata.replace(/^kv\/metadata\//, '');
        const inside = Object.keys(tree).filter((name) => name.startsWith(prefix));
        const names = inside.map((name) => /^[^/]*\/?/.exec(name.slice(prefix.length))?.[0] ?? '');
        return names.length === 0 ? absent() : [...new Set(names)];
      }),
    read: ({ data }) =>
      counted(`READ ${data}`, () => SecretValue.fromText(tree[data.replace(/^kv\/data\//, '')] ?? absent())),
    metadata: ({ metadata }) =>
      counted(`TAGS ${metadata}`, () => new Map([['team', metadata.endsWith('a') ? 'a' : 'b']])),
    ...changes,
  };
}

async function find(tree: Record<string, string | null>, query: FindQuery = {}, changes: Partial<KvEngine> = {}) {
  const traffic: Traffic = { calls: [], most: 0 };
  const found = await findIn(engine(tree, traffic, changes), MOUNT, query, signal);
  return { names: [...found].map(([name, value]) => `${name}=${String(value.reveal())}`), ...traffic };
}

const matching = (pattern: RegExp): FindQuery => ({
  matchNames: async (names) => names.map((name) => pattern.test(name)),
});

describe('find in Vault', { timeout: 20_000 }, () => {
  const tree = { b: '1', 'team/a': '2', 'team/sub/deep/c': '3', 'team/b': '4', 'team/sub/x': '5' };

  it('walks all folders and gives full names, sorted', async () => {
    const { names, calls } = await find(tree);
    assert.deepEqual(names, ['b=1', 'team/a=2', 'team/b=4', 'team/sub/deep/c=3', 'team/sub/x=5']);
    assert.equal(calls.filter((call) => call.startsWith('LIST')).length, 4);
  });

  it('begins where the path says, however many slashes it ends in', async () => {
    assert.deepEqual((await find(tree, { path: 'team/sub' })).names, ['team/sub/deep/c=3', 'team/sub/x=5']);
    assert.deepEqual((await find(tree, { path: 'team/sub//' })).names, ['team/sub/deep/c=3', 'team/sub/x=5']);
    assert.equal((await failure(find(tree, { path: 'nowhere' }))).code, 'SecretNotFound');
  });

  it('reads only what has the name and all the tags', async () => {
    const named = await find(tree, matching(/^team\/.$/));
    assert.deepEqual(named.names, ['team/a=2', 'team/b=4']);
    assert.equal(named.calls.filter((call) => call.startsWith('READ')).length, 2);
    const tagged = await find({ xa: '1', xb: '2' }, { tags: { team: 'a' } });
    assert.deepEqual(tagged.names, ['xa=1']);
    const both = await find({ xa: '1', ya: '2', xb: '3' }, { ...matching(/^x/), tags: { team: 'a' } });
    assert.deepEqual(both.names, ['xa=1']);
    assert.deepEqual((await find({ xa: '1' }, { tags: { team: 'a', other: '' } })).names, []);
  });

  it('finds nothing without complaint', async () => {
    assert.deepEqual((await find(tree, matching(/nothing/))).names, []);
  });

  it('leaves out what is deleted during the walk, folders too', async () => {
    const { names } = await find(
      { a: '1', gone: null, 'sub/b': '2' },
      {},
      {
        list: async ({ metadata }) => (metadata === 'kv/metadata/' ? ['a', 'gone', 'sub/'] : absent()),
      },
    );
    assert.deepEqual(names, ['a=1']);
    assert.deepEqual((await find({ xa: '1' }, { tags: { team: 'a' } }, { metadata: async () => absent() })).names, []);
  });

  it('asks at most eight things at once', async () => {
    const wide = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index % 40}/${index}`, 'fake']));
    const { names, most } = await find(wide);
    assert.equal(names.length, 200);
    assert.equal(most, 8);
  });

  it('gives as many as the limit says, and for one more says so', async () => {
    const names = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`s${index}`, 'x']));
    assert.equal((await find(names(MOST_FOUND))).names.length, MOST_FOUND);
    const error = await failure(find(names(MOST_FOUND + 1)));
    assert.equal(error.code, 'InvalidExternalSecret');
    assert.equal(error.message, 'find gives more than 1000 secrets: make it narrower');
  });

  it('does not walk folders without end', async () => {
    const endless = { list: async () => Array.from({ length: 500 }, (_, index) => `${index}/`) };
    const error = await failure(find({}, {}, endless));
    assert.equal(error.message, 'find leads through more than 10000 folders: make it narrower');
  });

  it('stops asking when one question fails', async () => {
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`s${index}`, 'fake']));
    let asked = 0;
    const read: KvEngine['read'] = async (_at, _name, stop) => {
      stop.throwIfAborted();
      asked += 1;
      throw new LatchkeyError('BackendPermissionDenied', 'no');
    };
    assert.equal((await failure(find(wide, {}, { read }))).code, 'BackendPermissionDenied');
    assert.ok(asked <= 8, `${asked} were asked`);
  });

  it('goes nowhere that a listing must not lead', async () => {
    const { calls } = await find({}, {}, { list: async () => ['../../sys/seal', '..', './'] });
    assert.deepEqual(calls, []);
  });

  it('by tags is not for KV v1', async () => {
    const error = await failure(find(tree, { tags: { team: 'a' } }, { version: 'v1' }));
    assert.deepEqual(
      [error.code, error.message],
      ['InvalidExternalSecret', 'KV v1 keeps no metadata, so nothing can be found by tags there'],
    );
  });
});
