import type { MergeRewrite } from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { isObject, parseJson, printJson, textOf, type JsonObject, type JsonTree } from '../json/go-json.ts';
import { printable } from '../names.ts';
import { SecretValue } from '../secret-value.ts';

/**
 * `rewrite[].merge`: every value is a JSON object, and their members become the keys (strategy Extract) or one object
 * under the key `into` (strategy JSON). Objects are merged in the order of their keys, those of `priority` last and in
 * that order; the last one wins, where conflicts are allowed at all.
 *
 * @throws LatchkeyError `InvalidData` for a value that is no object, a priority that is not there, or a conflict;
 * `InvalidExternalSecret` for strategy JSON without `into`.
 */
export function mergeValues(
  values: ReadonlyMap<string, SecretValue>,
  { into = '', priority = [], priorityPolicy, conflictPolicy, strategy }: MergeRewrite,
): ReadonlyMap<string, SecretValue> {
  const isJson = strategy === 'JSON';
  if (isJson && into === '') throw new LatchkeyError('InvalidExternalSecret', 'strategy JSON needs the key "into"');
  const absent = priority.find((key) => !values.has(key));
  if (absent !== undefined && priorityPolicy !== 'IgnoreNotFound') {
    throw new LatchkeyError('InvalidData', `priority names the key "${printable(absent, 60)}", which is not there`);
  }
  const merged = new Map<string, JsonTree>();
  const conflicts = new Set<string>();
  for (const key of mergeOrder(values, priority)) {
    for (const [name, member] of objectOf(key, values.get(key))) {
      if (merged.has(name)) conflicts.add(name);
      merged.set(name, member);
    }
  }
  if (conflicts.size > 0 && conflictPolicy !== 'Ignore') {
    const names = [...conflicts]
      .sort()
      .slice(0, 5)
      .map((name) => `"${printable(name, 60)}"`);
    throw new LatchkeyError('InvalidData', `several of the merged objects have a member ${names.join(', ')}`);
  }
  if (isJson) return new Map([...values, [into, SecretValue.fromText(printJson(merged, false))]]);
  return new Map([...merged].map(([name, member]) => [name, SecretValue.fromText(textOf(member))]));
}

function mergeOrder(values: ReadonlyMap<string, SecretValue>, priority: readonly string[]): readonly string[] {
  const others = [...values.keys()].filter((key) => !priority.includes(key));
  others.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return [...others, ...priority.filter((key) => values.has(key))];
}

function objectOf(key: string, value: SecretValue | undefined): JsonObject {
  const tree = parseJson(value?.reveal().toString('utf8') ?? '');
  if (isObject(tree)) return tree;
  throw new LatchkeyError(
    'InvalidData',
    `the value of "${printable(key, 60)}" is not a JSON object and cannot be merged`,
  );
}
