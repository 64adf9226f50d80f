/** Holds templates, through the thread that renders them, to what text/template and sprig gave outside of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { SecretValue } from '../../../../src/core/secret-value.ts';
import { TemplateError } from '../../../../src/core/template/template-error.ts';
import { createGoLibraries } from '../../../../src/go/go-libraries.ts';
import { goldenBytes, goldenMembers, goldenVectors, type TemplateVector } from '../../../support/golden.ts';
import { secretValues } from './rendering.ts';

/** As in test/golden/templates.go. */
const values = secretValues({
  user: 'admin',
  password: 'fake-p@ss"w<o>rd&é',
  empty: '',
  number: '42',
  float: '1.50',
  json: '{"b":[1,2.5,"x"],"a":{"k":null},"n":12345678901234567890}',
  list: 'c,a,b',
  yaml: 'k: v\nn: 010\nl: [1, yes]',
  lines: 'one\ntwo\n',
  date: '2020-02-29',
  url: 'https://user:pw@fake.example:8443/a/b?q=1#f',
  binary: Buffer.from([0xff, 0, 0x61]),
  'my-key': 'dash',
  words: 'foo bar_baz QuxQuux',
  space: '  padded\t',
  unicode: 'ünïcödé 🔑',
});
const libraries = createGoLibraries({ timeLimitMs: 10_000 });
const signal = AbortSignal.timeout(120_000);
const vectors = goldenVectors('templates');
after(() => libraries.close());

async function render(vector: TemplateVector): Promise<readonly [string, string][] | TemplateError> {
  const { template, delimiters = ['{{', '}}'], isLenient = false, isMap = false } = vector;
  const call = { text: new SecretValue(goldenBytes(template)), values, isMap, isConfidential: false };
  try {
    const [members = new Map()] = await libraries.render([call], { delimiters, isKeyDemanded: !isLenient }, signal);
    return [...members].map(([name, value]) => [name, value.reveal().toString('latin1')]);
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
}

describe('golden templates', () => {
  it('are at least 400, and 100 of them fail', () => {
    assert.ok(vectors.length > 400);
    assert.ok(vectors.filter(({ error }) => error !== undefined).length > 100);
  });

  it('come out byte for byte', async () => {
    const wrong: unknown[] = [];
    for (const vector of vectors.filter(({ error }) => error === undefined)) {
      const want = vector.isMap
        ? goldenMembers(vector.members ?? {})
        : [['', goldenBytes(vector.text).toString('latin1')]];
      const got = await render(vector);
      if (JSON.stringify(got) !== JSON.stringify(want)) wrong.push({ template: vector.template, want, got });
    }
    assert.deepEqual(wrong, []);
  });

  it('fail where they fail in Go, naming the same function, in words of our own', async () => {
    const wrong: unknown[] = [];
    for (const vector of vectors.filter(({ error }) => error !== undefined)) {
      const { template, error = '' } = vector;
      const [, line, byte] = /^template: t:(\d+):(?:(\d+):)? /.exec(error) ?? [];
      const called = /error calling (\w+): /.exec(error)?.[1];
      const failure = await render(vector);
      const isTold =
        failure instanceof TemplateError &&
        String(failure.place.line) === String(line) &&
        (byte === undefined || failure.place.column === columnOf(template, Number(line), Number(byte))) &&
        (called === undefined || new RegExp(`\\b${called}( |$)`).test(failure.message)) &&
        !/cannot be rendered|fake-|admin/.test(failure.message);
      if (!isTold) wrong.push({ template, error, failure: String(failure) });
    }
    assert.deepEqual(wrong, []);
  });
});

/** In characters, from 1 on; Go counts bytes from 0 on. */
function columnOf(template: TemplateVector['template'], line: number, byte: number): number {
  const text = goldenBytes(template).toString('latin1').split('\n')[line - 1] ?? '';
  return Array.from(Buffer.from(text.slice(0, byte), 'latin1').toString('utf8')).length + 1;
}

describe('the functions that docs/templates.md names', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/templates.md'), 'utf8');
  const [, ofGo = '', ofExternalSecrets = '', ofSprig = ''] =
    page.split('\n## Functions\n')[1]?.match(/^([^]*)\nOf External Secrets:\n([^]*)\nOf sprig ([^]*)$/) ?? [];
  const names = (text: string): readonly string[] => [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

  it('are all of sprig', () => {
    const listed = names(ofSprig.replace(/^.*:\n/, '')).toSorted();
    assert.deepEqual(listed, goldenVectors('template-functions').toSorted());
  });

  it('exist', async () => {
    const wrong: string[] = [];
    for (const name of [...names(ofGo), ...names(ofExternalSecrets), ...names(ofSprig)]) {
      if (name === 'Error') continue;
      const loop = name === 'break' || name === 'continue';
      const template = loop ? `{{ range 1 }}{{ ${name} }}{{ end }}` : `{{ if false }}{{ ${name} 1 }}{{ end }}`;
      const got = await render({ template, text: '' });
      if (got instanceof TemplateError) wrong.push(`${name}: ${got.message}`);
    }
    assert.deepEqual(wrong, []);
  });

  it('are each rendered by a vector or a test here', () => {
    const tests = ['certificate-functions', 'random-functions'].map((name) =>
      readFileSync(join(import.meta.dirname, `${name}.test.ts`), 'utf8'),
    );
    const texts = [...vectors.map(({ template }) => goldenBytes(template).toString('latin1')), ...tests].join('\n');
    const used = new Set(texts.match(/\w+/g));
    const all = [...names(ofGo), ...names(ofExternalSecrets), ...names(ofSprig)];
    assert.deepEqual(
      all.filter((name) => !used.has(name)),
      [],
    );
  });
});
