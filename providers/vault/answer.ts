import { parseJson, printJson } from '../../src/core/json/go-json.ts';
import { readJsonText } from '../shared/json-text.ts';

/** What Vault says beside or instead of a secret. The texts are for sorting answers and never passed on. */
export interface VaultReport {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** The secret's version has been deleted, or destroyed for good. */
  readonly isDeleted: boolean;
}

/**
 * The secret in an answer as `json.Marshal` prints it, numbers with all their digits. Vault itself answers so; what stands
 * before it may not.
 * @returns `null` when Vault says that there is none, `undefined` when the answer has no place for one.
 */
export function readDocument(body: Buffer, version: 'v1' | 'v2'): Buffer | null | undefined {
  const data = member(body, 'data');
  const document = version === 'v1' || data === undefined ? data : member(data, 'data');
  if (document === undefined) return undefined;
  if (document.equals(NULL)) return null;
  return document.subarray(0, 1).equals(OBJECT) ? marshalled(document) : undefined;
}

/** `json.Marshal` of what was read with `UseNumber`, as Vault's own client reads. */
function marshalled(json: Buffer): Buffer | undefined {
  try {
    const tree = parseJson(json.toString('utf8'));
    return tree === undefined ? undefined : Buffer.from(printJson(tree, true, ({ literal }) => literal));
  } catch {
    // Nested deeper than the stack goes.
    return undefined;
  }
}

const NULL = Buffer.from('null');
const OBJECT = Buffer.from('{');

/**
 * What KV v2 keeps beside a secret, as upstream tells it: its custom metadata, which wins, and three of Vault's own.
 * @returns `undefined` when the answer is none about metadata.
 */
export function readMetadata(body: Buffer): ReadonlyMap<string, string> | undefined {
  const data = field(parse(body), 'data');
  if (field(data, 'versions') === undefined) return undefined;
  const own = SYSTEM_METADATA.map((name) => [name, field(data, name)] as const);
  const custom = Object.entries(field(data, 'custom_metadata') ?? {});
  const told = [...own, ...custom].filter(([, value]) => value !== undefined && value !== null);
  return new Map(told.map(([name, value]) => [name, String(value)]));
}

const SYSTEM_METADATA = ['created_time', 'current_version', 'delete_version_after'];

/** Names in a folder; folders end in a slash. `undefined` when the answer is no listing. */
export function readListing(body: Buffer): readonly string[] | undefined {
  const keys = field(field(parse(body), 'data'), 'keys');
  return Array.isArray(keys) ? texts(keys) : undefined;
}

/** What a log-in or a renewal grants. */
export interface Grant {
  readonly token: string;
  /** 0 = for ever. */
  readonly seconds: number;
  readonly isRenewable: boolean;
  /** Batch tokens are not kept by Vault: they cannot be renewed or revoked. */
  readonly isBatch: boolean;
}

/** @returns `undefined` when the answer grants no token. */
export function readGrant(body: Buffer): Grant | undefined {
  const auth = field(parse(body), 'auth');
  const token = field(auth, 'client_token');
  const seconds = field(auth, 'lease_duration');
  if (typeof token !== 'string' || token === '' || typeof seconds !== 'number') return undefined;
  const isBatch = field(auth, 'token_type') === 'batch';
  return { token, seconds, isRenewable: field(auth, 'renewable') === true, isBatch };
}

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
