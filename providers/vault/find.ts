import { LatchkeyError } from '../../src/core/errors.ts';
import type { SecretValue } from '../../src/core/secret-value.ts';
import { MOST_FOUND } from '../../src/ports/provider.ts';
import type { FindQuery } from '../../src/ports/provider.ts';
import { atMost } from '../shared/limit.ts';
import { below, folderAt } from './path.ts';
import type { Folder } from './path.ts';

/** Requests that one search has under way. */
const MOST_AT_ONCE = 8;
/** Far beyond any tree that people keep; a server could make up folders without end. */
const MOST_FOLDERS = 10_000;
/** Names in the listing of one folder. */
const MOST_LISTED = 100_000;
/** Secrets whose tags may have to be asked for, each by a call of its own. */
const MOST_TAGS_ASKED = 10_000;

/** A KV engine by API paths; names are for messages. All throw as `SecretsClient.getSecret`. */
export interface KvEngine {
  readonly version: 'v1' | 'v2';
  read(at: Folder, name: string, signal: AbortSignal): Promise<SecretValue>;
  metadata(at: Folder, name: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  list(at: Folder, name: string, signal: AbortSignal): Promise<readonly string[]>;
}

/**
 * Walks the folders below the query's path. Names are the path and what is below it; tags are custom metadata. What is
 * deleted meanwhile is left out.
 * @throws LatchkeyError `SecretNotFound` when there is no such folder, `InvalidExternalSecret` for too much.
 */
export async function findIn(
  engine: KvEngine,
  mount: Parameters<typeof folderAt>[1],
  query: FindQuery,
  caller: AbortSignal,
): Promise<ReadonlyMap<string, SecretValue>> {
  const tags = Object.entries(query.tags ?? {});
  if (engine.version === 'v1' && tags.length > 0) {
    throw unanswerable('KV v1 keeps no metadata, so nothing can be found by tags there');
  }
  const stop = new AbortController();
  const signal = AbortSignal.any([caller, stop.signal]);
  const inTurn = atMost(MOST_AT_ONCE);
  const found = new Map<string, SecretValue>();
  let folders = 0;
  let candidates = 0;

  /** What goes wrong at one place ends the walk everywhere; what is gone is `undefined`. */
  const ask = <T>(question: () => Promise<T>): Promise<T | undefined> =>
    inTurn(async () => {
      try {
        return await question();
      } catch (error) {
        if (error instanceof LatchkeyError && error.code === 'SecretNotFound') return undefined;
        stop.abort(error);
        throw error;
      }
    });

  const hasTags = async (at: Folder, name: string): Promise<boolean> => {
    if (tags.length === 0) return true;
    const metadata = await ask(() => engine.metadata(at, name, signal));
    return metadata !== undefined && tags.every(([tag, value]) => metadata.get(tag) === value);
  };

  const take = async (at: Folder, name: string): Promise<void> => {
    if (!(await hasTags(at, name))) return;
    const value = await ask(() => engine.read(at, name, signal));
    if (value === undefined) return;
    if (found.size >= MOST_FOUND) throw unanswerable(`find gives more than ${MOST_FOUND} secrets: make it narrower`);
    found.set(name, value);
  };

  const walk = async (at: Folder, names: readonly string[], prefix: string): Promise<void> => {
    const leaves = names.filter((name) => !name.endsWith('/')).map((name) => `${prefix}${name}`);
    if (names.length > MOST_LISTED) throw unanswerable(`find meets more than ${MOST_LISTED} names in one folder`);
    const isWanted = (await query.matchNames?.(leaves)) ?? leaves.map(() => true);
    const wanted = leaves.filter((_, index) => isWanted[index] === true);
    // Before anything is read: each costs memory until its turn comes.
    candidates += wanted.length;
    if (candidates > (tags.length === 0 ? MOST_FOUND : MOST_TAGS_ASKED)) {
      throw unanswerable(`find gives more than ${MOST_FOUND} secrets: make it narrower`);
    }
    const entries = (named: readonly string[]): (readonly [Folder, string])[] =>
      named.flatMap((name) => {
        const entry = below(at, name.slice(prefix.length));
        return entry === undefined ? [] : [[entry, name] as const];
      });
    const subfolders = names.filter((name) => name.endsWith('/')).map((name) => `${prefix}${name}`);
    folders += subfolders.length;
    if (folders > MOST_FOLDERS)
      throw unanswerable(`find leads through more than ${MOST_FOLDERS} folders: make it narrower`);
    await Promise.all([
      ...entries(wanted).map(([entry, name]) => take(entry, name)),
      ...entries(subfolders).map(async ([entry, name]) => {
        const listed = await ask(() => engine.list(entry, name, signal));
        if (listed !== undefined) await walk(entry, listed, name);
      }),
    ]);
  };

  const path = (query.path ?? '').replace(/\/+$/, '');
  const root = folderAt(path, mount);
  try {
    await walk(root, await engine.list(root, path, signal), path === '' ? '' : `${path}/`);
  } catch (error) {
    stop.abort(error);
    // What others said when they were stopped may come here first.
    throw stop.signal.reason;
  }
  return new Map([...found].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function unanswerable(words: string): LatchkeyError {
  return new LatchkeyError('InvalidExternalSecret', words);
}
