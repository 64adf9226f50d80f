import type { Json } from '../../src/api/kubernetes.ts';
import { LatchkeyError, asLatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { ClientContext, DocumentRef, DocumentResult, Provider, SecretsClient } from '../../src/ports/provider.ts';
import { parseProviderConfig } from '../shared/config.ts';
import { pathOnly } from '../shared/json-document.ts';
import { transportError } from '../shared/transport-error.ts';
import { find } from './find.ts';
import { fakeConfig } from './schema.ts';
import type { FakeConfig } from './schema.ts';

const STORE_IN_ERROR = 2;

/** Answers from the values written in the store itself: for trying things out, and for tests. No I/O. */
export function createProvider(): Provider {
  return {
    validateStore: ({ config }) => void parseConfig(config),
    newClient,
    documents: pathOnly,
    convertsFoundNames: true,
  };
}

function parseConfig(config: Json): FakeConfig {
  return parseProviderConfig(fakeConfig, config, 'spec.provider.fake');
}

async function newClient(context: ClientContext): Promise<SecretsClient> {
  const config = parseConfig(context.config);
  if (config.validationResult === STORE_IN_ERROR) {
    throw new LatchkeyError('InvalidProviderConfig', 'spec.provider.fake.validationResult declares this store broken');
  }
  const lookUp = createLookup(config);
  const called = async <T>(call: string, signal: AbortSignal, work: () => T | Promise<T>): Promise<T> => {
    const late = transportError(undefined, 'the fake provider', signal);
    if (late !== undefined) throw late;
    return counted(context, call, work);
  };
  return {
    getSecret: (ref, signal) => called('GetSecret', signal, () => read(lookUp, ref)),
    getSecrets: (refs, signal) => called('GetSecrets', signal, () => refs.map((ref) => answer(lookUp, ref))),
    findSecrets: (query, signal) => called('GetAllSecrets', signal, () => find(config, query)),
    close: async () => undefined,
  };
}

type Lookup = (ref: DocumentRef) => string | undefined;

/** The last entry of a key and version counts. Key and version stay apart: upstream joins them, so `a`+`b1` meets `ab`+`1`. */
function createLookup(config: FakeConfig): Lookup {
  const nameOf = (key: string, version = ''): string => JSON.stringify([key, version]);
  const values = new Map(config.data.map((entry) => [nameOf(entry.key, entry.version), entry.value]));
  return ({ key, version }) => values.get(nameOf(key, version));
}

function read(lookUp: Lookup, ref: DocumentRef): SecretValue {
  const value = lookUp(ref);
  if (value !== undefined) return SecretValue.fromText(value);
  const version = ref.version ? ` in version "${printable(ref.version)}"` : '';
  throw new LatchkeyError('SecretNotFound', `the fake provider has no secret "${printable(ref.key)}"${version}`);
}

function answer(lookUp: Lookup, ref: DocumentRef): DocumentResult {
  try {
    return { document: read(lookUp, ref) };
  } catch (error) {
    return { error: asLatchkeyError(error) };
  }
}

async function counted<T>(context: ClientContext, call: string, work: () => T | Promise<T>): Promise<T> {
  let status = 'error';
  try {
    const result = await work();
    status = 'success';
    return result;
  } finally {
    context.onRequest(call, status, 0);
  }
}
