import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const directory = join(import.meta.dirname, '../golden');

/** A text of a vector; bytes that are no UTF-8 stand in base64. */
type GoldenText = string | { readonly base64: string };

export interface GjsonVector {
  readonly document: GoldenText;
  readonly path: string;
  readonly exists: boolean;
  readonly value: GoldenText;
}

export interface RegexpVector {
  readonly expression: string;
  readonly text: string;
  readonly replacement: string;
  /** Go's own text. */
  readonly error?: string;
  readonly matches: boolean;
  readonly replaced: string;
}

export interface YamlVector {
  readonly text: GoldenText;
  readonly error?: string;
  readonly members: Readonly<Record<string, GoldenText>> | null;
}

export interface EncodingJsonVector {
  readonly document: GoldenText;
  readonly error?: string;
  readonly raw: Readonly<Record<string, GoldenText>> | null;
  readonly marshalled: GoldenText;
  readonly values: Readonly<Record<string, GoldenText>> | null;
  /** The same after a float64; null when a number is beyond it. */
  readonly floats: Readonly<Record<string, GoldenText>> | null;
}

interface Vectors {
  readonly gjson: readonly GjsonVector[];
  readonly regexp: readonly RegexpVector[];
  readonly yaml: readonly YamlVector[];
  readonly 'encoding-json': readonly EncodingJsonVector[];
}

/** What the real Go libraries made of tables of inputs; test/golden has the program that wrote it. */
export function goldenVectors<Name extends keyof Vectors>(name: Name): Vectors[Name] {
  return JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')) as Vectors[Name];
}

export function goldenBytes(text: GoldenText): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'utf8') : Buffer.from(text.base64, 'base64');
}

/** For comparing: one character a byte. */
export function goldenMembers(members: Readonly<Record<string, GoldenText>>): [string, string][] {
  const entries = Object.entries(members).map(([name, text]): [string, string] => [
    name,
    goldenBytes(text).toString('latin1'),
  ]);
  return entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
