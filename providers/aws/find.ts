import { LatchkeyError } from '../../src/core/errors.ts';
import type { SecretValue } from '../../src/core/secret-value.ts';
import { MOST_FOUND } from '../../src/ports/provider.ts';
import type { FindQuery } from '../../src/ports/provider.ts';
import type { BatchReader } from './batches.ts';

/** @throws LatchkeyError `InvalidExternalSecret` for a search that would give everything there is. */
export function assertSelective({ matchNames, tags = {} }: FindQuery): void {
  if (matchNames !== undefined || Object.keys(tags).length > 0) return;
  throw new LatchkeyError('InvalidExternalSecret', 'find must have a name or tags');
}

/**
 * What a found name begins with. A path below the store's prefix may be spelled with or without it, since upstream takes
 * it as it is.
 */
export function beginningOf(prefix: string, path = ''): string {
  return path.startsWith(prefix) ? path : `${prefix}${path}`;
}

/** The names that a search is for, page by page. */
export class FoundNames {
  readonly #query: FindQuery;
  readonly #names: string[] = [];

  constructor(query: FindQuery) {
    this.#query = query;
  }

  get all(): readonly string[] {
    return this.#names;
  }

  /** @returns those of the page that match. @throws LatchkeyError `InvalidExternalSecret` as soon as there are too many. */
  async add(page: readonly string[]): Promise<readonly string[]> {
    const { matchNames } = this.#query;
    const isMatch = page.length > 0 ? await matchNames?.(page) : [];
    const names = isMatch === undefined ? page : page.filter((_, index) => isMatch[index]);
    this.#names.push(...names);
    if (this.#names.length <= MOST_FOUND) return names;
    throw new LatchkeyError('InvalidExternalSecret', `find gives more than ${MOST_FOUND} secrets: make it narrower`);
  }
}

/** Reads what was found; what is gone meanwhile is left out. @throws LatchkeyError the first other error. */
export async function readFound(
  names: readonly string[],
  reader: BatchReader,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SecretValue>> {
  const results = await reader.read(
    names.map((name) => ({ id: name, ref: { key: name } })),
    signal,
  );
  const found = new Map<string, SecretValue>();
  results.forEach((result, index) => {
    if ('document' in result) found.set(names[index] ?? '', result.document);
    else if (result.error.code !== 'SecretNotFound') throw result.error;
  });
  return found;
}
