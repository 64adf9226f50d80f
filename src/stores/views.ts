import type { ExternalSecret, SecretStore } from '../api/external-secrets.ts';
import { MANAGED_LABEL } from '../api/keys.ts';
import type { Namespace, Secret } from '../api/kubernetes.ts';
import { clusterSecretStores, externalSecrets, namespaces, secrets, secretStores } from '../api/resources.ts';
import { LatchkeyError } from '../core/errors.ts';
import { namedStores } from '../core/external-secret/sources.ts';
import { isClaim, rightfulClaimant, targetName } from '../core/external-secret/target-name.ts';
import { printable } from '../core/names.ts';
import { isForeign } from '../core/store/store-access.ts';
import type { StoreKey } from '../core/store/store-key.ts';
import { summarise, type SecretSummary } from '../core/target/secret-summary.ts';
import type { Cluster, Informer } from '../ports/cluster.ts';
import { OwnedIndex } from './owned-index.ts';
import { TargetIndex } from './target-index.ts';

/** What admission needs of a Namespace. */
export interface NamespaceSummary {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly isTerminating: boolean;
}

/** The cached views that admission and resolution read; reading them costs no API call. */
export interface Views {
  readonly namespaces: Informer<Namespace, NamespaceSummary>;
  readonly externalSecrets: Informer<ExternalSecret, ExternalSecret>;
  readonly secretStores: Informer<SecretStore, SecretStore>;
  readonly clusterSecretStores: Informer<SecretStore, SecretStore>;
  /** Managed Secrets only, without their bytes. */
  readonly secrets: Informer<Secret, SecretSummary>;
  readonly targets: TargetIndex;
  readonly owned: OwnedIndex;
  /** Resolves when every view has its first list. */
  start(signal: AbortSignal): Promise<void>;
  /** Kinds of which no list has come yet. */
  readonly awaited: readonly string[];
}

export function createViews(cluster: Cluster): Views {
  const views = {
    namespaces: cluster.informer(namespaces, { reduce: summariseNamespace }),
    externalSecrets: cluster.informer(externalSecrets, { reduce: withoutManagedFields }),
    secretStores: cluster.informer(secretStores, { reduce: withoutManagedFields }),
    clusterSecretStores: cluster.informer(clusterSecretStores, { reduce: withoutManagedFields }),
    secrets: cluster.informer(secrets, { labelSelector: `${MANAGED_LABEL}=true`, reduce: summarise }),
  };
  const informers = Object.values(views);
  const kinds: Readonly<Record<keyof typeof views, string>> = {
    namespaces: namespaces.kind,
    externalSecrets: externalSecrets.kind,
    secretStores: secretStores.kind,
    clusterSecretStores: clusterSecretStores.kind,
    secrets: secrets.kind,
  };
  const targets = new TargetIndex();
  views.externalSecrets.onChange((before, after) => targets.update(before, after));
  const owned = new OwnedIndex();
  views.secrets.onChange((before, after) => owned.update(before, after));
  return {
    ...views,
    targets,
    owned,
    async start(signal) {
      await Promise.all(informers.map((informer) => informer.start(signal)));
    },
    get awaited() {
      return Object.entries(views).flatMap(([name, { hasSynced }]) =>
        hasSynced ? [] : [kinds[name as keyof typeof views]],
      );
    },
  };
}

/** Of the ExternalSecrets that claim a Secret, as far as the cache knows them, the one that may have it. */
export function claimantOf(views: Views, namespace: string, secretName: string): ExternalSecret | undefined {
  const controllerUid = views.secrets.get({ namespace, name: secretName })?.controllerUid;
  return rightfulClaimant(views.targets.claimants(namespace, secretName), controllerUid);
}

/** @throws LatchkeyError `TargetForbidden` when another ExternalSecret makes the Secret that this one names. */
export function assertClaim(views: Views, externalSecret: ExternalSecret): void {
  if (!isClaim(externalSecret)) return;
  const { namespace = '', name } = externalSecret.metadata;
  const secretName = targetName(externalSecret);
  const claimant = claimantOf(views, namespace, secretName);
  if (claimant === undefined || claimant.metadata.name === name) return;
  throw new LatchkeyError(
    'TargetForbidden',
    `ExternalSecret "${printable(name)}" does not make its Secret "${printable(secretName)}": ExternalSecret "${printable(claimant.metadata.name)}" does`,
  );
}

/** A store as far as the cache knows it. */
export function storeIn(views: Views, { kind, namespace, name }: StoreKey): SecretStore | undefined {
  return kind === 'SecretStore'
    ? views.secretStores.get({ namespace: namespace ?? '', name })
    : views.clusterSecretStores.get({ name });
}

/**
 * Is an ExternalSecret another controller's: does one of its stores, as far as the cache knows them, say so?
 * @param controllerClass ours; undefined = every store is another controller's.
 */
export function isForeignIn(
  views: Views,
  externalSecret: ExternalSecret,
  controllerClass: string | undefined,
): boolean {
  if (controllerClass === undefined) return true;
  return namedStores(externalSecret).some((key) => {
    const store = storeIn(views, key);
    return store !== undefined && isForeign(store, controllerClass);
  });
}

export function summariseNamespace({ metadata, status }: Namespace): NamespaceSummary {
  return {
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    isTerminating: metadata.deletionTimestamp !== undefined || status?.phase === 'Terminating',
  };
}

/** managedFields are often the larger half of an object, and nothing here reads them. */
function withoutManagedFields<T extends ExternalSecret | SecretStore>(object: T): T {
  return { ...object, metadata: { ...object.metadata, managedFields: undefined } };
}
