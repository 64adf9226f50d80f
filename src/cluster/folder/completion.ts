import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { EXTERNAL_SECRETS_GROUP, EXTERNAL_SECRETS_VERSION } from '../../api/keys.ts';
import type { KubernetesObject, ObjectKey } from '../../api/kubernetes.ts';

const CLUSTER_SCOPED: readonly string[] = ['Namespace', 'ClusterSecretStore', 'ClusterExternalSecret', 'ClusterRole'];

/** Group and kind: what identifies a collection whatever version a manifest is written in. */
export function collectionOf({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): string {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  return `${group}/${kind}`;
}

export function idOf({ namespace, name }: ObjectKey): string {
  return `${namespace ?? ''}/${name}`;
}

/**
 * What an API server fills in when an object comes: namespace, uid, creation time, generation, `stringData` as data, and
 * the served version of our kinds. `before` is the object of that name as it was.
 */
export function complete(
  manifest: KubernetesObject,
  before: KubernetesObject | undefined,
  nowMs: number,
): KubernetesObject {
  const { metadata } = manifest;
  const namespace = CLUSTER_SCOPED.includes(manifest.kind) ? undefined : (metadata.namespace ?? 'default');
  const isOurs = manifest.apiVersion.startsWith(`${EXTERNAL_SECRETS_GROUP}/`);
  const status = (manifest as { status?: object }).status ?? (before as { status?: object } | undefined)?.status;
  return {
    ...withData(manifest),
    apiVersion: isOurs ? EXTERNAL_SECRETS_VERSION : manifest.apiVersion,
    metadata: {
      ...metadata,
      ...(namespace === undefined ? {} : { namespace }),
      uid: metadata.uid ?? before?.metadata.uid ?? uidOf(manifest, namespace),
      creationTimestamp:
        metadata.creationTimestamp ?? before?.metadata.creationTimestamp ?? new Date(nowMs).toISOString(),
      generation: generationOf(manifest, before),
    },
    ...(status === undefined ? {} : { status }),
  };
}

/** Notes who wrote an object last and when, as an API server does; which fields it were is not kept. */
export function signed(
  object: KubernetesObject,
  writer: { readonly fieldManager: string } | undefined,
  nowMs: number,
): KubernetesObject {
  if (writer === undefined) return object;
  const { metadata } = object;
  const others = (metadata.managedFields ?? []).filter(({ manager }) => manager !== writer.fieldManager);
  const entry = { manager: writer.fieldManager, operation: 'Update', time: new Date(nowMs).toISOString() };
  return { ...object, metadata: { ...metadata, managedFields: [...others, entry] } };
}

/** Stable over runs, so that owner references in manifests can be written down. */
function uidOf({ apiVersion, kind, metadata }: KubernetesObject, namespace: string | undefined): string {
  const digest = createHash('sha256')
    .update(`${collectionOf({ apiVersion, kind })}/${namespace ?? ''}/${metadata.name}`)
    .digest('hex');
  return [0, 8, 12, 16, 20].map((start, part) => digest.slice(start, [8, 12, 16, 20, 32][part])).join('-');
}

function generationOf(manifest: KubernetesObject, before: KubernetesObject | undefined): number {
  const spec = (object: KubernetesObject | undefined): unknown => (object as { spec?: unknown } | undefined)?.spec;
  const generation = before?.metadata.generation ?? manifest.metadata.generation ?? 1;
  return before !== undefined && !isDeepStrictEqual(spec(manifest), spec(before)) ? generation + 1 : generation;
}

function withData(manifest: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = manifest as KubernetesObject & {
    readonly stringData?: Readonly<Record<string, string>>;
    readonly data?: Readonly<Record<string, string>>;
  };
  if (stringData === undefined) return manifest;
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } } as KubernetesObject;
}

/** `key=value`, the one form of selector that is asked for here. */
export function isLabelled({ metadata }: KubernetesObject, labelSelector: string | undefined): boolean {
  if (labelSelector === undefined) return true;
  const [key = '', value] = labelSelector.split('=');
  return metadata.labels?.[key] === value;
}
