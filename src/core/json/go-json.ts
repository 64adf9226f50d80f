/**
 * JSON as Go's encoding/json reads and writes it, with one difference: integers keep their digits, where Go's float64
 * loses those beyond 2^53, and numbers that no float64 holds stay as they are spelled, where Go refuses them.
 */
import { jsonNumberText } from './number-text.ts';

/** A number by its literal. */
export class JsonNumber {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }
}

export type JsonTree = null | boolean | string | JsonNumber | readonly JsonTree[] | JsonObject;
/** The last member of a name counts. */
export type JsonObject = ReadonlyMap<string, JsonTree>;

/** TypeScript does not know yet that a reviver gets the source text (ECMAScript, JSON.parse source text access). */
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (name: string, value: unknown, context: { readonly source?: string }) => JsonTree,
) => unknown;

/** @returns undefined for what is no JSON text (RFC 8259), or nested deeper than the stack goes. */
export function parseJson(text: string): JsonTree | undefined {
  try {
    return parseWithSource(text, (_name, value, { source }) => {
      if (typeof value === 'number') return new JsonNumber(source ?? String(value));
      // Go has no text that is no UTF-8.
      if (typeof value === 'string') return value.toWellFormed();
      if (typeof value !== 'object' || value === null) return value as boolean | null;
      if (value instanceof JsonNumber || value instanceof Map || Array.isArray(value)) return value as JsonTree;
      return new Map(
        Object.entries(value as Readonly<Record<string, JsonTree>>).map(([name, member]) => [
          name.toWellFormed(),
          member,
        ]),
      );
    }) as JsonTree;
  } catch {
    // The parser's message quotes the text.
    return undefined;
  }
}

/**
 * Compact, members in byte order of their names.
 * @param isHtmlSafe as `json.Marshal`: `<`, `>` and `&` are escaped.
 * @param printNumber as a float64 is printed, unless told otherwise.
 */
export function printJson(tree: JsonTree, isHtmlSafe: boolean, printNumber = printFloat): string {
  if (tree === null || typeof tree === 'boolean') return String(tree);
  if (typeof tree === 'string') return printString(tree, isHtmlSafe);
  if (tree instanceof JsonNumber) return printNumber(tree);
  if (isObject(tree)) {
    const members = [...tree].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const printed = members.map(
      ([name, value]) => `${printString(name, isHtmlSafe)}:${printJson(value, isHtmlSafe, printNumber)}`,
    );
    return `{${printed.join(',')}}`;
  }
  return `[${tree.map((item) => printJson(item, isHtmlSafe, printNumber)).join(',')}]`;
}

/** A value as the text of a Secret's key: upstream's `GetByteValue`. */
export function textOf(tree: JsonTree): string {
  if (tree === null) return '';
  if (typeof tree === 'string') return tree;
  if (!(tree instanceof JsonNumber)) return printJson(tree, true);
  return Number.isFinite(Number(tree.literal)) ? jsonNumberText(tree.literal) : tree.literal;
}

export function isObject(tree: JsonTree | undefined): tree is JsonObject {
  return tree instanceof Map;
}

function printString(text: string, isHtmlSafe: boolean): string {
  const unsafe = isHtmlSafe ? /[<>&\u2028\u2029]/g : /[\u2028\u2029]/g;
  return JSON.stringify(text).replaceAll(
    unsafe,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** encoding/json writes a float64 with an exponent where JavaScript does. */
function printFloat({ literal }: JsonNumber): string {
  if (/^-?\d+$/.test(literal)) return literal;
  const value = Number(literal);
  if (!Number.isFinite(value)) return literal;
  return Object.is(value, -0) ? '-0' : String(value);
}
