import type { Find, RemoteRef } from '../api/external-secrets.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import type { SecretValue } from '../core/secret-value.ts';
import type { GoLibraries } from '../ports/go-libraries.ts';
import type { DocumentRef, DocumentResult, FindQuery, SecretsClient } from '../ports/provider.ts';

/** What is asked of one store for one ExternalSecret: documents, what is kept beside them, and searches. */
export type Read =
  { readonly kind: 'value' | 'metadata'; readonly ref: DocumentRef } | { readonly kind: 'find'; readonly find: Find };

/** What came of it. */
export type ReadResult = DocumentResult | { readonly found: ReadonlyMap<string, SecretValue> };

/** The same for whatever asks for the same. */
export function readId(read: Read): string {
  return read.kind === 'find'
    ? JSON.stringify(['find', read.find])
    : JSON.stringify([read.kind, read.ref.key, read.ref.version]);
}

export function readOf(ref: RemoteRef): Read {
  const { key, version, metadataPolicy } = ref;
  const kind = metadataPolicy === 'Fetch' ? 'metadata' : 'value';
  return { kind, ref: version === undefined || version === '' ? { key } : { key, version } };
}

/** Asks for everything once, all of it at a time: the client sees to batches, turns and retries. Each read's error is its own. */
export async function fetchAll(
  client: SecretsClient,
  reads: ReadonlyMap<string, Read>,
  go: GoLibraries,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadResult>> {
  const answers = [...reads].map(async ([id, read]) => [id, await fetchOne(client, read, go, signal)] as const);
  return new Map(await Promise.all(answers));
}

async function fetchOne(client: SecretsClient, read: Read, go: GoLibraries, signal: AbortSignal): Promise<ReadResult> {
  try {
    switch (read.kind) {
      case 'value':
        return { document: await client.getSecret(read.ref, signal) };
      case 'metadata':
        if (client.getMetadata === undefined) throw unsupported('metadataPolicy Fetch');
        return { document: await client.getMetadata(read.ref, signal) };
      case 'find':
        if (client.findSecrets === undefined) throw unsupported('find');
        return { found: await client.findSecrets(queryOf(read.find, go, signal), signal) };
    }
  } catch (error) {
    return { error: asLatchkeyError(error) };
  }
}

function queryOf({ path, name, tags }: Find, go: GoLibraries, signal: AbortSignal): FindQuery {
  const expression = name?.regexp;
  return {
    ...(path !== undefined && { path }),
    ...(tags !== undefined && { tags }),
    ...(expression !== undefined && { matchNames: (names) => go.matches(expression, names, signal) }),
  };
}

function unsupported(what: string): LatchkeyError {
  return new LatchkeyError('Unsupported', `${what} is not something that this store’s provider can do`);
}
