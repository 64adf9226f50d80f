import type * as z from 'zod/mini';
import type { Json } from '../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/**
 * Reads a provider's section of a store. Schemas are `z.strictObject`s that name only what the provider acts on, so a
 * field it would ignore is an error instead. Null members count as absent, as in Kubernetes.
 * @param path where the section stands, for messages: `spec.provider.aws`.
 * @throws LatchkeyError `Unsupported` for a field that the schema does not name, else `InvalidProviderConfig`. Messages
 * name the field and what it must be, never what it holds.
 */
export function parseProviderConfig<T>(schema: z.ZodMiniType<T>, config: Json, path: string): T {
  const present = withoutNulls(config);
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const { issues } = result.error;
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown !== undefined) throw unsupportedField(fieldPath(path, [...unknown.path, unknown.keys[0] ?? '']));
  throw invalidConfig(path, present, issues[0]);
}

/** @param field full path of the field, or of the field and its value (`spec.provider.aws.service: ParameterStore`). */
export function unsupportedField(field: string): LatchkeyError {
  return new LatchkeyError('Unsupported', `${field} is not supported by this version`);
}

function invalidConfig(path: string, config: Json, issue: Issue | undefined): LatchkeyError {
  if (issue === undefined) return new LatchkeyError('InvalidProviderConfig', `${path} is not valid`);
  const field = fieldPath(path, issue.path);
  const isMissing = valueAt(config, issue.path) === undefined;
  const rule = isMissing ? `is required (${expectation(issue)})` : `must be ${expectation(issue)}`;
  return new LatchkeyError('InvalidProviderConfig', `${field} ${rule}`);
}

/** In our words: zod's own text may quote the input. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return /^[aeiou]/.test(issue.expected) ? `an ${issue.expected}` : `a ${issue.expected}`;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' ? 'text that is not empty' : 'larger';
    case 'invalid_format':
      return 'text of the documented form';
    default:
      return 'a documented value';
  }
}

function fieldPath(base: string, path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${printable(String(part), 64)}`),
    base,
  );
}

function valueAt(config: Json, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    return Reflect.get(value, part);
  }, config);
}

function withoutNulls(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (isArray(value)) return value.map(withoutNulls);
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member)]));
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
