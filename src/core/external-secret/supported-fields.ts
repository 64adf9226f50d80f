/**
 * Which fields of an ExternalSecret this version acts on. A field outside this tree is never ignored: resolving it ends
 * with `Unsupported` and the field's path.
 */
import type { ExternalSecret } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';

/** Yields the path of everything below `value` that is set and not acted on. */
type Shape = (value: unknown, path: string) => readonly string[];

const any: Shape = () => [];

const oneOf =
  (...allowed: readonly string[]): Shape =>
  (value, path) => {
    if (value === '' || (typeof value === 'string' && allowed.includes(value))) return [];
    // Words of an enum may be shown; anything else could be somebody's value.
    return [typeof value === 'string' && /^[A-Za-z0-9]{1,32}$/.test(value) ? `${path}: ${value}` : path];
  };

/** Upstream renders it as a template; text without `{{` renders as itself. */
const plainText: Shape = (value, path) => (typeof value === 'string' && !value.includes('{{') ? [] : [path]);

const each =
  (shape: Shape): Shape =>
  (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => shape(item, `${path}[${index}]`))
      : entriesOf(value).flatMap(([key, child]) => shape(child, `${path}.${key}`));

const fields =
  (shapes: Readonly<Record<string, Shape>>): Shape =>
  (value, path) =>
    entriesOf(value).flatMap(([field, child]) => {
      if (isUnset(child)) return [];
      const at = `${path}.${field}`;
      return Object.hasOwn(shapes, field) ? (shapes[field]?.(child, at) ?? []) : [at];
    });

const values: Readonly<Record<string, Shape>> = {
  conversionStrategy: oneOf('Default', 'Unicode'),
  decodingStrategy: oneOf('None', 'Base64', 'Base64URL', 'Auto'),
  nullBytePolicy: oneOf('Ignore', 'Fail'),
};

const remoteRef = fields({
  key: any,
  property: any,
  version: any,
  metadataPolicy: oneOf('None', 'Fetch'),
  ...values,
});

const sourceRef = fields({ storeRef: fields({ name: any, kind: any }) });

const rewrite = fields({
  regexp: fields({ source: any, target: any }),
  transform: fields({ template: plainText }),
  merge: fields({
    into: any,
    priority: any,
    priorityPolicy: oneOf('Strict', 'IgnoreNotFound'),
    conflictPolicy: oneOf('Error', 'Ignore'),
    strategy: oneOf('Extract', 'JSON'),
  }),
});

const externalSecretSpec = fields({
  secretStoreRef: fields({ name: any, kind: any }),
  refreshPolicy: any,
  refreshInterval: any,
  syncWindows: any,
  target: fields({
    name: any,
    creationPolicy: oneOf('Owner', 'Orphan', 'Merge', 'CreateOrMerge', 'None'),
    deletionPolicy: oneOf('Retain', 'Delete', 'Merge'),
    immutable: any,
    template: fields({
      type: any,
      engineVersion: oneOf('v2'),
      mergePolicy: any,
      metadata: fields({ labels: each(plainText), annotations: each(plainText) }),
    }),
  }),
  data: each(fields({ secretKey: any, remoteRef, sourceRef })),
  dataFrom: each(
    fields({
      extract: remoteRef,
      find: fields({ path: any, name: fields({ regexp: any }), tags: any, ...values }),
      rewrite: each(rewrite),
      sourceRef,
    }),
  ),
});

/** Paths that are set and not acted on: `spec.target.template.data`, `spec.target.creationPolicy: Merge`. */
export function unsupportedFields(spec: object): readonly string[] {
  return externalSecretSpec(spec, 'spec');
}

/**
 * What the schema of the CRD leaves unsaid or skips for its cost.
 * @throws LatchkeyError `Unsupported` naming the first field that nobody acts on, or `InvalidExternalSecret` when an entry
 * asks for nothing, or two for one key.
 */
export function assertResolvable({ spec }: ExternalSecret): void {
  const [field] = unsupportedFields(spec);
  if (field !== undefined) throw new LatchkeyError('Unsupported', `${printable(field)} is not supported yet`);
  const { data = [], dataFrom = [], target } = spec;
  if (data.length === 0 && dataFrom.length === 0) throw invalid('spec.data and spec.dataFrom are both empty');
  const idle = dataFrom.findIndex(({ extract, find }) => extract === undefined && find === undefined);
  if (idle >= 0) throw invalid(`spec.dataFrom[${idle}] has neither extract nor find`);
  if ((target?.deletionPolicy ?? 'Retain') !== 'Retain') return;
  const keys = new Set<string>();
  for (const [index, { secretKey }] of data.entries()) {
    if (keys.has(secretKey)) throw invalid(`spec.data[${index}] has the secretKey "${printable(secretKey, 60)}" again`);
    keys.add(secretKey);
  }
}

function invalid(sentence: string): LatchkeyError {
  return new LatchkeyError('InvalidExternalSecret', sentence);
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** What the API server's pruning and defaulting leave behind without meaning anything. */
function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
