/**
 * ExternalSecret and the stores, as `external-secrets.io/v1` spells them: names for the parts of what the CRDs say. What this
 * version does not act on reaches {@link unsupportedFields} all the same, so that nothing is ignored silently.
 */
import type { ExternalSecretSpec, ExternalSecretStatus, SecretStoreSpec, SecretStoreStatus } from './crds.gen.ts';
import type { KubernetesObject } from './kubernetes.ts';

export type { ExternalSecretSpec, ExternalSecretStatus } from './crds.gen.ts';

export interface ExternalSecret extends KubernetesObject {
  readonly spec: ExternalSecretSpec;
  readonly status?: ExternalSecretStatus;
}

export interface SecretStore extends KubernetesObject {
  readonly spec: SecretStoreSpec;
  readonly status?: SecretStoreStatus;
}

export type ClusterSecretStore = SecretStore;

/** Where `kind` is unset a SecretStore is meant. An empty word of an enum means unset everywhere. */
export type SecretStoreRef = NonNullable<ExternalSecretSpec['secretStoreRef']>;
export type StoreKind = Exclude<NonNullable<SecretStoreRef['kind']>, ''>;

/** Single values, and many at once. */
export type ExternalSecretData = NonNullable<ExternalSecretSpec['data']>[number];
export type ExternalSecretDataFrom = NonNullable<ExternalSecretSpec['dataFrom']>[number];

export type RemoteRef = ExternalSecretData['remoteRef'];
export type Find = NonNullable<ExternalSecretDataFrom['find']>;
/** How names of members and found secrets become keys. */
export type ConversionStrategy = NonNullable<RemoteRef['conversionStrategy']>;
/** How a value is decoded after it was fetched, and whether it may hold a NUL byte. */
export type ValueStrategies = Pick<RemoteRef, 'decodingStrategy' | 'nullBytePolicy'>;

/** One step that changes the keys; exactly one member is set. */
export type Rewrite = NonNullable<ExternalSecretDataFrom['rewrite']>[number];
export type MergeRewrite = NonNullable<Rewrite['merge']>;

export type ExternalSecretTarget = NonNullable<ExternalSecretSpec['target']>;
export type SecretTemplate = NonNullable<ExternalSecretTarget['template']>;
export type TemplateFrom = NonNullable<SecretTemplate['templateFrom']>[number];
/** Templates out of a ConfigMap or Secret in the namespace of the ExternalSecret. */
export type TemplateSource = NonNullable<TemplateFrom['configMap']>;
/** When refreshInterval may act; everything in UTC. */
export type SyncWindows = NonNullable<ExternalSecretSpec['syncWindows']>;

export type StoreSpec = SecretStoreSpec;
export type StoreStatus = SecretStoreStatus;
export type StoreCondition = NonNullable<StoreSpec['conditions']>[number];
export type LabelSelector = NonNullable<StoreCondition['namespaceSelector']>;

/** A key of a Secret that holds a credential. `namespace` counts only in a ClusterSecretStore. */
export interface SecretKeySelector {
  readonly name: string;
  readonly namespace?: string;
  readonly key?: string;
}

/** A key of a ConfigMap, read where a SecretKeySelector would be. */
export type ConfigMapKeySelector = SecretKeySelector;

/** A service account whose token is asked for. `namespace` counts only in a ClusterSecretStore. */
export interface ServiceAccountSelector {
  readonly name: string;
  readonly namespace?: string;
  readonly audiences?: readonly string[];
}
