import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { KubernetesObject } from '../../../../src/api/kubernetes.ts';
import { ObjectCache, parseVersion } from '../../../../src/cluster/object-cache.ts';

/** A view is the object's version, so that a test sees which one is known. */
function newCache(): ObjectCache<KubernetesObject, string> {
  return new ObjectCache(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);
}

function object(version: number | string, name = 'db', namespace = 'shop'): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, resourceVersion: String(version), ...(namespace === '' ? {} : { namespace }) },
  };
}

const key = { namespace: 'shop', name: 'db' };

describe('the cache', () => {
  it('knows nothing at first', () => {
    const cache = newCache();
    assert.equal(cache.get(key), undefined);
    assert.deepEqual([...cache.values()], []);
  });

  it('keeps the reduced view, not the object', () => {
    const cache = newCache();
    cache.put(object(7));
    assert.deepEqual([cache.get(key), ...cache.values()], ['db@7', 'db@7']);
  });

  it('takes a newer version in and leaves an older one', () => {
    const cache = newCache();
    for (const version of [7, 9, 8]) cache.put(object(version));
    assert.equal(cache.get(key), 'db@9');
  });

  it('compares versions as numbers, not as text', () => {
    const cache = newCache();
    for (const version of ['9', '10', '9007199254740993', '9007199254740992']) cache.put(object(version));
    assert.equal(cache.get(key), 'db@9007199254740993');
  });

  it('ends at the newest version, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 10n ** 20n }), { minLength: 1 }), (versions) => {
        const cache = newCache();
        for (const version of versions) cache.put(object(String(version)));
        const newest = versions.reduce((a, b) => (a > b ? a : b));
        assert.equal(cache.get(key), `db@${newest}`);
      }),
    );
  });

  it('keeps namespaces apart, and objects without one', () => {
    const cache = newCache();
    cache.put(object(1, 'db', 'shop'));
    cache.put(object(2, 'db', 'other'));
    cache.put(object(3, 'db', ''));
    assert.deepEqual(
      [cache.get(key), cache.get({ namespace: 'other', name: 'db' }), cache.get({ name: 'db' })],
      ['db@1', 'db@2', 'db@3'],
    );
  });
});

describe('a deletion', () => {
  it('takes the object away', () => {
    const cache = newCache();
    cache.put(object(7));
    cache.remove(object(8));
    assert.equal(cache.get(key), undefined);
  });

  it('of the version that is known takes it away', () => {
    const cache = newCache();
    cache.put(object(7));
    cache.remove(object(7));
    assert.equal(cache.get(key), undefined);
  });

  it('older than what is known is of an object that was made anew since', () => {
    const cache = newCache();
    cache.put(object(9));
    cache.remove(object(8));
    assert.equal(cache.get(key), 'db@9');
  });

  it('of what is not known changes nothing and tells nobody', () => {
    const cache = newCache();
    const changes: unknown[] = [];
    cache.onChange((before, after) => changes.push([before, after]));
    cache.remove(object(8));
    assert.deepEqual(changes, []);
  });
});

describe('an answer that was read before a deletion', () => {
  it('does not bring the object back', () => {
    const cache = newCache();
    cache.put(object(5));
    cache.remove(object(10));
    cache.put(object(7));
    assert.equal(cache.get(key), undefined);
    cache.put(object(11));
    assert.equal(cache.get(key), 'db@11');
  });
});

describe('a list', () => {
  it('replaces everything that is older than it', () => {
    const cache = newCache();
    cache.put(object(1, 'gone'));
    cache.put(object(2, 'stays'));
    cache.replace([object(3, 'stays'), object(4, 'new')], 5n);
    assert.deepEqual([...cache.values()].toSorted(), ['new@4', 'stays@3']);
  });

  it('does not take away what was made after it', () => {
    const cache = newCache();
    cache.put(object(6, 'younger'));
    cache.replace([], 5n);
    assert.deepEqual([...cache.values()], ['younger@6']);
  });

  it('takes away what it should have if it were there', () => {
    const cache = newCache();
    cache.put(object(5, 'gone'));
    cache.replace([], 5n);
    assert.deepEqual([...cache.values()], []);
  });

  it('does not set back an object that is known newer', () => {
    const cache = newCache();
    cache.put(object(9));
    cache.replace([object(3)], 5n);
    assert.equal(cache.get(key), 'db@9');
  });

  it('leaves of each object its newest version, and nothing that is neither listed nor younger', () => {
    const known = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), version: fc.nat(20) }), {
      selector: ({ name }) => name,
    });
    fc.assert(
      fc.property(known, known, fc.integer({ min: 20, max: 25 }), fc.nat(25), (before, listed, newest, cut) => {
        const listVersion = Math.min(newest, cut);
        const cache = newCache();
        for (const { name, version } of before) cache.put(object(version, name));
        const list = listed.filter(({ version }) => version <= listVersion);
        cache.replace(
          list.map(({ name, version }) => object(version, name)),
          BigInt(listVersion),
        );
        const versionIn = (all: typeof before, name: string): number =>
          all.find((each) => each.name === name)?.version ?? -1;
        for (const name of ['a', 'b', 'c', 'd']) {
          const [old, fromList] = [versionIn(before, name), versionIn(list, name)];
          const want = fromList >= 0 ? Math.max(old, fromList) : old > listVersion ? old : -1;
          assert.equal(cache.get({ namespace: 'shop', name }), want < 0 ? undefined : `${name}@${want}`);
        }
      }),
    );
  });
});

describe('a listener', () => {
  it('hears of each change with the view before and after', () => {
    const cache = newCache();
    const changes: unknown[] = [];
    cache.onChange((before, after) => changes.push([before, after]));
    cache.put(object(1));
    cache.put(object(2));
    cache.put(object(1));
    cache.remove(object(3));
    assert.deepEqual(changes, [
      [undefined, 'db@1'],
      ['db@1', 'db@2'],
      ['db@2', undefined],
    ]);
  });

  it('hears of what a list takes away', () => {
    const cache = newCache();
    cache.put(object(1));
    const changes: unknown[] = [];
    cache.onChange((before, after) => changes.push([before, after]));
    cache.replace([], 5n);
    assert.deepEqual(changes, [['db@1', undefined]]);
  });

  it('finds the cache already changed', () => {
    const cache = newCache();
    const seen: unknown[] = [];
    cache.onChange(() => seen.push(cache.get(key)));
    cache.put(object(1));
    cache.remove(object(2));
    assert.deepEqual(seen, ['db@1', undefined]);
  });
});

describe('a resourceVersion', () => {
  const cases: readonly [text: string | undefined, version: bigint][] = [
    ['12', 12n],
    ['18446744073709551615', 18_446_744_073_709_551_615n],
    ['', 0n],
    [undefined, 0n],
    ['abc', 0n],
    ['-1', 0n],
    ['1.5', 0n],
  ];
  for (const [text, version] of cases) {
    it(`of ${text === undefined ? 'nothing' : `"${text}"`} counts as ${version}`, () =>
      assert.equal(parseVersion(text), version));
  }
});
