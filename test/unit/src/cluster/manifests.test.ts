import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { manifestFiles, parseManifests, readManifests } from '../../../../src/cluster/folder/manifests.ts';
import { printDocument } from '../../../../src/cluster/folder/yaml.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { createTemporaryDirectory } from '../../../support/process/temporary-directory.ts';

const names = (text: string): readonly string[] =>
  parseManifests(text, 'some.yaml').map(({ metadata }) => metadata.name);
const pod = (name: string): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\n`;
const list = (...items: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
const podObject = (name: string): object => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } });

/** A thousand million strings in a few lines. */
const bomb = ['a: &a [planted, planted]', ...'bcdefghi'.split('').map((name, index) => bombLine(name, index))].join(
  '\n',
);

function bombLine(name: string, index: number): string {
  const before = `*${'abcdefghi'[index]}`;
  return `${name}: &${name} [${Array.from({ length: 10 }, () => before).join(', ')}]`;
}

describe('manifests', () => {
  const good: Readonly<Record<string, readonly [text: string, names: readonly string[]]>> = {
    'of one document': [pod('a'), ['a']],
    'of several documents come in order': [`${pod('a')}---\n${pod('b')}---\n${pod('c')}`, ['a', 'b', 'c']],
    'in JSON': [JSON.stringify(podObject('a')), ['a']],
    'with empty documents and comments between': [`---\n# nothing\n---\n${pod('a')}---\n---\n`, ['a']],
    'in a List are unfolded': [list(podObject('a'), podObject('b')), ['a', 'b']],
    'in a List of their kind are unfolded': [list(podObject('a')).replace('"List"', '"PodList"'), ['a']],
    'in a List in a List are unfolded': [list({ apiVersion: 'v1', kind: 'List', items: [podObject('a')] }), ['a']],
    'in an empty List are none': [list(), []],
    'in an empty file are none': ['', []],
    'in a file of spaces are none': [' \n\n ', []],
    'in a file of comments are none': ['# nothing here\n', []],
    'of kinds that nobody knows are taken': ['apiVersion: x/v9\nkind: Strange\nmetadata: {name: a}\n', ['a']],
    'with anchors are resolved': [`x: &name a\napiVersion: v1\nkind: Pod\nmetadata: {name: *name}\n`, ['a']],
    'with Windows line ends': [`${pod('a')}---\n${pod('b')}`.replaceAll('\n', '\r\n'), ['a', 'b']],
    'with a byte order mark': [`\ufeff${pod('a')}`, ['a']],
  };
  for (const [name, [text, want]] of Object.entries(good)) {
    it(name, () => assert.deepEqual(names(text), want));
  }

  it('keep fields that nobody here knows', () => {
    const object = { ...podObject('a'), spec: { later: [1, { deep: null }] } };
    assert.deepEqual(parseManifests(JSON.stringify(object), 'some.yaml'), [object]);
  });

  const bad: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
    'with a tab for an indent': ['kind: x\n\tplanted: 1', /document 1 is not YAML \(line 2\)$/],
    'with an open quote': [`${pod('a')}spec: "planted`, /document 1 is not YAML \(line \d\)$/],
    'with an open bracket': ['{"planted": [1', /document 1 is not YAML \(line 1\)$/],
    'with two colons': ['kind: planted: x', /document 1 is not YAML/],
    'with a field twice': ['kind: planted\nkind: planted\n', /document 1 is not YAML \(line 2\)$/],
    'with a mistake in the second document': [`${pod('a')}---\nkind: "planted`, /document 2 is not YAML/],
    'with an alias of nothing': ['kind: *planted', /document 1 has aliases that do not resolve or expand too far$/],
    'with aliases that explode': [bomb, /document 1 has aliases that do not resolve or expand too far$/],
    'that are a word': ['planted', /document 1 is no Kubernetes object$/],
    'that are a number': ['42', /document 1 is no Kubernetes object$/],
    'that are a list': ['- planted', /document 1 has no apiVersion or no kind/],
    'without a kind': ['apiVersion: planted', /document 1 has no apiVersion or no kind/],
    'without an apiVersion': ['kind: planted', /document 1 has no apiVersion or no kind/],
    'whose kind is a list': ['apiVersion: v1\nkind: [planted]', /document 1 has no apiVersion or no kind/],
    'without metadata': ['apiVersion: v1\nkind: Pod\nspec: planted', /document 1 \(Pod\) has no metadata$/],
    'whose metadata is text': ['apiVersion: v1\nkind: Pod\nmetadata: planted', /document 1 \(Pod\) has no metadata$/],
    'with a List that has no items': ['apiVersion: v1\nkind: List\nplanted: x', /document 1 \(List\) has no metadata$/],
    'with a List that holds nothing where something should be': [
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [null] }),
      /document 1, item 1 is no Kubernetes object$/,
    ],
    'with a List that holds something else': [
      list(podObject('a'), { planted: 1 }),
      /document 1, item 2 has no apiVersion or no kind/,
    ],
    'with an ExternalSecret without a spec': [
      'apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db}\n',
      /document 1 \(ExternalSecret "db"\) has no spec$/,
    ],
    'with an ExternalSecret whose data is a number': [
      'apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db}\nspec: {data: 5}\n',
      /document 1 \(ExternalSecret "db"\) has a spec\.data that is no list of objects$/,
    ],
    'with an ExternalSecret with an entry of text': [
      'apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db}\nspec: {dataFrom: [planted]}\n',
      /document 1 \(ExternalSecret "db"\) has a spec\.dataFrom that is no list of objects$/,
    ],
    'with a store whose name is a number': [
      'apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: 5}\nspec: {}\n',
      /document 1 \(SecretStore\) has no metadata.name that is a text$/,
    ],
    'with a kind that would colour the terminal': [
      'apiVersion: v1\nkind: "P\\e[31m"\n',
      /document 1 \(P\?\[31m\) has no metadata$/,
    ],
  };
  for (const [name, [text, message]] of Object.entries(bad)) {
    it(`${name} are refused in one sentence that names the file and quotes nothing`, () => {
      assert.throws(
        () => parseManifests(text, 'some.yaml'),
        (error) => {
          assert.ok(error instanceof LatchkeyError);
          assert.equal(error.code, 'ClusterRejected');
          assert.match(error.message, /^some\.yaml: document \d/);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /planted|\n/);
          return true;
        },
      );
    });
  }

  it('of any one-line text are objects or refused, and never end otherwise', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{0,30}$/), (text) => {
        try {
          parseManifests(text, 'some.yaml');
        } catch (error) {
          assert.ok(error instanceof LatchkeyError, String(error));
        }
      }),
    );
  });
});

describe('values as kubectl reads them', () => {
  const cases: Readonly<Record<string, unknown>> = {
    '0400': 256,
    '0o400': '0o400',
    '1_000': 1000,
    yes: true,
    on: true,
    '"yes"': 'yes',
    '12:30': '12:30',
    '2026-01-02': '2026-01-02',
    '!!str 0400': '0400',
    'a=': 'a=',
  };
  for (const [text, value] of Object.entries(cases)) {
    it(`takes ${text} for ${JSON.stringify(value)}`, () => {
      const [object] = parseManifests(`${pod('a')}spec: {x: ${text}}`, 'some.yaml');
      assert.deepEqual((object as unknown as { spec: object }).spec, { x: value });
    });
  }

  it('merges what << names', () => {
    const text = `base: &base {serviceAccountName: web}\n${pod('a')}spec: {<<: *base, x: 1}\n`;
    const [object] = parseManifests(text, 'some.yaml');
    assert.deepEqual((object as unknown as { spec: object }).spec, { serviceAccountName: 'web', x: 1 });
  });

  it('prints any text so that it is the same text when read again', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom(...Object.keys(cases), 'no', 'n', 'null', '~', '1e3')),
        (text) => {
          const [object] = parseManifests(printDocument({ ...podObject('a'), text }), 'some.yaml');
          assert.deepEqual(object, { ...podObject('a'), text });
        },
      ),
    );
  });
});

describe('a folder', () => {
  it('stands for every manifest below it, sorted, and for nothing else', async () => {
    await using temporary = await createTemporaryDirectory('manifests');
    await mkdir(join(temporary.path, 'deep', 'er'), { recursive: true });
    await mkdir(join(temporary.path, 'folder.yaml'));
    for (const file of ['b.yaml', 'a.yml', 'deep/c.json', 'deep/er/d.yaml', 'notes.md', 'x.yaml.bak', 'yaml']) {
      await writeFile(join(temporary.path, file), '');
    }
    const files = await manifestFiles(temporary.path);
    assert.deepEqual(
      files.map((file) => relative(temporary.path, file)),
      ['a.yml', 'b.yaml', 'deep/c.json', 'deep/er/d.yaml'],
    );
  });

  it('stands for what its links lead to', async () => {
    await using temporary = await createTemporaryDirectory('manifests');
    await mkdir(join(temporary.path, 'mounted'));
    await writeFile(join(temporary.path, 'data'), pod('a'));
    await symlink(join(temporary.path, 'data'), join(temporary.path, 'mounted', 'pod.yaml'));
    assert.equal((await manifestFiles(join(temporary.path, 'mounted'))).length, 1);
  });

  it('that is empty stands for nothing', async () => {
    await using temporary = await createTemporaryDirectory('manifests');
    assert.deepEqual(await manifestFiles(temporary.path), []);
  });

  it('that does not exist is named', async () => {
    await using temporary = await createTemporaryDirectory('manifests');
    const path = join(temporary.path, 'nowhere');
    await assert.rejects(
      manifestFiles(path),
      (error) =>
        error instanceof LatchkeyError &&
        error.code === 'ClusterRejected' &&
        error.message === `${path} cannot be read: there is no such file or folder`,
    );
  });
});

describe('a file', () => {
  it('stands for itself, whatever its name ends with', async () => {
    await using temporary = await createTemporaryDirectory('manifests');
    const file = join(temporary.path, 'manifests.txt');
    await writeFile(file, pod('a'));
    assert.deepEqual(await manifestFiles(file), [file]);
    assert.deepEqual((await readManifests(file))[0]?.metadata, { name: 'a' });
  });

  it('with a mistake is named', async () => {
    await using temporary = await createTemporaryDirectory('manifests');
    const file = join(temporary.path, 'bad.yaml');
    await writeFile(file, 'kind: "planted');
    await assert.rejects(readManifests(file), (error) => {
      assert.ok(error instanceof LatchkeyError && error.message.startsWith(`${file}: document 1 is not YAML`));
      return !error.message.includes('planted');
    });
  });
});
