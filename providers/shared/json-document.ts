/**
 * Ready-made readers for backends whose secrets are JSON texts. They differ only in what a `property` with path
 * characters means: upstream reads properties as gjson paths, and each provider has its own order of trying.
 */
import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { DocumentReader } from '../../src/ports/provider.ts';
import { jsonNumberText } from './json-number.ts';
import { readJsonText, unquoteJsonString } from './json-text.ts';
import type { JsonText } from './json-text.ts';

/** The characters that gjson gives a meaning anywhere in a path, and those that count only at its start. */
const PATH_SYNTAX = /[.|*?\\]|^[@!{[]./s;
const PATH_SYNTAX_BESIDES_DOTS = /[|*?\\]|^[@!{[]./s;
const ARRAY_PATH = /^\d+$|#/;

/** A property with dots is first looked up as one member's name, then as a path (aws). */
export const literalThenPath: DocumentReader = {
  property: (document, property) => readProperty(document, property, PATH_SYNTAX_BESIDES_DOTS),
  map: readMap,
};

/** A property with dots is a path at once (fake). */
export const pathOnly: DocumentReader = {
  property: (document, property) => readProperty(document, property, PATH_SYNTAX),
  map: readMap,
};

/** A property is first looked up as one member's name, whatever it is made of, and has that member's bytes (vault). */
export const nameThenPath: DocumentReader = {
  property: (document, property) => {
    const json = readJsonText(document.reveal());
    const raw = json && property !== '' ? findMember(json, property) : undefined;
    return raw ? new SecretValue(memberBytes(raw)) : readProperty(document, property, PATH_SYNTAX);
  },
  map: readMap,
};

/**
 * @param notAName a property that matches is a path at once; any other is first looked up as a name.
 * @returns `undefined` also when the document is no JSON text at all.
 * @throws LatchkeyError `Unsupported` for a property that only a path language can answer.
 */
function readProperty(document: SecretValue, property: string, notAName: RegExp): SecretValue | undefined {
  const json = readJsonText(document.reveal());
  if (json === undefined || property === '') return undefined;
  const raw = notAName.test(property) ? undefined : findMember(json, property);
  if (raw !== undefined) return new SecretValue(propertyBytes(raw));
  if (PATH_SYNTAX.test(property) || (json.kind === 'array' && ARRAY_PATH.test(property))) {
    throw new LatchkeyError(
      'Unsupported',
      `property "${printable(property)}" is a path, and property paths are not supported yet: only the names of an object's own members are`,
    );
  }
  return undefined;
}

/** gjson stops at the first member of a name. */
function findMember(json: JsonText, name: string): Buffer | undefined {
  return json.kind === 'object' ? json.members.find((candidate) => candidate.name === name)?.raw : undefined;
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
  const json = readJsonText(document.reveal());
  if (json?.kind !== 'object') throw new LatchkeyError('InvalidData', 'the value is not a JSON object');
  return new Map(json.members.map(({ name, raw }) => [name, new SecretValue(memberBytes(raw))]));
}

function memberBytes(raw: Buffer): Buffer {
  const first = raw.toString('latin1', 0, 1);
  if (first === '"') return unquoteJsonString(raw);
  return first === 'n' ? Buffer.alloc(0) : raw;
}
