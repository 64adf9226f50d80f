import { createHash } from 'node:crypto';
import type { PatchOperation } from '../../api/admission.ts';
import type { Pod, Volume } from '../../api/kubernetes.ts';
import { listOf } from '../admission/references.ts';
import { printable } from '../names.ts';
import { DEFAULT_MODE, type VolumeItem, type VolumeReplacement } from './annotations.ts';
import { invalid } from './grammar.ts';
import { append } from './operations.ts';

export interface SecretVolume extends Volume {
  readonly secret: NonNullable<Volume['secret']>;
}

const LONGEST_READABLE_CHARACTERS = 40;

/**
 * The volume for one use of an ExternalSecret. Its name is readable, a DNS label, and the same for the same source, so that
 * several mounts share it and a second call finds it.
 */
export function secretVolume(item: VolumeItem, secretName: string): SecretVolume {
  const { externalSecret, items, defaultMode, isOptional } = item;
  const secret = {
    secretName,
    ...(items === undefined ? {} : { items }),
    ...(defaultMode === DEFAULT_MODE ? {} : { defaultMode }),
    ...(isOptional ? { optional: true } : {}),
  };
  const readable = externalSecret.replaceAll('.', '-').slice(0, LONGEST_READABLE_CHARACTERS).replace(/-+$/, '');
  const hash = createHash('sha256')
    .update(JSON.stringify([externalSecret, secret]))
    .digest('hex');
  return { name: `latchkey-${readable}-${hash.slice(0, 8)}`, secret };
}

export function hasVolume({ spec }: Pod, name: string): boolean {
  return listOf(spec.volumes).some((volume) => volume.name === name);
}

/**
 * Adds the volumes that the pod does not have.
 * @throws LatchkeyError `InvalidAnnotation` when it has another one of that name.
 */
export function addVolumes(
  { spec }: Pod,
  wanted: readonly (readonly [VolumeItem, SecretVolume])[],
): readonly PatchOperation[] {
  const missing = new Map<string, SecretVolume>();
  for (const [item, volume] of wanted) {
    const own = listOf(spec.volumes).find(({ name }) => name === volume.name);
    if (own === undefined) missing.set(volume.name, volume);
    else if (!isSameSource(own, volume)) {
      throw invalid(item.where, `needs a volume called "${volume.name}", and the pod has another one of that name`);
    }
  }
  return append('/spec/volumes', spec.volumes, [...missing.values()]);
}

/** The API server writes defaults between the two calls of a webhook. */
function isSameSource({ secret }: Volume, wanted: SecretVolume): boolean {
  const essence = (source: NonNullable<Volume['secret']>): string =>
    JSON.stringify([
      source.secretName,
      source.items && listOf(source.items).map(({ key, path, mode }) => [key, path, mode]),
      source.defaultMode ?? DEFAULT_MODE,
      source.optional === true,
    ]);
  return essence(secret ?? {}) === essence(wanted.secret);
}

/**
 * Makes an `emptyDir` of the pod a volume of a Secret, as kubernetes-external-secrets documented: one file per key.
 * @throws LatchkeyError `InvalidAnnotation` when there is no such volume, or it is none that may be replaced.
 */
export function replaceVolume(
  { spec }: Pod,
  { volume: name, where }: VolumeReplacement,
  secretName: string,
): readonly PatchOperation[] {
  const volumes = (Array.isArray(spec.volumes) ? spec.volumes : []) as readonly (Volume | null)[];
  const index = volumes.findIndex((volume) => volume?.name === name);
  const volume = volumes[index];
  const quoted = `volume "${printable(name, 63)}"`;
  if (volume === undefined || volume === null) throw invalid(where, `names ${quoted}, which the pod does not have`);
  if (volume.secret?.secretName === secretName) return [];
  if (volume.emptyDir === undefined) throw invalid(where, `names ${quoted}, which is no emptyDir`);
  return [
    { op: 'remove', path: `/spec/volumes/${index}/emptyDir` },
    { op: 'add', path: `/spec/volumes/${index}/secret`, value: { secretName } },
  ];
}
