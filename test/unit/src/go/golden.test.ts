/** Holds the Go libraries, through the thread that runs them, to what the same libraries gave outside of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { RE2JS } from 're2js';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';
import { goldenBytes, goldenMembers, goldenVectors } from '../../../support/golden.ts';

/** Two groups of one name, which Go has come to accept. */
const REFUSED_BY_RE2JS_ONLY: ReadonlySet<string> = new Set(['(?P<n>a)(?P<n>b)']);

/** What comes out is looked at here, not how long a busy machine takes for it. */
const libraries = createGoLibraries({ timeLimitMs: 10_000 });
const signal = AbortSignal.timeout(60_000);
const root = join(import.meta.dirname, '../../../..');
after(() => libraries.close());

async function failureOf(call: Promise<unknown>): Promise<{ code: string; message: string } | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof LatchkeyError);
    return { code: error.code, message: error.message };
  }
}

describe('golden vectors', () => {
  it('are of the versions that Latchkey carries', () => {
    const versions = (file: string): string => readFileSync(join(root, file), 'utf8').replace(/^module .*$/m, '');
    assert.equal(versions('test/golden/go.mod'), versions('src/go/module/go.mod'));
  });

  it('hold JSON paths', async () => {
    const vectors = goldenVectors('gjson');
    const got = await libraries.jsonPaths(
      vectors.map(({ document, path }) => ({
        document: new SecretValue(goldenBytes(document)),
        paths: [path],
      })),
      signal,
    );
    const wrong = vectors.flatMap((vector, i) => {
      const want = vector.exists ? goldenBytes(vector.value).toString('latin1') : undefined;
      const value = got[i]?.reveal().toString('latin1');
      return value === want ? [] : [{ ...vector, got: value }];
    });
    assert.ok(vectors.length > 300);
    assert.deepEqual(wrong, []);
  });

  it('hold regular expressions', async () => {
    const wrong: unknown[] = [];
    for (const vector of goldenVectors('regexp').filter(({ error }) => error === undefined)) {
      const { expression, text, replacement } = vector;
      const [matches] = await libraries.matches(expression, [text], signal);
      const [replaced] = await libraries.replaceAll(expression, replacement, [text], signal);
      if (matches !== vector.matches || replaced !== vector.replaced)
        wrong.push({ ...vector, got: { matches, replaced } });
    }
    assert.deepEqual(wrong, []);
  });

  it('hold which regular expressions are refused, in words of our own', async () => {
    const wrong: unknown[] = [];
    for (const { expression, error } of goldenVectors('regexp').filter(({ error }) => error !== undefined)) {
      const failure = await failureOf(libraries.matches(expression, [], signal));
      const isOurs = /^the regular expression cannot be read: (?!RE2 refuses it)/.test(failure?.message ?? '');
      if (failure?.code !== 'InvalidExternalSecret' || !isOurs) wrong.push({ expression, error, failure });
    }
    assert.deepEqual(wrong, []);
  });

  it('hold YAML', async () => {
    const wrong: unknown[] = [];
    for (const { text, members } of goldenVectors('yaml')) {
      if (members === null) continue;
      const map = await libraries.yamlMap(new SecretValue(goldenBytes(text)), signal);
      const got = [...map].map(([name, value]) => [name, value.reveal().toString('latin1')]);
      const want = goldenMembers(members);
      if (JSON.stringify(got) !== JSON.stringify(want)) wrong.push({ text, want, got });
    }
    assert.deepEqual(wrong, []);
  });

  it('hold which YAML is refused, and in which line', async () => {
    const wrong: unknown[] = [];
    for (const { text, error } of goldenVectors('yaml')) {
      if (error === undefined) continue;
      const failure = await failureOf(libraries.yamlMap(new SecretValue(goldenBytes(text)), signal));
      const line = /^error converting YAML to JSON: yaml: line (\d+): /.exec(error)?.[1];
      const gotLine = /: line (\d+)$/.exec(failure?.message ?? '')?.[1];
      if (failure?.code !== 'InvalidData' || gotLine !== line) wrong.push({ text, error, failure });
    }
    assert.deepEqual(wrong, []);
  });

  it('hold re2js, which matches keys without loading the Go libraries, to the same answers', () => {
    const wrong: unknown[] = [];
    for (const { expression, text, error, matches } of goldenVectors('regexp')) {
      const got = re2jsMatches(expression, text);
      const want = error === undefined ? matches : undefined;
      if (got !== want && !REFUSED_BY_RE2JS_ONLY.has(expression)) wrong.push({ expression, text, want, got });
    }
    assert.deepEqual(wrong, []);
  });
});

function re2jsMatches(expression: string, text: string): boolean | undefined {
  try {
    return RE2JS.compile(expression).matcher(text).find();
  } catch {
    return undefined;
  }
}
