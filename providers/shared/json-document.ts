/**
 * Ready-made readers for backends whose secrets are JSON texts. They differ only in what a `property` with path
 * characters means: upstream reads properties as gjson paths, and each provider has its own order of trying.
 */
import { LatchkeyError } from '../../src/core/errors.ts';
import { isObject, parseJson, textOf } from '../../src/core/json/go-json.ts';
import { jsonNumberText } from '../../src/core/json/number-text.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { DocumentReader, PropertyReading } from '../../src/ports/provider.ts';
import { readJsonText, unquoteJsonString } from './json-text.ts';
import type { JsonText } from './json-text.ts';

/** The characters that gjson gives a meaning anywhere in a path, and those that count only at its start. */
const PATH_SYNTAX = /[.|*?\\]|^[@!{[]./s;
const PATH_SYNTAX_BESIDES_DOTS = /[|*?\\]|^[@!{[]./s;
const ARRAY_PATH = /^\d+$|#/;
/** Looked through faster than an index is made. */
const FEW_MEMBERS = 16;
const ABSENT: PropertyReading = { paths: [] };

/** A property with dots is first looked up as one member's name, then as a path (aws, gcpsm). */
export const literalThenPath: DocumentReader = {
  property: (document, property) =>
    readProperty(document, property, {
      notAName: PATH_SYNTAX_BESIDES_DOTS,
      paths: property.includes('.') ? [property.replaceAll('.', '\\.'), property] : [property],
    }),
  map: readMap,
};

/** A property with dots is a path at once (fake). */
export const pathOnly: DocumentReader = {
  property: (document, property) => readProperty(document, property, { notAName: PATH_SYNTAX, paths: [property] }),
  map: readMap,
};

/** A property is first looked up as one member's name, whatever it is made of, and has that member's bytes (vault). */
export const nameThenPath: DocumentReader = {
  property: (document, property) => {
    const json = readJson(document);
    const raw = json && property !== '' ? findMember(json, property) : undefined;
    if (raw) return { value: new SecretValue(memberBytes(raw)) };
    return readProperty(document, property, { notAName: PATH_SYNTAX, paths: [property] });
  },
  map: readDecodedMap,
};

/** @param rules a property that matches `notAName` is a path at once; any other is first looked up as a name. */
function readProperty(
  document: SecretValue,
  property: string,
  { notAName, paths }: { readonly notAName: RegExp; readonly paths: readonly string[] },
): PropertyReading {
  if (property === '') return ABSENT;
  const json = readJson(document);
  // gjson finds its way also through a text that is cut short.
  if (json === undefined) return /^\s*[{[]/.test(document.reveal().toString('latin1', 0, 64)) ? { paths } : ABSENT;
  const raw = notAName.test(property) ? undefined : findMember(json, property);
  if (raw !== undefined) return { value: new SecretValue(propertyBytes(raw)) };
  return PATH_SYNTAX.test(property) || (json.kind === 'array' && ARRAY_PATH.test(property)) ? { paths } : ABSENT;
}

/** Read once for all properties of a document; forgotten with it. */
const known = new WeakMap<SecretValue, JsonText | 'no-json'>();

function readJson(document: SecretValue): JsonText | undefined {
  const json = known.get(document) ?? readJsonText(document.reveal()) ?? 'no-json';
  known.set(document, json);
  return json === 'no-json' ? undefined : json;
}

/** Of a document with many members, of which many are asked for. */
const indexes = new WeakMap<JsonText, ReadonlyMap<string, Buffer>>();

/** gjson stops at the first member of a name. */
function findMember(json: JsonText, name: string): Buffer | undefined {
  if (json.kind !== 'object') return undefined;
  if (json.members.length <= FEW_MEMBERS) return json.members.find((candidate) => candidate.name === name)?.raw;
  const index = indexes.get(json) ?? new Map(json.members.toReversed().map(({ name: each, raw }) => [each, raw]));
  indexes.set(json, index);
  return index.get(name);
}

/** gjson's `String()`: null exists and is empty. */
function propertyBytes(raw: Buffer): Buffer {
  const first = raw.toString('latin1', 0, 1);
  if (first === '"') return unquoteJsonString(raw);
  if (first === 'n') return Buffer.alloc(0);
  if (first === '-' || (first >= '0' && first <= '9')) return Buffer.from(jsonNumberText(raw.toString('latin1')));
  return raw;
}

/** Go's `map[string]json.RawMessage`: strings unquoted, null empty, the rest as spelled; the last of a name counts. */
function readMap(document: SecretValue): ReadonlyMap<string, SecretValue> {
  const json = readJson(document);
  if (json?.kind !== 'object') throw noObject();
  return new Map(json.members.map(({ name, raw }) => [name, new SecretValue(memberBytes(raw))]));
}

/** Go's `map[string]any`, printed member by member; integers keep the digits that a float64 loses. */
function readDecodedMap(document: SecretValue): ReadonlyMap<string, SecretValue> {
  const tree = parseJson(document.reveal().toString('utf8'));
  if (!isObject(tree)) throw noObject();
  return new Map([...tree].map(([name, value]) => [name, SecretValue.fromText(textOf(value))]));
}

function noObject(): LatchkeyError {
  return new LatchkeyError('InvalidData', 'the value is not a JSON object');
}

function memberBytes(raw: Buffer): Buffer {
  const first = raw.toString('latin1', 0, 1);
  if (first === '"') return unquoteJsonString(raw);
  return first === 'n' ? Buffer.alloc(0) : raw;
}
