import type { Scalar } from 'yaml';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';

const LONGEST_BYTES = 16_384;
const MOST_ITEMS = 64;

/** One entry of an annotation: text of the short form, or whatever stood in the YAML list. */
export interface RawItem {
  readonly value: unknown;
  /** For messages: `annotation latchkey.dev/env of the pod, item 2`. */
  readonly where: string;
}

/**
 * Reads what all injecting annotations share (contracts §5): text that begins with `[` or `- ` is a YAML 1.2 list, anything
 * else a comma-separated one. Empty text is no item.
 *
 * @param where the annotation, for messages: `annotation latchkey.dev/env of the pod`.
 * @throws LatchkeyError `InvalidAnnotation` naming the annotation and the item, never quoting what does not parse.
 */
export async function itemsOf(text: string, where: string): Promise<readonly RawItem[]> {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  if (Buffer.byteLength(text) > LONGEST_BYTES) {
    throw invalid(where, `is longer than ${LONGEST_BYTES / 1_024} KiB`);
  }
  const values = /^(\[|-[ \n])/.test(trimmed) ? await yamlList(text, where) : shortList(trimmed, where);
  if (values.length > MOST_ITEMS) throw invalid(where, `has ${values.length} items, and ${MOST_ITEMS} are allowed`);
  return values.map((value, index) => ({ value, where: `${where}, item ${index + 1}` }));
}

/** @throws LatchkeyError `InvalidAnnotation` */
export function invalid(where: string, problem: string): LatchkeyError {
  return new LatchkeyError('InvalidAnnotation', `${where} ${problem}`);
}

function shortList(text: string, where: string): readonly string[] {
  const items = text.split(',').map((item) => item.trim());
  const empty = items.indexOf('');
  if (empty !== -1) throw invalid(`${where}, item ${empty + 1}`, 'is empty');
  return items;
}

/** The parser is 10 MB in memory and most annotations are short, so it is loaded when the first list comes. */
async function yamlList(text: string, where: string): Promise<readonly unknown[]> {
  const { isAlias, isNode, isScalar, parseDocument, visit } = await import('yaml');
  // With less than `error` the parser leaves out a second document without a word.
  const document = parseDocument(text, { version: '1.2', schema: 'core', logLevel: 'error', uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = error.linePos?.[0].line;
    throw invalid(where, `is no YAML list${line === undefined ? '' : ` (line ${line})`}`);
  }
  visit(document, (_key, node) => {
    if (isAlias(node) || (isNode(node) && ((node as Scalar).anchor !== undefined || node.tag !== undefined))) {
      throw invalid(where, 'has anchors, aliases or tags, which are not allowed');
    }
    // Octal to kubectl and decimal to YAML 1.2: it stays text, and who reads it decides.
    if (isScalar(node) && typeof node.value === 'number' && /^0\d/.test(node.source ?? '')) node.value = node.source;
  });
  const values: unknown = document.toJS({ maxAliasCount: 0 });
  if (!Array.isArray(values)) throw invalid(where, 'is no YAML list');
  return values;
}

/** Reads the fields of one entry of a YAML list; every field must be asked for. */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #seen = new Set<string>();

  /** @throws LatchkeyError `InvalidAnnotation` when the entry is no map. */
  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(where, 'is no map of fields');
    this.#fields = value as Readonly<Record<string, unknown>>;
    this.#where = where;
  }

  /** @throws LatchkeyError when it is there and no text. */
  text(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'string') return value;
    throw invalid(this.#where, `has a field ${name} that is no text`);
  }

  flag(name: string): boolean {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value === true;
    throw invalid(this.#where, `has a field ${name} that is neither true nor false`);
  }

  /** File mode bits: a number, or octal such as 0400, as text or as kubectl would read it. */
  mode(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const mode = typeof value === 'string' && /^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : value;
    if (typeof mode === 'number' && Number.isInteger(mode) && mode >= 0 && mode <= 0o777) return mode;
    throw invalid(this.#where, `has a field ${name} that is no file mode such as "0400" or 256`);
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.length > 0 && value.length <= MOST_ITEMS) return value as readonly unknown[];
    throw invalid(this.#where, `has a field ${name} that is no list of 1 to ${MOST_ITEMS} entries`);
  }

  map(name: string): Fields | undefined {
    const value = this.#take(name);
    return value === undefined ? undefined : new Fields(value, `${this.#where}, field ${name}`);
  }

  /** @throws LatchkeyError for the first field that nobody asked for. */
  assertNoMore(): void {
    const unknown = Object.keys(this.#fields).find((name) => !this.#seen.has(name));
    if (unknown !== undefined)
      throw invalid(this.#where, `has a field "${printable(unknown, 40)}" that does not exist`);
  }

  #take(name: string): unknown {
    this.#seen.add(name);
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    return value ?? undefined;
  }
}
