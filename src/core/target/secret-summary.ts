import { CREATED_BY_LABEL, DATA_HASH_ANNOTATION, FIELD_MANAGER_PREFIX, MANAGED_LABEL } from '../../api/keys.ts';
import type { Secret } from '../../api/kubernetes.ts';
import { dataHash } from './object-hash.ts';

/** What the cache keeps of a Secret: enough to judge it, none of its bytes. */
export interface SecretSummary {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly type: string;
  readonly keys: ReadonlySet<string>;
  readonly isManaged: boolean;
  /** The data-hash annotation, and whether the data still has that hash. */
  readonly dataHash: string | undefined;
  readonly isIntact: boolean;
  readonly isImmutable: boolean;
  /** Which ExternalSecret has made it, as a hash of its name. */
  readonly createdBy: string | undefined;
  /** uid of the controller owner. */
  readonly controllerUid: string | undefined;
  /** When a controller of ExternalSecrets last wrote it, in this cluster; `undefined` = it came here by other hands. */
  readonly writtenAtMs: number | undefined;
  readonly createdAtMs: number | undefined;
}

export function summarise(secret: Secret): SecretSummary {
  const { metadata, data = {} } = secret;
  const recorded = metadata.annotations?.[DATA_HASH_ANNOTATION];
  const bytes = Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, 'base64')] as const);
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    type: secret.type ?? 'Opaque',
    keys: new Set(Object.keys(data)),
    isManaged: metadata.labels?.[MANAGED_LABEL] === 'true',
    dataHash: recorded,
    isIntact: recorded !== undefined && recorded === dataHash(bytes),
    isImmutable: secret.immutable === true,
    createdBy: metadata.labels?.[CREATED_BY_LABEL],
    controllerUid: metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid,
    writtenAtMs: writtenAtMs(secret),
    createdAtMs: momentOf(metadata.creationTimestamp),
  };
}

function writtenAtMs({ metadata }: Secret): number | undefined {
  const moments = (metadata.managedFields ?? [])
    .filter(({ manager }) => manager?.startsWith(FIELD_MANAGER_PREFIX))
    .flatMap(({ time }) => momentOf(time) ?? []);
  return moments.length === 0 ? undefined : Math.max(...moments);
}

function momentOf(timestamp: string | undefined): number | undefined {
  const ms = Date.parse(timestamp ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
