/** Walks the CRD itself: a field is either acted on or reported, never ignored. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import type { ExternalSecretSpec } from '../../../../src/api/external-secrets.ts';
import { LatchkeyError } from '../../../../src/core/errors.ts';
import { assertResolvable, unsupportedFields } from '../../../../src/core/external-secret/supported-fields.ts';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly string[];
}

const SUPPORTED: readonly string[] = [
  'spec.secretStoreRef.name',
  'spec.secretStoreRef.kind',
  'spec.refreshPolicy',
  'spec.refreshInterval',
  'spec.syncWindows.kind',
  'spec.syncWindows.windows[0].duration',
  'spec.syncWindows.windows[0].schedule',
  'spec.target.name',
  'spec.target.immutable',
  'spec.target.template.type',
  'spec.target.template.engineVersion',
  'spec.target.template.mergePolicy',
  'spec.target.template.metadata.labels.*',
  'spec.target.template.metadata.annotations.*',
  'spec.data[0].secretKey',
  ...['spec.data[0].remoteRef', 'spec.dataFrom[0].extract'].flatMap((ref) => [
    `${ref}.key`,
    `${ref}.property`,
    `${ref}.version`,
  ]),
  'spec.dataFrom[0].find.path',
  'spec.dataFrom[0].find.name.regexp',
  'spec.dataFrom[0].find.tags.*',
  ...['spec.data[0]', 'spec.dataFrom[0]'].flatMap((entry) => [
    `${entry}.sourceRef.storeRef.name`,
    `${entry}.sourceRef.storeRef.kind`,
  ]),
  'spec.dataFrom[0].rewrite[0].regexp.source',
  'spec.dataFrom[0].rewrite[0].regexp.target',
  'spec.dataFrom[0].rewrite[0].transform.template',
  'spec.dataFrom[0].rewrite[0].merge.into',
  'spec.dataFrom[0].rewrite[0].merge.priority[0]',
];
/** Fields of which these values are acted on; every other is reported. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'spec.target.creationPolicy': ['Owner', 'Orphan', 'Merge', 'CreateOrMerge', 'None'],
  'spec.target.deletionPolicy': ['Retain', 'Delete', 'Merge'],
  conversionStrategy: ['Default', 'Unicode'],
  decodingStrategy: ['None', 'Base64', 'Base64URL', 'Auto'],
  metadataPolicy: ['None', 'Fetch'],
  nullBytePolicy: ['Ignore', 'Fail'],
  priorityPolicy: ['Strict', 'IgnoreNotFound'],
  conflictPolicy: ['Error', 'Ignore'],
  strategy: ['Extract', 'JSON'],
};

const crd = parse(
  readFileSync(join(import.meta.dirname, '../../../../crds/external-secrets.io_externalsecrets.yaml'), 'utf8'),
) as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };
const specSchema = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'] ?? {};

/** Every leaf of the schema with a value for it and the spec that sets it and nothing else. */
function* leaves(
  schema: Schema,
  path: string,
  wrap: (value: unknown) => unknown,
): Iterable<{ path: string; values: readonly unknown[]; wrap: typeof wrap }> {
  if (schema.properties !== undefined) {
    for (const [field, child] of Object.entries(schema.properties)) {
      yield* leaves(child, `${path}.${field}`, (value) => wrap({ [field]: value }));
    }
  } else if (schema.items !== undefined) {
    yield* leaves(schema.items, `${path}[0]`, (value) => wrap([value]));
  } else if (typeof schema.additionalProperties === 'object') {
    yield* leaves(schema.additionalProperties, `${path}.*`, (value) => wrap({ sample: value }));
  } else {
    const sample = schema.type === 'boolean' ? true : schema.type === 'integer' ? 1 : 'sample';
    yield { path, values: schema.enum ?? [sample], wrap };
  }
}

describe('every field of the ExternalSecret schema', () => {
  for (const { path, values, wrap } of leaves(specSchema, 'spec', (value) => value)) {
    const isSupported = SUPPORTED.includes(path);
    const accepted = VALUES[path] ?? VALUES[path.split('.').at(-1) ?? ''] ?? [];
    it(`${path} is ${isSupported ? 'acted on' : 'reported as Unsupported with its path'}`, () => {
      for (const value of values.filter((each) => each !== '')) {
        const reported = unsupportedFields(wrap(value) as object);
        const isReported = !isSupported && !accepted.includes(value as string);
        assert.equal(reported.length > 0, isReported, `${path}: ${String(value)} gave ${JSON.stringify(reported)}`);
      }
    });
  }
});

describe('template metadata', () => {
  it('is taken as it is when it is plain, and reported when it is a template', () => {
    const spec = (text: string): object => ({ target: { template: { metadata: { labels: { team: text } } } } });
    assert.deepEqual(unsupportedFields(spec('shop')), []);
    assert.deepEqual(unsupportedFields(spec('{{ .team }}')), ['spec.target.template.metadata.labels.team']);
  });
});

describe('what the schema does not see', () => {
  const resolvable = (spec: ExternalSecretSpec): void =>
    assertResolvable({
      ...{ apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: { name: 'es' } },
      spec,
    });
  const entry = { secretKey: 'key', remoteRef: { key: 'a' } };
  const cases: Readonly<Record<string, readonly [ExternalSecretSpec, string]>> = {
    'nothing at all': [{ data: [], dataFrom: [] }, 'spec.data and spec.dataFrom are both empty'],
    'an entry that asks for nothing': [
      { data: [entry], dataFrom: [{ extract: { key: 'a' } }, { sourceRef: { storeRef: { name: 'store' } } }] },
      'spec.dataFrom[1] has neither extract nor find',
    ],
    'a key that is made twice': [{ data: [entry, entry] }, 'spec.data[1] has the secretKey "key" again'],
  };
  for (const [what, [spec, sentence]] of Object.entries(cases)) {
    it(`is refused: ${what}`, () =>
      assert.throws(() => resolvable(spec), new LatchkeyError('InvalidExternalSecret', sentence)));
  }

  it('may be a key that is made twice where one of the two may be missing', () => {
    for (const deletionPolicy of ['Delete', 'Merge'] as const) {
      assert.doesNotThrow(() => resolvable({ data: [entry, entry], target: { deletionPolicy } }));
    }
  });
});
