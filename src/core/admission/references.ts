import type { Pod, Volume } from '../../api/kubernetes.ts';
import { containersOf, type Place } from './containers.ts';

/** One place in a pod that needs a Secret. */
export interface Reference {
  readonly secretName: string;
  /** Keys that must be there; empty = whatever the Secret holds. */
  readonly keys: readonly string[];
  readonly isOptional: boolean;
  readonly kind: ReferenceKind;
  /** For people: `env DB_PASSWORD of container "app"`. */
  readonly place: string;
}

export type ReferenceKind = 'env' | 'envFrom' | 'volume' | 'projectedVolume' | 'imagePullSecret' | 'volumePlugin';

/** The plug-ins whose volume source names one Secret, beside `secret` and `projected`. */
const PLUGIN_SECRETS: Readonly<Record<string, (volume: Volume) => string | undefined>> = {
  azureFile: (volume) => volume.azureFile?.secretName,
  cephfs: (volume) => volume.cephfs?.secretRef?.name,
  cinder: (volume) => volume.cinder?.secretRef?.name,
  flexVolume: (volume) => volume.flexVolume?.secretRef?.name,
  iscsi: (volume) => volume.iscsi?.secretRef?.name,
  rbd: (volume) => volume.rbd?.secretRef?.name,
  scaleIO: (volume) => volume.scaleIO?.secretRef?.name,
  storageos: (volume) => volume.storageos?.secretRef?.name,
  csi: (volume) => volume.csi?.nodePublishSecretRef?.name,
};

/**
 * Every Secret that the pod refers to, in the order of the pod's fields. Covers what Kubernetes' own
 * `VisitPodSecretNames` covers (k8s.io/kubernetes/pkg/api/v1/pod), with the keys and `optional` besides.
 *
 * @param ephemeral for an update: only those of these ephemeral containers.
 */
export function findReferences(pod: Pod, ephemeral?: ReadonlySet<string>): readonly Reference[] {
  const ofContainers = containersOf(pod, ephemeral).flatMap(containerReferences);
  if (ephemeral !== undefined) return ofContainers;
  const { volumes, imagePullSecrets } = pod.spec;
  return [
    ...ofContainers,
    ...listOf(volumes).flatMap(volumeReferences),
    ...listOf(imagePullSecrets).flatMap(({ name }) =>
      reference('imagePullSecret', name, [], false, 'imagePullSecrets'),
    ),
  ];
}

function containerReferences({ container, role }: Place): readonly Reference[] {
  const of = `${role} "${container.name}"`;
  const env = listOf(container.env).flatMap(({ name, valueFrom }) => {
    const ref = valueFrom?.secretKeyRef;
    return reference('env', ref?.name, keysOf([ref]), ref?.optional, `env ${name} of ${of}`);
  });
  const envFrom = listOf(container.envFrom).flatMap(({ secretRef }) =>
    reference('envFrom', secretRef?.name, [], secretRef?.optional, `envFrom of ${of}`),
  );
  return [...envFrom, ...env];
}

function volumeReferences(volume: Volume): readonly Reference[] {
  const place = `volume "${volume.name}"`;
  const { secret, projected } = volume;
  const plugins = Object.entries(PLUGIN_SECRETS).flatMap(([plugin, nameOf]) =>
    reference('volumePlugin', nameOf(volume), [], false, `${plugin} ${place}`),
  );
  const projections = listOf(projected?.sources).flatMap(({ secret: source }) =>
    reference('projectedVolume', source?.name, keysOf(source?.items), source?.optional, `projected ${place}`),
  );
  return [
    ...reference('volume', secret?.secretName, keysOf(secret?.items), secret?.optional, place),
    ...projections,
    ...plugins,
  ];
}

function reference(
  kind: ReferenceKind,
  secretName: string | undefined,
  keys: readonly string[],
  isOptional: boolean | undefined,
  place: string,
): readonly Reference[] {
  // An empty name is legal in the API and refers to nothing.
  if (typeof secretName !== 'string' || secretName === '') return [];
  return [{ secretName, keys, isOptional: isOptional === true, kind, place }];
}

function keysOf(items: readonly ({ readonly key?: string } | undefined)[] | undefined): readonly string[] {
  return listOf(items).flatMap((item) => (typeof item?.key === 'string' ? [item.key] : []));
}

/** Pods reach the CLI unchecked: what should be a list of objects and is not counts as empty. */
export function listOf<T>(value: readonly T[] | undefined | null): readonly T[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly T[]).filter((item) => typeof item === 'object' && item !== null);
}
