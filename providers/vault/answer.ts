import { readJsonText } from '../shared/json-text.ts';

/** What Vault says beside or instead of a secret. The texts are for sorting answers and never passed on. */
export interface VaultReport {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** The secret's version has been deleted, or destroyed for good. */
  readonly isDeleted: boolean;
}

/**
 * The secret in an answer, as the JSON text that Vault spells: compact, members sorted, `<`, `>` and `&` escaped, which is
 * just what upstream makes of it, and numbers with all their digits.
 * @returns `null` when Vault says that there is none, `undefined` when the answer has no place for one.
 */
export function readDocument(body: Buffer, version: 'v1' | 'v2'): Buffer | null | undefined {
  const data = member(body, 'data');
  const document = version === 'v1' || data === undefined ? data : member(data, 'data');
  return document?.equals(NULL) === true ? null : document;
}

const NULL = Buffer.from('null');

/** @returns `undefined` when the body is not one of Vault's: a proxy's page, an empty answer. */
export function readReport(body: Buffer): VaultReport | undefined {
  const answer = parse(body);
  const errors = field(answer, 'errors');
  const metadata = field(field(answer, 'data'), 'metadata');
  const isReport = Array.isArray(errors) || field(answer, 'request_id') !== undefined;
  if (!isReport) return undefined;
  return {
    errors: texts(errors),
    warnings: texts(field(answer, 'warnings')),
    isDeleted: field(metadata, 'destroyed') === true || Boolean(field(metadata, 'deletion_time')),
  };
}

function member(json: Buffer, name: string): Buffer | undefined {
  const text = readJsonText(json);
  return text?.kind === 'object' ? text.members.find((candidate) => candidate.name === name)?.raw : undefined;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // The parser's message quotes the body; that it is no JSON is all there is to know.
    return undefined;
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
