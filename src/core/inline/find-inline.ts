import type { PatchOperation } from '../../api/admission.ts';
import type { EnvVar, Pod } from '../../api/kubernetes.ts';
import { containersOf, describeContainer } from '../admission/containers.ts';
import { listOf } from '../admission/references.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';
import { INLINE_DATA_KEY } from './generated.ts';
import { isInlineReference, parseInlineReference, type InlineReference } from './reference.ts';

/** An env whose value is an inline reference. */
export interface InlineEnv {
  readonly reference: InlineReference;
  /** JSON pointer of the env. */
  readonly pointer: string;
  /** For messages: `env DSN of container "app"`. */
  readonly where: string;
}

/**
 * Every inline reference in the env of a pod's containers.
 *
 * @param ephemeral for an update: only these ephemeral containers, and nothing else.
 * @throws LatchkeyError `InvalidReference` for one that cannot be read.
 */
export function findInlineEnvs(pod: Pod, ephemeral?: ReadonlySet<string>): readonly InlineEnv[] {
  return containersOf(pod, ephemeral).flatMap((place) => {
    // Positions count, so what is no object stays in its place.
    const envs = (Array.isArray(place.container.env) ? place.container.env : []) as readonly (
      EnvVar | null | undefined
    )[];
    return envs.flatMap((env, index) => {
      const value = env?.value;
      if (!isInlineReference(value)) return [];
      const where = `env ${printable(env?.name, 80)} of ${describeContainer(place)}`;
      if (env?.valueFrom !== undefined && env.valueFrom !== null) {
        throw new LatchkeyError('InvalidReference', `${where} is an inline reference that stands beside a valueFrom`);
      }
      return [{ reference: parseInlineReference(value, where), pointer: `${place.pointer}/env/${index}`, where }];
    });
  });
}

/** Puts the Secret's name where the reference was. */
export function replaceInlineEnv({ pointer }: InlineEnv, secretName: string): readonly PatchOperation[] {
  return [
    { op: 'remove', path: `${pointer}/value` },
    { op: 'add', path: `${pointer}/valueFrom`, value: { secretKeyRef: { name: secretName, key: INLINE_DATA_KEY } } },
  ];
}

/** Names of ConfigMaps from which a pod takes env, each once. */
export function configMapsOf(pod: Pod): readonly string[] {
  const names = containersOf(pod).flatMap(({ container }) => [
    ...listOf(container.envFrom).map(({ configMapRef }) => configMapRef?.name),
    ...listOf(container.env).map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
  ]);
  return [...new Set(names.filter((name) => typeof name === 'string' && name !== ''))] as readonly string[];
}
