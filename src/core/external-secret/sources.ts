import type {
  ExternalSecret,
  ExternalSecretData,
  ExternalSecretDataFrom,
  SecretStoreRef,
} from '../../api/external-secrets.ts';
import { LatchkeyError } from '../errors.ts';
import { describeStore, storeKey, type StoreKey } from '../store/store-key.ts';

/** One entry of `spec.data` or `spec.dataFrom`. */
export type Entry = ExternalSecretData | ExternalSecretDataFrom;

/**
 * The store that an entry is fetched from: its own `sourceRef.storeRef`, else the default one.
 * @throws LatchkeyError `InvalidExternalSecret` when neither names one.
 */
export function storeKeyOf({ metadata, spec }: ExternalSecret, entry: Entry): StoreKey {
  const own = entry.sourceRef?.storeRef;
  const field = own === undefined ? 'spec.secretStoreRef' : 'sourceRef.storeRef';
  return keyOf(own ?? spec.secretStoreRef, field, metadata.namespace);
}

/**
 * All stores that an ExternalSecret is fetched from, each once, in the order of its entries.
 * @throws LatchkeyError `InvalidExternalSecret` as {@link storeKeyOf} does.
 */
export function storeKeysOf(externalSecret: ExternalSecret): readonly StoreKey[] {
  const { dataFrom = [], data = [], secretStoreRef } = externalSecret.spec;
  // Nearly all have one.
  if (![...dataFrom, ...data].some(({ sourceRef }) => sourceRef !== undefined)) {
    return [keyOf(secretStoreRef, 'spec.secretStoreRef', externalSecret.metadata.namespace)];
  }
  const keys = [...dataFrom, ...data]
    .filter(({ sourceRef }) => sourceRef?.generatorRef === undefined)
    .map((entry) => storeKeyOf(externalSecret, entry));
  return [...new Map(keys.map((key) => [describeStore(key), key])).values()];
}

function keyOf(ref: SecretStoreRef | undefined, field: string, namespace: string | undefined): StoreKey {
  if (ref?.name === undefined || ref.name === '') {
    throw new LatchkeyError('InvalidExternalSecret', `${field}.name is missing, so no store can be asked`);
  }
  return storeKey(ref.kind === 'ClusterSecretStore' ? 'ClusterSecretStore' : 'SecretStore', ref.name, namespace);
}

/** The same, none when they cannot be told. */
export function namedStores(externalSecret: ExternalSecret): readonly StoreKey[] {
  try {
    return storeKeysOf(externalSecret);
  } catch (error) {
    if (error instanceof LatchkeyError) return [];
    throw error;
  }
}

/** For people: `SecretStore "a"`, or all of them. */
export function describeStores(externalSecret: ExternalSecret): string {
  return namedStores(externalSecret).map(describeStore).join(' and ') || 'no store';
}

/** The keys that an ExternalSecret names itself; what `find` gives is known only once it is found. */
export function remoteKeysOf({ spec }: ExternalSecret): readonly string[] {
  const extracts = (spec.dataFrom ?? []).flatMap(({ extract }) => extract ?? []);
  return [...extracts, ...(spec.data ?? []).map(({ remoteRef }) => remoteRef)].map(({ key }) => key);
}
