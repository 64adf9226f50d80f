/** Names on the wire: the labels, annotations and groups that Latchkey reads and writes. */

export const EXTERNAL_SECRETS_GROUP = 'external-secrets.io';
export const EXTERNAL_SECRETS_VERSION = `${EXTERNAL_SECRETS_GROUP}/v1`;

/** Namespace: `enabled` or `audit` opts in. Pod: `disabled` opts out. */
export const INJECTION_LABEL = 'latchkey.dev/injection';
/** Namespace, any value: lifts every denial at once, even with Latchkey dead. */
export const BREAK_GLASS_LABEL = 'latchkey.dev/break-glass';

/** Annotations that inject something or demand freshness: a pod that carries one would start wrong if nobody saw it. */
export const INJECTING_ANNOTATIONS = [
  'latchkey.dev/env-from',
  'latchkey.dev/env',
  'latchkey.dev/volumes',
  'latchkey.dev/max-age',
  'externalsecrets.kubernetes-client.io/volumes',
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

/** Inline references in env values; resolved by a later mode, never left to start as literal strings. */
export const INLINE_PREFIXES = ['latchkey://', 'latchkey+cluster://'] as const;
