/** Names on the wire: the labels, annotations and groups that Latchkey reads and writes. */

export const EXTERNAL_SECRETS_GROUP = 'external-secrets.io';
export const EXTERNAL_SECRETS_VERSION = `${EXTERNAL_SECRETS_GROUP}/v1`;

/** Namespace: `enabled` or `audit` opts in. Pod: `disabled` opts out. */
export const INJECTION_LABEL = 'latchkey.dev/injection';
/** Namespace, any value: lifts every denial at once, even with Latchkey dead. */
export const BREAK_GLASS_LABEL = 'latchkey.dev/break-glass';

/** ExternalSecrets whose keys become env. */
export const ENV_FROM_ANNOTATION = 'latchkey.dev/env-from';
/** Single keys that become env. */
export const ENV_ANNOTATION = 'latchkey.dev/env';
/** ExternalSecrets that are mounted. */
export const VOLUMES_ANNOTATION = 'latchkey.dev/volumes';
/** Which containers get env and mounts. */
export const CONTAINERS_ANNOTATION = 'latchkey.dev/containers';
/** What kubernetes-external-secrets documented for volumes and never shipped. */
export const LEGACY_VOLUMES_ANNOTATION = 'externalsecrets.kubernetes-client.io/volumes';

/** Annotations that inject something or demand freshness: a pod that carries one would start wrong if nobody saw it. */
export const INJECTING_ANNOTATIONS = [
  ENV_FROM_ANNOTATION,
  ENV_ANNOTATION,
  VOLUMES_ANNOTATION,
  'latchkey.dev/max-age',
  LEGACY_VOLUMES_ANNOTATION,
] as const;

/** Written on every reviewed pod: what was done. */
export const STATUS_ANNOTATION = 'latchkey.dev/status';
/** Written on pods: JSON, ExternalSecret → opaque version. */
export const SECRETS_ANNOTATION = 'latchkey.dev/secrets';

/** Present on pods that a kubelet made from a file; they have no controller and cannot be mutated usefully. */
export const MIRROR_POD_ANNOTATION = 'kubernetes.io/config.mirror';

/** What External Secrets Operator writes on a target Secret; Latchkey writes the same so that either may take over. */
export const MANAGED_LABEL = 'reconcile.external-secrets.io/managed';
export const CREATED_BY_LABEL = 'reconcile.external-secrets.io/created-by';
export const DATA_HASH_ANNOTATION = 'reconcile.external-secrets.io/data-hash';
/** Field manager of a target Secret, followed by the ExternalSecret's name or its hash. */
export const FIELD_MANAGER_PREFIX = 'externalsecrets.external-secrets.io/';

/** Inline references in env values begin so, for a SecretStore and a ClusterSecretStore. */
export const INLINE_PREFIX = 'latchkey://';
export const INLINE_CLUSTER_PREFIX = 'latchkey+cluster://';
export const INLINE_PREFIXES = [INLINE_PREFIX, INLINE_CLUSTER_PREFIX] as const;
/** On a store: which keys inline references may name, as an RE2 expression for the whole key. */
export const INLINE_KEYS_ANNOTATION = 'latchkey.dev/inline-keys';
/** On ExternalSecrets that stand for an inline reference. */
export const INLINE_LABEL = 'latchkey.dev/inline';

/** On a namespace, from kubernetes-external-secrets: which remote keys, and which AWS roles, may be used for it. */
export const PERMITTED_KEY_NAME_ANNOTATION = 'externalsecrets.kubernetes-client.io/permitted-key-name';
export const PERMITTED_ROLES_ANNOTATION = 'iam.amazonaws.com/permitted';
