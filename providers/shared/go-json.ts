/**
 * JSON as Go's `json.Marshal` prints it, which is what upstream hands out: compact, members sorted by their bytes, and `<`,
 * `>`, `&` and the two line separators of Unicode escaped.
 */

/** Go gives up at ten thousand; no honest secret has ten. */
const MOST_LEVELS = 1_000;
const HTML_CHARACTERS = /[<>&\u2028\u2029]/g;
const INTEGER = /^-?\d+$/;

class NumberLiteral {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Reviver = (this: unknown, name: string, value: unknown, context: { readonly source?: string }) => unknown;
/** TypeScript's library does not know yet that a reviver is told how its value was spelled. */
const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/**
 * Prints a JSON text anew; of two members of one name the last counts.
 * @param number prints a number literal; without it they stay as they are spelled.
 * @returns `undefined` when it is no JSON text, or nested beyond reason.
 */
export function marshalled(json: Buffer, number = (literal: string): string => literal): Buffer | undefined {
  try {
    const value = parse(json.toString('utf8'), (_name, member, { source = '' }) =>
      typeof member === 'number' ? new NumberLiteral(source) : member,
    );
    const text = print(value, number, 0);
    return text === undefined ? undefined : Buffer.from(text);
  } catch {
    // The parser's message quotes the document, and its stack may end first; that it cannot be read is all there is to know.
    return undefined;
  }
}

/** A number within a map or list that went through a float64, except that integers keep all their digits. */
export function floatText(literal: string): string {
  const value = Number(literal);
  if (INTEGER.test(literal) || !Number.isFinite(value)) return literal;
  return Object.is(value, -0) ? '-0' : String(value);
}

function print(value: unknown, number: (literal: string) => string, level: number): string | undefined {
  if (level > MOST_LEVELS) return undefined;
  if (value instanceof NumberLiteral) return number(value.text);
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => print(item, number, level + 1));
    return items.includes(undefined) ? undefined : `[${items.join(',')}]`;
  }
  const members: string[] = [];
  for (const name of Object.keys(value).toSorted(byBytes)) {
    const member = print(Reflect.get(value, name), number, level + 1);
    if (member === undefined) return undefined;
    members.push(`${quoted(name)}:${member}`);
  }
  return `{${members.join(',')}}`;
}

function quoted(text: string): string {
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text.toWellFormed()).replaceAll(HTML_CHARACTERS, escape);
}

/** JavaScript would sort by UTF-16 units. */
function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
