/**
 * Does `actual` hold everything that `wanted` says? What others added beside it does not count. Lists of named things
 * (`webhooks`, `matchConditions`) are matched by name, other lists entry by entry.
 */
export function covers(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return Array.isArray(actual) && coversList(actual, wanted);
  if (!isRecord(wanted)) return actual === wanted;
  return isRecord(actual) && Object.entries(wanted).every(([key, value]) => covers(actual[key], value));
}

function coversList(actual: readonly unknown[], wanted: readonly unknown[]): boolean {
  if (wanted.length > 0 && wanted.every((item) => nameOf(item) !== undefined)) {
    return wanted.every((item) => actual.some((other) => nameOf(other) === nameOf(item) && covers(other, item)));
  }
  return actual.length === wanted.length && wanted.every((item, index) => covers(actual[index], item));
}

function nameOf(value: unknown): unknown {
  return isRecord(value) ? value['name'] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
