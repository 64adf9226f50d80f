/**
 * ExternalSecret and the stores, as `external-secrets.io/v1` spells them. Fields that this version reads are typed; what
 * is not typed here still reaches {@link unsupportedFields} as raw JSON, so that nothing is ignored silently.
 */
import type { Condition, Json, KubernetesObject } from './kubernetes.ts';

export type StoreKind = 'SecretStore' | 'ClusterSecretStore';

export interface SecretStoreRef {
  readonly name?: string;
  /** Empty means SecretStore. */
  readonly kind?: StoreKind | '';
}

/** How names of members and found secrets become keys; empty means Default. */
export type ConversionStrategy = '' | 'Default' | 'Unicode';

/** How a value is decoded after it was fetched, and whether it may hold a NUL byte. Empty means None and Ignore. */
export interface ValueStrategies {
  readonly decodingStrategy?: '' | 'None' | 'Base64' | 'Base64URL' | 'Auto';
  readonly nullBytePolicy?: '' | 'Ignore' | 'Fail';
}

export interface RemoteRef extends ValueStrategies {
  readonly key: string;
  readonly property?: string;
  readonly version?: string;
  /** Fetch reads labels or tags instead of the value. Empty means None. */
  readonly metadataPolicy?: '' | 'None' | 'Fetch';
  readonly conversionStrategy?: ConversionStrategy;
}

/** Where one entry comes from, when not from the default store. */
export interface SourceRef {
  readonly storeRef?: SecretStoreRef;
  readonly generatorRef?: { readonly apiVersion?: string; readonly kind?: string; readonly name?: string };
}

export interface ExternalSecretData {
  readonly secretKey: string;
  readonly remoteRef: RemoteRef;
  readonly sourceRef?: SourceRef;
}

export interface Find extends ValueStrategies {
  readonly path?: string;
  /** RE2, not anchored. */
  readonly name?: { readonly regexp?: string };
  readonly tags?: Readonly<Record<string, string>>;
  readonly conversionStrategy?: ConversionStrategy;
}

/** Values are JSON objects whose members take their place, or that become one object. Empty strings mean the defaults. */
export interface MergeRewrite {
  /** Key of the one object, for strategy JSON. */
  readonly into?: string;
  /** Keys that are merged last, in this order. */
  readonly priority?: readonly string[];
  readonly priorityPolicy?: '' | 'Strict' | 'IgnoreNotFound';
  readonly conflictPolicy?: '' | 'Error' | 'Ignore';
  readonly strategy?: '' | 'Extract' | 'JSON';
}

/** One step that changes the keys; exactly one member is set. */
export interface Rewrite {
  /** RE2; `$1` and `${name}` in the target as in Go's ReplaceAllString. */
  readonly regexp?: { readonly source: string; readonly target: string };
  readonly transform?: { readonly template: string };
  readonly merge?: MergeRewrite;
}

export interface ExternalSecretDataFrom {
  readonly extract?: RemoteRef;
  readonly find?: Find;
  readonly rewrite?: readonly Rewrite[];
  readonly sourceRef?: SourceRef;
}

export interface ExternalSecretTarget {
  readonly name?: string;
  readonly creationPolicy?: 'Owner' | 'Orphan' | 'Merge' | 'None' | 'CreateOrMerge';
  readonly deletionPolicy?: 'Retain' | 'Delete' | 'Merge';
  readonly immutable?: boolean;
  readonly template?: {
    readonly type?: string;
    readonly metadata?: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
  };
}

/** When refreshInterval may act; everything in UTC. */
export interface SyncWindows {
  readonly kind: 'allow' | 'deny';
  readonly windows: readonly {
    /** Five cron fields, `@daily` and its like, or `@every 6h`. */
    readonly schedule: string;
    /** Go duration. */
    readonly duration: string;
  }[];
}

export interface ExternalSecretSpec {
  readonly secretStoreRef?: SecretStoreRef;
  readonly refreshPolicy?: 'CreatedOnce' | 'Periodic' | 'OnChange';
  /** Go duration, default `1h0m0s`; zero or less = once. */
  readonly refreshInterval?: string;
  readonly syncWindows?: SyncWindows;
  readonly target?: ExternalSecretTarget;
  readonly data?: readonly ExternalSecretData[];
  readonly dataFrom?: readonly ExternalSecretDataFrom[];
}

export interface ExternalSecretStatus {
  /** Start of the last successful fetch, RFC 3339. */
  readonly refreshTime?: string | null;
  /** `<generation>-<hash of labels and annotations>` of the spec that the Secret was made from. */
  readonly syncedResourceVersion?: string;
  readonly conditions?: readonly Condition[];
  readonly binding?: { readonly name?: string };
}

export interface ExternalSecret extends KubernetesObject {
  readonly spec: ExternalSecretSpec;
  readonly status?: ExternalSecretStatus;
}

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

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

export interface StoreCondition {
  readonly namespaceSelector?: LabelSelector;
  readonly namespaces?: readonly string[];
  readonly namespaceRegexes?: readonly string[];
}

export interface StoreSpec {
  /** Class of the controller that works this store; empty = everyone. */
  readonly controller?: string;
  /** Exactly one key, the provider's name; its value is the provider's to read. */
  readonly provider?: Readonly<Record<string, Json>>;
  readonly conditions?: readonly StoreCondition[];
  /** How often the store is looked at: seconds, or a Go duration; 0 = as often as the controller does. */
  readonly refreshInterval?: number | string;
  readonly retrySettings?: {
    readonly maxRetries?: number;
    /** Go duration. */
    readonly retryInterval?: string;
  };
}

export interface StoreStatus {
  readonly capabilities?: 'ReadOnly' | 'WriteOnly' | 'ReadWrite';
  readonly conditions?: readonly Condition[];
}

export interface SecretStore extends KubernetesObject {
  readonly spec: StoreSpec;
  readonly status?: StoreStatus;
}

export type ClusterSecretStore = SecretStore;
