import { LatchkeyError } from '../../src/core/errors.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import { MOST_FOUND } from '../../src/ports/provider.ts';
import type { FindQuery } from '../../src/ports/provider.ts';
import type { FakeConfig } from './schema.ts';

/**
 * Keys by name, each in the version that comes last in the alphabet; the path means nothing.
 * @throws LatchkeyError `InvalidExternalSecret` for tags, which there are none of, and for too much.
 */
export async function find(
  { data }: FakeConfig,
  { matchNames, tags }: FindQuery,
): Promise<ReadonlyMap<string, SecretValue>> {
  if (matchNames === undefined || tags !== undefined) throw refusal('the fake provider finds by name only');
  const last = new Map<string, FakeConfig['data'][number]>();
  for (const entry of data) {
    const { version = '' } = last.get(entry.key) ?? {};
    if ((entry.version ?? '') >= version) last.set(entry.key, entry);
  }
  const keys = [...last.keys()];
  const isMatch = keys.length === 0 ? [] : await matchNames(keys);
  const found = [...last].filter((_, index) => isMatch[index]);
  if (found.length > MOST_FOUND) throw refusal(`find gives more than ${MOST_FOUND} secrets: make it narrower`);
  return new Map(found.map(([key, { value }]) => [key, SecretValue.fromText(value)]));
}

function refusal(words: string): LatchkeyError {
  return new LatchkeyError('InvalidExternalSecret', words);
}
