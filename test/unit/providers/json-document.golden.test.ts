/** Holds the readers of JSON documents, which need no Go, to what Go makes of the same documents. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { literalThenPath, nameThenPath, pathOnly } from '../../../providers/shared/json-document.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import type { PropertyReading } from '../../../src/ports/provider.ts';
import { goldenBytes, goldenMembers, goldenVectors } from '../../support/golden.ts';

/** Where a member's name is empty, or a string has an escape beside bytes that are no UTF-8, gjson reads on. */
const NOT_AS_GJSON: ReadonlySet<string> = new Set(['', 'esc']);

describe('readers of JSON documents, beside Go', () => {
  it('find the properties that gjson finds in valid JSON, where they answer without it', () => {
    const vectors = goldenVectors('gjson').filter(({ document }) => isJson(goldenBytes(document)));
    const answered = vectors.flatMap((vector) => {
      const document = new SecretValue(goldenBytes(vector.document));
      const want = vector.exists ? goldenBytes(vector.value).toString('latin1') : undefined;
      const got = readUnlessPath(pathOnly.property(document, vector.path));
      return got === 'a path' ? [] : [{ path: vector.path, want, got }];
    });
    assert.ok(answered.length > 50);
    assert.deepEqual(
      answered.filter(({ path, want, got }) => want !== got && !NOT_AS_GJSON.has(path)),
      [],
    );
  });

  it('make the maps that encoding/json makes of raw messages', () => {
    const wrong = goldenVectors('encoding-json').flatMap(({ document, raw }) => {
      const bytes = goldenBytes(document);
      // Go takes null for an empty object, and replaces what is no UTF-8; Latchkey refuses the one and keeps the other.
      if (bytes.equals(Buffer.from('null')) || typeof document !== 'string') return [];
      const got = readMap(() => literalThenPath.map(new SecretValue(bytes)));
      const want = raw === null ? undefined : goldenMembers(raw);
      return JSON.stringify(got) === JSON.stringify(want) ? [] : [{ document, want, got }];
    });
    assert.deepEqual(wrong, []);
  });

  it('make the maps that upstream makes of a Vault secret, but for the digits that it loses of large integers', () => {
    let digitsKept = 0;
    const wrong = goldenVectors('encoding-json').flatMap(({ marshalled, values, floats }) => {
      // Numbers beyond float64 are an error upstream.
      if (values === null || floats === null || marshalled === 'null') return [];
      const got = readMap(() => nameThenPath.map(new SecretValue(goldenBytes(marshalled))));
      const exact = JSON.stringify(goldenMembers(values));
      const rounded = JSON.stringify(goldenMembers(floats));
      if (JSON.stringify(got) === rounded) return [];
      const isKept = JSON.stringify(got) === exact && /\d{16}/.test(exact);
      digitsKept += 1;
      return isKept ? [] : [{ marshalled, rounded, got }];
    });
    assert.deepEqual(wrong, []);
    assert.ok(digitsKept > 0);
  });
});

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('latin1'));
    return true;
  } catch {
    return false;
  }
}

function readUnlessPath(reading: PropertyReading): string | undefined {
  if ('value' in reading) return reading.value.reveal().toString('latin1');
  return reading.paths.length === 0 ? undefined : 'a path';
}

function readMap(read: () => ReadonlyMap<string, SecretValue>): [string, string][] | undefined {
  try {
    const members = [...read()].map(([name, value]): [string, string] => [name, value.reveal().toString('latin1')]);
    return members.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (error) {
    assert.ok(error instanceof LatchkeyError);
    assert.equal(error.code, 'InvalidData');
    return undefined;
  }
}
