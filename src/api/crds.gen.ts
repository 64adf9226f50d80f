/** Made from crds/ by `npm run types`; a test holds it equal. Change the CRDs, not this file. */

import type { Condition, Json } from './kubernetes.ts';

/** What to fetch, from where, and what to write. */
export interface ExternalSecretSpec {
  /** Single values: each entry fetches one value and writes it to one key. Applied after dataFrom, so that an entry here wins over a key of the same name there. */
  readonly data?: readonly {
    /** Which value to fetch. */
    readonly remoteRef: {
      /** Has no effect in data, where secretKey spells the key out. Accepted so that older manifests apply unchanged. */
      readonly conversionStrategy?: '' | 'Default' | 'Unicode';
      /** How the value is decoded after fetching. Base64 and Base64URL require padding and fail the refresh on any other text. Auto tries both and keeps the text if neither fits; beware that ordinary words such as "password" are valid Base64. None leaves values as they are. Unset means None. */
      readonly decodingStrategy?: '' | 'Auto' | 'Base64' | 'Base64URL' | 'None';
      /** Name or path of the secret at the provider, spelled as the provider spells it. For example "team-a/database" in AWS Secrets Manager, or a path below the mount in Vault. */
      readonly key: string;
      /** Fetch reads the secret's labels or tags at the provider instead of its value, where the provider has them. Unset means None, which reads the value. */
      readonly metadataPolicy?: '' | 'None' | 'Fetch';
      /** What to do when a value, after decoding, holds a NUL byte, which environment variables cannot carry. Ignore keeps the value; Fail makes the refresh fail and names the key. Unset means Ignore. */
      readonly nullBytePolicy?: '' | 'Ignore' | 'Fail';
      /** Part of the secret to take, when its value is a JSON document: a member name such as "password", or a gjson path such as "users.0.name". A dot inside a member name is written "\.". Unset takes the whole value. */
      readonly property?: string;
      /** Version of the secret, in the provider's own terms: a number, an identifier or a stage name. Unset means the latest. */
      readonly version?: string;
    };
    /** Key in the Secret that receives the value. */
    readonly secretKey: string;
    /** Takes this entry from another store than spec.secretStoreRef. */
    readonly sourceRef?: {
      /** Deprecated and without effect: a generator can only be used in dataFrom. */
      readonly generatorRef?: {
        /** API group and version of the generator. */
        readonly apiVersion?: string;
        /** Kind of the generator. ClusterGenerator is looked up in the whole cluster, every other kind in the namespace of this ExternalSecret. */
        readonly kind:
          | 'ACRAccessToken'
          | 'BeyondtrustWorkloadCredentialsDynamicSecret'
          | 'CloudsmithAccessToken'
          | 'ClusterGenerator'
          | 'ECRAuthorizationToken'
          | 'Fake'
          | 'GCRAccessToken'
          | 'GithubAccessToken'
          | 'GitlabDeployToken'
          | 'Grafana'
          | 'MFA'
          | 'Password'
          | 'QuayAccessToken'
          | 'SSHKey'
          | 'STSSessionToken'
          | 'UUID'
          | 'VaultDynamicSecret'
          | 'Webhook';
        /** Name of the generator. */
        readonly name: string;
      };
      /** Store to use for this entry. */
      readonly storeRef?: {
        /** SecretStore looks in the namespace of this ExternalSecret, ClusterSecretStore in the whole cluster. Unset means SecretStore. */
        readonly kind?: '' | 'SecretStore' | 'ClusterSecretStore';
        /** Name of the SecretStore or ClusterSecretStore. */
        readonly name?: string;
      };
    };
  }[];
  /** Sets of values: each entry writes every key it finds. Entries are applied in this order; where two have the same key, the later one wins. */
  readonly dataFrom?: readonly {
    /** Takes every member of one secret, whose value is a JSON object or a map. */
    readonly extract?: {
      /** How characters that a Secret key cannot hold are replaced in the keys that come out of the secret. Default puts "_" in place of each; Unicode puts its code point, "_U002f_" for "/", so that different names stay different. Letters, digits, "-", "." and "_" are kept. Not applied when rewrite is set. Unset means Default. */
      readonly conversionStrategy?: '' | 'Default' | 'Unicode';
      /** How the values are decoded after fetching. Base64 and Base64URL require padding and fail the refresh on any other text. Auto tries both and keeps the text if neither fits; beware that ordinary words such as "password" are valid Base64. None leaves values as they are. Unset means None. */
      readonly decodingStrategy?: '' | 'Auto' | 'Base64' | 'Base64URL' | 'None';
      /** Name or path of the secret at the provider, spelled as the provider spells it. For example "team-a/database" in AWS Secrets Manager, or a path below the mount in Vault. */
      readonly key: string;
      /** Fetch reads the secret's labels or tags at the provider instead of its value, where the provider has them. Unset means None, which reads the value. */
      readonly metadataPolicy?: '' | 'None' | 'Fetch';
      /** What to do when a value, after decoding, holds a NUL byte, which environment variables cannot carry. Ignore keeps the value; Fail makes the refresh fail and names the key. Unset means Ignore. */
      readonly nullBytePolicy?: '' | 'Ignore' | 'Fail';
      /** Part of the secret to extract from, when its value is a JSON document: a member name or a gjson path that leads to a JSON object. Unset extracts the whole document. */
      readonly property?: string;
      /** Version of the secret, in the provider's own terms: a number, an identifier or a stage name. Unset means the latest. */
      readonly version?: string;
    };
    /** Takes every secret that matches all the conditions given here. At least one of name and tags is needed; providers differ in which they support. */
    readonly find?: {
      /** How characters that a Secret key cannot hold are replaced in the names of the secrets found. Default puts "_" in place of each; Unicode puts its code point, "_U002f_" for "/", so that different names stay different. Letters, digits, "-", "." and "_" are kept. Not applied when rewrite is set. Unset means Default. */
      readonly conversionStrategy?: '' | 'Default' | 'Unicode';
      /** How the values are decoded after fetching. Base64 and Base64URL require padding and fail the refresh on any other text. Auto tries both and keeps the text if neither fits; beware that ordinary words such as "password" are valid Base64. None leaves values as they are. Unset means None. */
      readonly decodingStrategy?: '' | 'Auto' | 'Base64' | 'Base64URL' | 'None';
      /** Condition on the name of a secret. */
      readonly name?: {
        /** Regular expression (RE2) that must match somewhere in the full name; use "^" and "$" to match all of it. */
        readonly regexp?: string;
      };
      /** What to do when a value, after decoding, holds a NUL byte, which environment variables cannot carry. Ignore keeps the value; Fail makes the refresh fail and names the key. Unset means Ignore. */
      readonly nullBytePolicy?: '' | 'Ignore' | 'Fail';
      /** Where the search starts: a folder or a prefix of names, as the provider understands it. Unset searches everything the store can see. */
      readonly path?: string;
      /** Tags or labels that a secret must carry, all of them, with exactly these values. */
      readonly tags?: Readonly<Record<string, string>>;
    };
    /** Changes to the keys, applied in this order after fetching. When set, conversionStrategy is not applied. */
    readonly rewrite?: readonly {
      /** Treats every value as a JSON object and merges these objects into one. */
      readonly merge?: {
        /** What happens when two objects have a member of the same name. Error fails the refresh and lists the names; Ignore lets the later one win. */
        readonly conflictPolicy?: '' | 'Ignore' | 'Error';
        /** Key that receives the merged object. Needed with strategy JSON, ignored with Extract. */
        readonly into?: string;
        /** Keys whose objects are merged last, in this order, and so win over the others. The rest are merged first, in alphabetical order. */
        readonly priority?: readonly string[];
        /** What happens when a key in priority was not fetched. Strict fails the refresh; IgnoreNotFound goes on without it. */
        readonly priorityPolicy?: '' | 'IgnoreNotFound' | 'Strict';
        /** Extract: the members of the merged object become the keys. JSON: the keys are kept and the merged object is added, as JSON text, under the key named by into. */
        readonly strategy?: '' | 'Extract' | 'JSON';
      };
      /** Replaces every match of a regular expression in every key. Keys without a match stay as they are. */
      readonly regexp?: {
        /** Regular expression (RE2) to look for. */
        readonly source: string;
        /** Text put in place of each match. "$1" or "${name}" stands for a group; write "${1}" when a letter, digit or underscore follows. */
        readonly target: string;
      };
      /** Computes every key with a template. */
      readonly transform?: {
        /** Go template for the new key; the old key is ".value", as in "{{ .value | upper }}". */
        readonly template: string;
      };
    }[];
    /** Takes this entry from another store than spec.secretStoreRef, or from a generator. A generator stands alone: it cannot be combined with extract or find. */
    readonly sourceRef?: {
      /** Generator that makes the keys and values. Most make new ones at every refresh. */
      readonly generatorRef?: {
        /** API group and version of the generator. */
        readonly apiVersion?: string;
        /** Kind of the generator. ClusterGenerator is looked up in the whole cluster, every other kind in the namespace of this ExternalSecret. */
        readonly kind:
          | 'ACRAccessToken'
          | 'BeyondtrustWorkloadCredentialsDynamicSecret'
          | 'CloudsmithAccessToken'
          | 'ClusterGenerator'
          | 'ECRAuthorizationToken'
          | 'Fake'
          | 'GCRAccessToken'
          | 'GithubAccessToken'
          | 'GitlabDeployToken'
          | 'Grafana'
          | 'MFA'
          | 'Password'
          | 'QuayAccessToken'
          | 'SSHKey'
          | 'STSSessionToken'
          | 'UUID'
          | 'VaultDynamicSecret'
          | 'Webhook';
        /** Name of the generator. */
        readonly name: string;
      };
      /** Store to use for this entry. */
      readonly storeRef?: {
        /** SecretStore looks in the namespace of this ExternalSecret, ClusterSecretStore in the whole cluster. Unset means SecretStore. */
        readonly kind?: '' | 'SecretStore' | 'ClusterSecretStore';
        /** Name of the SecretStore or ClusterSecretStore. */
        readonly name?: string;
      };
    };
  }[];
  /** How long a fetched value may be used before it is fetched again, as a Go duration such as "15m" or "1h30m" (units ns, us, ms, s, m, h). "0s" fetches once and does not refresh after that. The default is one hour. Counts only while refreshPolicy is Periodic. */
  readonly refreshInterval?: string;
  /** When values are fetched again. Periodic: every refreshInterval, and when the spec, labels or annotations of this ExternalSecret change. OnChange: only on such a change. CreatedOnce: never after the first time. Unset means Periodic. */
  readonly refreshPolicy?: '' | 'CreatedOnce' | 'Periodic' | 'OnChange';
  /** Store used for every entry that does not name its own in sourceRef. */
  readonly secretStoreRef?: {
    /** SecretStore looks in the namespace of this ExternalSecret, ClusterSecretStore in the whole cluster. Unset means SecretStore. */
    readonly kind?: '' | 'SecretStore' | 'ClusterSecretStore';
    /** Name of the SecretStore or ClusterSecretStore. */
    readonly name?: string;
  };
  /** Times at which periodic refreshes may or may not happen. Only the refreshes that refreshInterval calls for are held back: the first one, and those after a change of the spec, are not. */
  readonly syncWindows?: {
    /** Whether the windows permit or forbid. allow: refresh only while at least one window is open. deny: do not refresh while any window is open. */
    readonly kind: 'allow' | 'deny';
    /** The windows, all of the kind given above, at most 32. All times are UTC. */
    readonly windows: readonly {
      /** How long the window stays open each time, as a Go duration such as "8h". */
      readonly duration: string;
      /** When the window opens: a cron expression of five fields such as "0 22 * * 1-5", or @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, or "@every 6h". */
      readonly schedule: string;
    }[];
  };
  /** The Secret that is written. There is exactly one for each ExternalSecret. */
  readonly target?: {
    /** Who makes the Secret and who it belongs to. Owner: created, or taken over if nobody owns it, and removed with this ExternalSecret. Orphan: created, but stays when this ExternalSecret is deleted. Merge: never created, keys are added to a Secret that exists. CreateOrMerge: created if missing, else keys are added; stays when this ExternalSecret is deleted. None: no Secret is written, values reach pods by injection only. */
    readonly creationPolicy?: '' | 'Owner' | 'Orphan' | 'Merge' | 'None' | 'CreateOrMerge';
    /** What happens when the secret no longer exists at the provider. Retain: the Secret stays as it was and the refresh reports an error. Delete: the missing entry is left out, and the Secret is deleted once nothing is left. Merge: the missing entry is left out and the Secret stays, even without any key. What happens when this ExternalSecret is deleted depends on creationPolicy alone. */
    readonly deletionPolicy?: '' | 'Delete' | 'Merge' | 'Retain';
    /** Whether the Secret is written as immutable. Its values then never change again: a new value at the provider is reported as an error and is not written. Unset means false. */
    readonly immutable?: boolean;
    /** Another kind of object to write instead of a Secret. Refused unless the controller is started with leave to do so: values in such an object have none of the protection that Kubernetes gives to Secrets. */
    readonly manifest?: {
      /** API group and version of the object, such as "v1" or "example.com/v1". */
      readonly apiVersion: string;
      /** Kind of the object, such as ConfigMap. */
      readonly kind: string;
    };
    /** Name of the Secret. Unset means the name of this ExternalSecret. After a change the Secret with the old name is deleted if this ExternalSecret owns it. */
    readonly name?: string;
    /** How the fetched values are turned into the Secret. Templates are Go text/template with the sprig functions; the fetched keys are the fields of the dot, as in "{{ .password }}". A key that does not exist is an error, never an empty string. Without a template the fetched values are written as they are. */
    readonly template?: {
      /** Templates by key of the Secret. A fetched key may be used in any number of them. */
      readonly data?: Readonly<Record<string, string>>;
      /** Version of the template language. v2 is the only one. */
      readonly engineVersion?: '' | 'v2';
      /** Replace: the Secret holds only what data and templateFrom produce; with neither of them, the fetched values. Merge: the fetched values are written too, and templates win where both have a key. */
      readonly mergePolicy?: '' | 'Replace' | 'Merge';
      /** Labels, annotations and finalizers of the Secret. When a template is set, these alone are used and those of the ExternalSecret are no longer copied. */
      readonly metadata?: {
        /** Annotations of the Secret. Values are templates. */
        readonly annotations?: Readonly<Record<string, string>>;
        /** Finalizers added to the Secret. Whoever names one here has to remove it, or the Secret cannot be deleted. */
        readonly finalizers?: readonly string[];
        /** Labels of the Secret. Values are templates. */
        readonly labels?: Readonly<Record<string, string>>;
      };
      /** Templates kept elsewhere, rendered in this order before those in data. */
      readonly templateFrom?: readonly {
        /** Templates kept in a ConfigMap of the same namespace. */
        readonly configMap?: {
          /** Which entries of the ConfigMap are templates. An entry that does not exist makes the refresh fail. */
          readonly items: readonly {
            /** Key of the entry in the ConfigMap. */
            readonly key: string;
            /** Values: the entry is a template for one value and its key becomes the key in the result. KeysAndValues: the entry renders to a YAML map whose members all become keys of the result. */
            readonly templateAs?: '' | 'Values' | 'KeysAndValues';
          }[];
          /** Name of the ConfigMap. */
          readonly name: string;
        };
        /** Template text that renders to a YAML map; its members become keys of the result. */
        readonly literal?: string;
        /** Templates kept in a Secret of the same namespace. */
        readonly secret?: {
          /** Which entries of the Secret are templates. An entry that does not exist makes the refresh fail. */
          readonly items: readonly {
            /** Key of the entry in the Secret. */
            readonly key: string;
            /** Values: the entry is a template for one value and its key becomes the key in the result. KeysAndValues: the entry renders to a YAML map whose members all become keys of the result. */
            readonly templateAs?: '' | 'Values' | 'KeysAndValues';
          }[];
          /** Name of the Secret. */
          readonly name: string;
        };
        /** Which part of the Secret the result goes to: Data, Annotations or Labels, in any mixture of upper and lower case. With target.manifest it may also be a dotted path such as "spec.settings". */
        readonly target?: string;
        /** How the rendered values are decoded before they are written. Base64 and Base64URL require padding; Auto tries both and keeps the text if neither fits. Unset means None. */
        readonly valuesDecodingStrategy?: '' | 'Auto' | 'Base64' | 'Base64URL' | 'None';
      }[];
      /** Type of the Secret, such as kubernetes.io/tls or kubernetes.io/dockerconfigjson. Unset means Opaque. The type of an existing Secret cannot be changed. */
      readonly type?: string;
    };
  };
}

/** What was done last. Written by the controller. */
export interface ExternalSecretStatus {
  /** The Secret, in the form that servicebinding.io expects of a provisioned service. */
  readonly binding?: {
    /** Name of the Secret. */
    readonly name?: string;
  };
  /** The latest observations, one of each type. */
  readonly conditions?: readonly Condition[];
  /** When the last successful refresh began. */
  readonly refreshTime?: string | null;
  /** Identifies the spec, labels and annotations that the last successful refresh was made from. */
  readonly syncedResourceVersion?: string;
}

/** How to reach the provider, and who may use this store. */
export interface SecretStoreSpec {
  /** Which namespaces may use a ClusterSecretStore: those that any condition selects. Unset or empty allows every namespace. Without effect on a SecretStore. */
  readonly conditions?: readonly {
    /** Regular expressions (RE2) of namespace names. One that matches somewhere in the name is enough; use "^" and "$" to match all of it. */
    readonly namespaceRegexes?: readonly string[];
    /** Selects namespaces by their labels. All conditions given here must hold; without any, every namespace is selected. */
    readonly namespaceSelector?: {
      /** Conditions on labels, all of which must hold. */
      readonly matchExpressions?: readonly {
        /** Name of the label. */
        readonly key: string;
        /** In: the value is one of values. NotIn: it is none of them, or the label is absent. Exists: the label is present. DoesNotExist: it is absent. */
        readonly operator: string;
        /** Values for In and NotIn; must be empty for Exists and DoesNotExist. */
        readonly values?: readonly string[];
      }[];
      /** Labels that must be present with exactly these values. */
      readonly matchLabels?: Readonly<Record<string, string>>;
    };
    /** Names of namespaces. */
    readonly namespaces?: readonly string[];
  }[];
  /** Class of the controller that this store is for, as given to the controller when it is started; every other controller leaves the store alone, and the ExternalSecrets that use it. Unset is for every controller. */
  readonly controller?: string;
  /** The provider and its settings: an object with exactly one member, whose name is the provider, such as aws, azurekv, gcpsm, kubernetes or vault. */
  readonly provider: Readonly<Record<string, Json>>;
  /** How often the store is checked: seconds as a number, or a Go duration such as "5m" as text. Unset or 0 means the interval the controller was started with, five minutes unless it was told otherwise. */
  readonly refreshInterval?: number | string;
  /** How calls to the provider are repeated after a failure, for the providers that support it. */
  readonly retrySettings?: {
    /** How many times a failed call is repeated. Unset means the provider's own default. */
    readonly maxRetries?: number;
    /** How long to wait before a call is repeated, as a Go duration such as "10s". Unset means the provider's own default. */
    readonly retryInterval?: string;
  };
}

/** What was observed last. Written by the controller. */
export interface SecretStoreStatus {
  /** What the store can do: ReadOnly, WriteOnly or ReadWrite. Set after the first successful check. */
  readonly capabilities?: string;
  /** The latest observations, one of each type. */
  readonly conditions?: readonly Condition[];
}
