import type { Pod } from '../../api/kubernetes.ts';
import { containersOf, type Place } from '../admission/containers.ts';
import { printable } from '../names.ts';
import type { Injection } from './annotations.ts';

/**
 * The containers that an injection means: those it names, else all but ephemeral ones.
 *
 * @param ephemeral for an update: only these ephemeral containers, and only if named.
 */
export function placesOf(
  pod: Pod,
  { containers }: Injection,
  ephemeral: ReadonlySet<string> | undefined,
): readonly Place[] {
  const isMeant = ({ container, role }: Place): boolean =>
    ephemeral === undefined
      ? role !== 'ephemeral container' && containers?.names.has(container.name) !== false
      : containers?.names.has(container.name) === true;
  return containersOf(pod, ephemeral).filter(isMeant);
}

/** Names that the pod’s own annotation gives and no container has; a namespace’s may well not fit every pod. */
export function unknownContainerWarnings(pod: Pod, { containers }: Injection): readonly string[] {
  if (containers?.isOfPod !== true) return [];
  const names = new Set(containersOf(pod).map(({ container }) => container.name));
  return [...containers.names]
    .filter((name) => !names.has(name))
    .map((name) => `${containers.where} names container "${printable(name, 63)}", which the pod does not have`);
}
