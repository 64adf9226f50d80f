import type { ExternalSecret, SecretStore } from '../api/external-secrets.ts';
import { LatchkeyError } from '../core/errors.ts';
import { namedStores } from '../core/external-secret/sources.ts';
import { isClaim, targetName } from '../core/external-secret/target-name.ts';
import { printable } from '../core/names.ts';
import { describeStore, storeKey, type StoreKey } from '../core/store/store-key.ts';
import type { Views } from '../stores/views.ts';

export interface StoreToSync {
  readonly storeKey: StoreKey;
  readonly store: SecretStore;
}

export interface Selection {
  readonly stores: readonly StoreToSync[];
  readonly externalSecrets: readonly ExternalSecret[];
}

/**
 * What is to be synced: everything with all stores, or what `names` and `namespace` choose with the stores it is fetched from.
 *
 * @param names `namespace/name`, or a name alone in `namespace`.
 * @throws LatchkeyError `ExternalSecretNotFound` for the first name that is nowhere.
 */
export function select(views: Views, names: readonly string[], namespace: string | undefined): Selection {
  const alive = [...views.externalSecrets.values()].filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (names.length === 0 && namespace === undefined) return { externalSecrets: alive, stores: storesIn(views) };
  const externalSecrets =
    names.length === 0
      ? alive.filter(({ metadata }) => metadata.namespace === namespace)
      : [...new Set(names.map((name) => named(alive, name, namespace)))];
  const wanted = new Set(externalSecrets.flatMap(namedStores).map(idOf));
  return { externalSecrets, stores: storesIn(views).filter(({ storeKey: key }) => wanted.has(idOf(key))) };
}

/** Those that make one Secret, in their order: who makes it, then who adds keys to it, by name. */
export function byTarget(externalSecrets: readonly ExternalSecret[]): readonly (readonly ExternalSecret[])[] {
  const groups = Map.groupBy(externalSecrets, (each) => `${each.metadata.namespace}/${targetName(each)}`);
  return [...groups.values()].map((group) =>
    group.toSorted((a, b) => Number(isClaim(b)) - Number(isClaim(a)) || (a.metadata.name < b.metadata.name ? -1 : 1)),
  );
}

function idOf(key: StoreKey): string {
  return `${key.namespace ?? ''}/${describeStore(key)}`;
}

function storesIn({ secretStores, clusterSecretStores }: Views): readonly StoreToSync[] {
  const keyed = (kind: StoreKey['kind'], stores: Iterable<SecretStore>): readonly StoreToSync[] =>
    [...stores].map((store) => {
      const { name, namespace } = store.metadata;
      return { storeKey: storeKey(kind, name, namespace), store };
    });
  return [...keyed('ClusterSecretStore', clusterSecretStores.values()), ...keyed('SecretStore', secretStores.values())];
}

function named(alive: readonly ExternalSecret[], text: string, inNamespace: string | undefined): ExternalSecret {
  const [first = '', second, ...others] = text.split('/');
  const [namespace, name] = second === undefined ? [inNamespace, first] : [first, second];
  if (others.length > 0 || name === '' || namespace === '') throw notFound(`"${printable(text)}" is no namespace/name`);
  if (namespace === undefined) {
    throw notFound(`"${printable(text)}" has no namespace: write namespace/${printable(text)}, or give --namespace`);
  }
  const found = alive.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  if (found !== undefined) return found;
  throw notFound(`there is no ExternalSecret "${printable(namespace)}/${printable(name)}"`);
}

function notFound(message: string): LatchkeyError {
  return new LatchkeyError('ExternalSecretNotFound', message);
}
