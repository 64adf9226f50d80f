import type { ExternalSecret, RemoteRef, SecretStore } from '../api/external-secrets.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { assertSecretKey, convertKey } from '../core/external-secret/convert-key.ts';
import { printable } from '../core/names.ts';
import type { SecretValue } from '../core/secret-value.ts';
import type { StoreKey } from '../core/store/store-access.ts';
import { syncedResourceVersion } from '../core/target/object-hash.ts';
import type { DocumentRef, DocumentResult, SecretsClient } from '../ports/provider.ts';
import type { ClientCache, OpenStore } from './client-cache.ts';

/** Reads at once from one store for one ExternalSecret; more wait. */
const PARALLEL_READS = 8;

/**
 * Fetches what an ExternalSecret asks for: `dataFrom` in order, later keys win; then `data`, which wins over it. Each
 * document is fetched once, however many properties are read from it. All or nothing: the first error is the outcome,
 * except that deletion policies Delete and Merge leave out what the backend does not have. What the backend has just
 * refused is not asked for again.
 *
 * @throws LatchkeyError naming the field, `spec.data[0] (secretKey "password"): …`.
 */
export async function resolveExternalSecret(
  externalSecret: ExternalSecret,
  key: StoreKey,
  store: SecretStore,
  clients: ClientCache,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SecretValue>> {
  const opened = await clients.open(key, store, externalSecret.metadata.namespace ?? '', signal);
  const asked = `${externalSecret.metadata.uid}/${syncedResourceVersion(externalSecret.metadata)}`;
  const refusal = opened.refusals.recall(asked);
  if (refusal !== undefined) throw refusal;
  try {
    return valuesOf(externalSecret, await fetchDocuments(externalSecret, opened.client, signal), opened);
  } catch (cause) {
    const error = asLatchkeyError(cause);
    opened.refusals.note(asked, error);
    throw error;
  }
}

function valuesOf({ spec }: ExternalSecret, documents: Documents, opened: OpenStore): ReadonlyMap<string, SecretValue> {
  const values = new Map<string, SecretValue>();
  const mayBeMissing = ['Delete', 'Merge'].includes(spec.target?.deletionPolicy ?? 'Retain');
  const within = (where: string, work: () => void): void => {
    try {
      work();
    } catch (cause) {
      const error = asLatchkeyError(cause);
      if (error.code !== 'SecretNotFound' || !mayBeMissing) throw error.within(where);
    }
  };
  (spec.dataFrom ?? []).forEach(({ extract }, index) => {
    if (extract === undefined) return;
    within(`spec.dataFrom[${index}].extract`, () => {
      for (const [name, value] of extracted(extract, documents, opened)) values.set(name, value);
    });
  });
  (spec.data ?? []).forEach(({ secretKey, remoteRef }, index) => {
    within(`spec.data[${index}] (secretKey "${printable(secretKey, 60)}")`, () => {
      assertSecretKey(secretKey);
      values.set(secretKey, read(remoteRef, documents, opened));
    });
  });
  return values;
}

type Documents = ReadonlyMap<string, DocumentResult>;

const idOf = ({ key, version }: DocumentRef): string => JSON.stringify([key, version ?? '']);

async function fetchDocuments(
  { spec }: ExternalSecret,
  client: SecretsClient,
  signal: AbortSignal,
): Promise<Documents> {
  const refs = [
    ...(spec.dataFrom ?? []).flatMap(({ extract }) => (extract === undefined ? [] : [extract])),
    ...(spec.data ?? []).map(({ remoteRef }) => remoteRef),
  ].map(({ key, version }): DocumentRef => (version === undefined || version === '' ? { key } : { key, version }));
  const distinct = [...new Map(refs.map((ref) => [idOf(ref), ref])).values()];
  const results =
    client.getSecrets === undefined
      ? await readEach(client, distinct, signal)
      : await client.getSecrets(distinct, signal);
  return new Map(
    distinct.map((ref, position) => {
      const missing = new LatchkeyError('BackendResponseInvalid', `the answer for "${printable(ref.key)}" is missing`);
      return [idOf(ref), results[position] ?? { error: missing }];
    }),
  );
}

async function readEach(
  client: SecretsClient,
  refs: readonly DocumentRef[],
  signal: AbortSignal,
): Promise<readonly DocumentResult[]> {
  const results: DocumentResult[] = [];
  const queue = refs.entries();
  const worker = async (): Promise<void> => {
    for (const [position, ref] of queue) {
      try {
        results[position] = { document: await client.getSecret(ref, signal) };
      } catch (error) {
        results[position] = { error: asLatchkeyError(error) };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, refs.length) }, worker));
  return results;
}

function documentOf(ref: RemoteRef, documents: Documents): SecretValue {
  const result = documents.get(idOf(ref));
  if (result === undefined) throw new LatchkeyError('Internal', `"${printable(ref.key)}" was not fetched`);
  if ('error' in result) throw result.error;
  return result.document;
}

function read(ref: RemoteRef, documents: Documents, { documents: reader }: OpenStore): SecretValue {
  const document = documentOf(ref, documents);
  if (ref.property === undefined || ref.property === '') return document;
  const reading = reader.property(document, ref.property);
  if ('value' in reading) return reading.value;
  if (reading.paths.length > 0) {
    throw new LatchkeyError(
      'Unsupported',
      `property "${printable(ref.property)}" is a path, which is not supported yet`,
    );
  }
  throw new LatchkeyError(
    'PropertyNotFound',
    `secret "${printable(ref.key)}" has no property "${printable(ref.property)}"`,
  );
}

function extracted(ref: RemoteRef, documents: Documents, opened: OpenStore): ReadonlyMap<string, SecretValue> {
  const converted = new Map<string, SecretValue>();
  for (const [name, value] of opened.documents.map(read(ref, documents, opened))) {
    const key = convertKey(name);
    if (key === '') continue;
    if (converted.has(key)) {
      throw new LatchkeyError(
        'InvalidData',
        `two members of "${printable(ref.key)}" become the key "${printable(key, 60)}"`,
      );
    }
    assertSecretKey(key);
    converted.set(key, value);
  }
  return converted;
}
