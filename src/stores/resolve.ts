import type { ExternalSecret, RemoteRef } from '../api/external-secrets.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { assertSecretKey, convertKeys } from '../core/external-secret/convert-key.ts';
import { decodeValue } from '../core/external-secret/decode-value.ts';
import { storeKeyOf, type Entry } from '../core/external-secret/sources.ts';
import { printable } from '../core/names.ts';
import type { SecretValue } from '../core/secret-value.ts';
import { permittedKeys } from '../core/store/permitted-keys.ts';
import { describeStore } from '../core/store/store-key.ts';
import { syncedResourceVersion } from '../core/target/object-hash.ts';
import type { GoLibraries, JsonPathQuery } from '../ports/go-libraries.ts';
import type { CircuitBreakers } from './circuit-breakers.ts';
import { identityOf, type ClientCache, type OpenStore } from './client-cache.ts';
import { fetchAll, readId, readOf, type Read, type ReadResult } from './fetch.ts';
import { rewriteKeys } from './rewrite.ts';
import type { PermittedStore } from './store-lookup.ts';
import type { NamespaceSummary } from './views.ts';

export interface ResolverOptions {
  readonly clients: ClientCache;
  readonly breakers: CircuitBreakers;
  readonly go: GoLibraries;
}

export interface ResolveQuestion {
  readonly externalSecret: ExternalSecret;
  readonly namespace: NamespaceSummary;
  /** All stores that the ExternalSecret names. */
  readonly stores: readonly PermittedStore[];
  readonly signal: AbortSignal;
}

export interface Resolved {
  readonly values: ReadonlyMap<string, SecretValue>;
  /** Fields that were left out: the backend does not have what they name, and the deletion policy allows that. */
  readonly missing: readonly string[];
}

/** One entry of `dataFrom` or `data`, and what is asked for it. */
interface Item {
  readonly entry: Entry;
  /** `spec.data[0] (secretKey "password")`. */
  readonly where: string;
  readonly read: Read;
  readonly readId: string;
  readonly source: Source;
}

/** One store, and what it answered. */
interface Source extends PermittedStore {
  readonly reads: Map<string, Read>;
  results: ReadonlyMap<string, ReadResult>;
  opened: OpenStore | undefined;
  /** Why the store as a whole did not answer. */
  error: LatchkeyError | undefined;
}

/**
 * Fetches what an ExternalSecret asks for: `dataFrom` in order, later keys win; then `data`, which wins over it. Each
 * document is fetched once, however many properties are read from it. All or nothing: the first error is the outcome,
 * except that deletion policies Delete and Merge leave out what the backend does not have. What the backend has just
 * refused is not asked for again.
 *
 * Order of steps, from upstream's controller: fetch, property, rewrite, conversion where there is no rewrite, decoding.
 */
export class Resolver {
  readonly #options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.#options = options;
  }

  /** @throws LatchkeyError naming the field, `spec.data[0] (secretKey "password"): …`. */
  async resolve(question: ResolveQuestion): Promise<Resolved> {
    try {
      return await this.#resolve(question);
    } catch (cause) {
      // A manifest that no API server has judged may have anything anywhere.
      throw asLatchkeyError(cause);
    }
  }

  async #resolve(question: ResolveQuestion): Promise<Resolved> {
    const { externalSecret, stores, signal } = question;
    const sources = stores.map((each): Source => ({ ...each, ...NOTHING_YET, reads: new Map() }));
    const items = itemsOf(externalSecret, sources);
    await Promise.all(sources.map((source) => this.#fetch(source, question)));
    const go = this.#options.go.inNamespace(question.namespace.name);
    const properties = await readProperties(items, go, signal);
    return this.#assemble(question, items, properties);
  }

  /** Never rejects: what fails is noted with the source or the read that it concerns. */
  async #fetch(source: Source, { externalSecret, signal }: ResolveQuestion): Promise<void> {
    const { clients, breakers } = this.#options;
    const { namespace = '' } = externalSecret.metadata;
    const go = this.#options.go.inNamespace(namespace);
    try {
      await breakers.run(identityOf(source.store, namespace), async () => {
        source.opened = await clients.open(source.storeKey, source.store, namespace, signal);
        const refusal = source.opened.refusals.recall(askedFor(externalSecret));
        if (refusal !== undefined) throw refusal;
        source.results = await fetchAll(source.opened.client, source.reads, go, signal);
        for (const result of source.results.values()) if ('error' in result) throw result.error;
      });
    } catch (cause) {
      if (source.results.size === 0) source.error = asLatchkeyError(cause);
    }
  }

  async #assemble(
    { externalSecret, namespace, signal }: ResolveQuestion,
    items: readonly Item[],
    properties: ReadonlyMap<Item, SecretValue>,
  ): Promise<Resolved> {
    const values = new Map<string, SecretValue>();
    const missing: string[] = [];
    const mayBeMissing = ['Delete', 'Merge'].includes(externalSecret.spec.target?.deletionPolicy ?? 'Retain');
    for (const item of items) {
      const { source } = item;
      if (source.error !== undefined) throw ofStore(source, items);
      try {
        for (const [key, value] of await this.#valuesOf(item, properties, namespace, signal)) values.set(key, value);
      } catch (cause) {
        const error = asLatchkeyError(cause);
        if (error.code !== 'SecretNotFound' || !mayBeMissing) {
          const told = error.within(item.where);
          source.opened?.refusals.note(askedFor(externalSecret), told);
          throw told;
        }
        missing.push(item.where);
      }
    }
    return { values, missing };
  }

  async #valuesOf(
    item: Item,
    properties: ReadonlyMap<Item, SecretValue>,
    namespace: NamespaceSummary,
    signal: AbortSignal,
  ): Promise<Iterable<readonly [string, SecretValue]>> {
    const { entry } = item;
    if ('secretKey' in entry) {
      assertSecretKey(entry.secretKey);
      return [[entry.secretKey, decodeValue(valueOf(item, entry.remoteRef, properties), entry.remoteRef)]];
    }
    const { extract, find, rewrite = [] } = entry;
    const strategies = extract ?? find ?? {};
    const named =
      extract === undefined
        ? await foundBy(item, namespace)
        : (item.source.opened?.documents.map(valueOf(item, extract, properties)) ?? new Map<string, SecretValue>());
    const keyed =
      rewrite.length > 0
        ? await rewriteKeys(named, rewrite, this.#options.go.inNamespace(namespace.name), signal)
        : convertKeys(named, strategies.conversionStrategy);
    return [...keyed].flatMap(([key, value]) => {
      if (key === '') return [];
      assertSecretKey(key);
      return [[key, decodeNamed(key, value, strategies)] as const];
    });
  }
}

/** The properties that are there; those that take gjson in one call. */
async function readProperties(
  items: readonly Item[],
  go: GoLibraries,
  signal: AbortSignal,
): Promise<ReadonlyMap<Item, SecretValue>> {
  const values = new Map<Item, SecretValue>();
  const queries: (JsonPathQuery & { readonly item: Item })[] = [];
  for (const item of items) {
    const { property = '' } = refOf(item) ?? {};
    const result = item.source.results.get(item.readId);
    if (property === '' || result === undefined || !('document' in result)) continue;
    const reading = item.source.opened?.documents.property(result.document, property) ?? { paths: [] };
    if ('value' in reading) values.set(item, reading.value);
    else if (reading.paths.length > 0) queries.push({ item, document: result.document, paths: reading.paths });
  }
  if (queries.length === 0) return values;
  const found = await go.jsonPaths(queries, signal);
  for (const [position, { item }] of queries.entries()) {
    const value = found[position];
    if (value !== undefined) values.set(item, value);
  }
  return values;
}

const NOTHING_YET = { results: new Map<string, ReadResult>(), opened: undefined, error: undefined };

function itemsOf(externalSecret: ExternalSecret, sources: readonly Source[]): readonly Item[] {
  const { dataFrom = [], data = [] } = externalSecret.spec;
  const item = (entry: Entry, where: string, read: Read): Item => {
    const wanted = describeStore(storeKeyOf(externalSecret, entry));
    const source = sources.find(({ storeKey }) => describeStore(storeKey) === wanted);
    if (source === undefined) throw new LatchkeyError('Internal', `${where}: ${wanted} was not looked up`);
    const id = readId(read);
    source.reads.set(id, read);
    return { entry, where, read, readId: id, source };
  };
  return [
    ...dataFrom.flatMap((entry, index) => {
      const where = `spec.dataFrom[${index}]`;
      if (entry.extract !== undefined) return [item(entry, `${where}.extract`, readOf(entry.extract))];
      return entry.find === undefined ? [] : [item(entry, `${where}.find`, { kind: 'find', find: entry.find })];
    }),
    ...data.map((entry, index) =>
      item(entry, `spec.data[${index}] (secretKey "${printable(entry.secretKey, 60)}")`, readOf(entry.remoteRef)),
    ),
  ];
}

function refOf({ entry }: Item): RemoteRef | undefined {
  return 'secretKey' in entry ? entry.remoteRef : entry.extract;
}

/** @throws LatchkeyError the read's own error, or `PropertyNotFound`. */
function valueOf(
  item: Item,
  { key, property = '' }: RemoteRef,
  properties: ReadonlyMap<Item, SecretValue>,
): SecretValue {
  const result = resultOf(item);
  if (!('document' in result)) throw new LatchkeyError('Internal', `"${printable(key)}" was not read as a document`);
  if (property === '') return result.document;
  const value = properties.get(item);
  if (value !== undefined) return value;
  throw new LatchkeyError('PropertyNotFound', `secret "${printable(key)}" has no property "${printable(property)}"`);
}

/** What a search found and the namespace may see: the names of the others are nobody's business there. */
async function foundBy(item: Item, namespace: NamespaceSummary): Promise<ReadonlyMap<string, SecretValue>> {
  const result = resultOf(item);
  if (!('found' in result)) throw new LatchkeyError('Internal', 'a search was not made');
  const isPermitted = await permittedKeys(namespace);
  const permitted = new Map([...result.found].filter(([name]) => isPermitted?.(name) !== false));
  const { opened } = item.source;
  if (opened?.convertsFoundNames !== true || !('find' in item.entry)) return permitted;
  return convertKeys(permitted, item.entry.find?.conversionStrategy);
}

function resultOf({ source, readId: id }: Item): Exclude<ReadResult, { error: LatchkeyError }> {
  const result = source.results.get(id);
  if (result === undefined) throw new LatchkeyError('Internal', 'something was not fetched');
  if ('error' in result) throw result.error;
  return result;
}

function decodeNamed(key: string, value: SecretValue, strategies: Parameters<typeof decodeValue>[1]): SecretValue {
  try {
    return decodeValue(value, strategies);
  } catch (cause) {
    throw asLatchkeyError(cause).within(`key "${printable(key, 60)}"`);
  }
}

/** Where several stores are asked, which one it was. */
function ofStore({ error, storeKey }: Source, items: readonly Item[]): LatchkeyError {
  const told = error ?? new LatchkeyError('Internal', 'a store did not answer');
  return new Set(items.map(({ source }) => source)).size === 1 ? told : told.within(describeStore(storeKey));
}

/** Under which name a refusal is remembered: another version of the ExternalSecret asks anew. */
function askedFor({ metadata }: ExternalSecret): string {
  return `${metadata.uid}/${syncedResourceVersion(metadata)}`;
}
