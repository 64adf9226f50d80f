import { LatchkeyError } from '../../src/core/errors.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import { MOST_FOUND, type FindQuery } from '../../src/ports/provider.ts';
import type { FakeConfig } from './schema.ts';

/**
 * All keys whose name is wanted, each in its highest version (compared as text, as upstream does). There are no tags
 * here, and `path` has no meaning.
 * @throws LatchkeyError `InvalidExternalSecret` for a search that is not by name alone, or finds too much.
 */
export async function findIn({ data }: FakeConfig, query: FindQuery): Promise<ReadonlyMap<string, SecretValue>> {
  const { matchNames, tags = {} } = query;
  if (matchNames === undefined || Object.keys(tags).length > 0) {
    throw new LatchkeyError('InvalidExternalSecret', 'the fake provider finds by name.regexp only');
  }
  const latest = new Map<string, FakeConfig['data'][number]>();
  for (const entry of data) {
    if ((entry.version ?? '') >= (latest.get(entry.key)?.version ?? '')) latest.set(entry.key, entry);
  }
  const entries = [...latest.values()];
  const isWanted = await matchNames(entries.map(({ key }) => key));
  const found = entries.filter((_, position) => isWanted[position] === true);
  if (found.length > MOST_FOUND) {
    throw new LatchkeyError('InvalidExternalSecret', `the search finds more than ${MOST_FOUND} secrets`);
  }
  return new Map(found.map(({ key, value }) => [key, SecretValue.fromText(value)]));
}
