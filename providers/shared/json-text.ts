/** A member of a JSON object with its value exactly as the document spells it. */
export interface JsonMember {
  readonly name: string;
  /** The value's source bytes, without the whitespace around them. */
  readonly raw: Buffer;
}

/** What a JSON text is at the top. `members` keep the order of the text, duplicates included. */
export type JsonText =
  | { readonly kind: 'object'; readonly members: readonly JsonMember[] }
  | { readonly kind: 'array' }
  | { readonly kind: 'scalar' };

const SPACE = /[ \t\n\r]*/y;
const BARE_VALUE = /[^,\]} \t\n\r]*/y;

/**
 * Splits a JSON text into its top-level members without re-printing any value: `JSON.parse` would lose how numbers are
 * spelled, inner whitespace and duplicate members.
 * @returns `undefined` when the bytes are no JSON text (RFC 8259).
 */
export function readJsonText(bytes: Buffer): JsonText | undefined {
  // One character per byte: offsets into the text are offsets into the bytes, and bytes ≥ 0x80, which JSON allows only
  // inside strings, pass unchanged even where they are not UTF-8.
  const text = bytes.toString('latin1');
  if (!isJson(text)) return undefined;
  const start = matchEnd(SPACE, text, 0);
  if (text[start] === '[') return { kind: 'array' };
  if (text[start] !== '{') return { kind: 'scalar' };
  return { kind: 'object', members: readMembers(bytes, text, start) };
}

/** Bytes of a JSON string's content. `raw` has its quotes. Without escapes the bytes are the document's own. */
export function unquoteJsonString(raw: Buffer): Buffer {
  const content = raw.subarray(1, -1);
  if (!content.includes('\\')) return content;
  const text: unknown = JSON.parse(raw.toString('utf8'));
  return Buffer.from(String(text), 'utf8');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // The parser's message quotes the document; that it is no JSON is all there is to know.
    return false;
  }
}

/** Expects valid JSON: every look-ahead relies on it. */
function readMembers(bytes: Buffer, text: string, start: number): JsonMember[] {
  const members: JsonMember[] = [];
  let at = matchEnd(SPACE, text, start + 1);
  while (text[at] !== '}') {
    const nameEnd = stringEnd(text, at);
    const name = unquoteJsonString(bytes.subarray(at, nameEnd)).toString('utf8');
    const colon = matchEnd(SPACE, text, nameEnd);
    const valueStart = matchEnd(SPACE, text, colon + 1);
    const end = valueEnd(text, valueStart);
    members.push({ name, raw: bytes.subarray(valueStart, end) });
    at = matchEnd(SPACE, text, end);
    if (text[at] === ',') at = matchEnd(SPACE, text, at + 1);
  }
  return members;
}

function valueEnd(text: string, start: number): number {
  if (text[start] === '"') return stringEnd(text, start);
  if (text[start] === '{' || text[start] === '[') return containerEnd(text, start);
  return matchEnd(BARE_VALUE, text, start);
}

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Counts depth in a loop: a document nested a million deep must not exhaust the stack. */
function containerEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const character = text[at];
    if (character === '"') {
      at = stringEnd(text, at);
      continue;
    }
    if (character === '{' || character === '[') depth += 1;
    if (character === '}' || character === ']') depth -= 1;
    at += 1;
  } while (depth > 0);
  return at;
}

function matchEnd(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}
