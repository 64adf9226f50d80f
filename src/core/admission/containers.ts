import type { Container, Pod } from '../../api/kubernetes.ts';
import { printable } from '../names.ts';

/** A container and where it stands in its pod. */
export interface Place {
  readonly container: Container;
  /** JSON pointer. */
  readonly pointer: string;
  readonly role: 'init container' | 'container' | 'ephemeral container';
}

const LISTS = [
  ['initContainers', 'init container'],
  ['containers', 'container'],
  ['ephemeralContainers', 'ephemeral container'],
] as const;

/**
 * Every container of a pod, in the order of the pod's fields. What is no object is refused by the API server and passed
 * over here; pointers are those of the pod all the same.
 *
 * @param ephemeral for an update: only these ephemeral containers, since nothing else of a running pod may change.
 */
export function containersOf({ spec }: Pod, ephemeral?: ReadonlySet<string>): readonly Place[] {
  const places = LISTS.flatMap(([list, role]) => {
    const containers: unknown = spec[list];
    if (!Array.isArray(containers)) return [];
    return (containers as readonly Container[]).flatMap((container, index) =>
      typeof container === 'object' && container !== null && !Array.isArray(container)
        ? [{ container, pointer: `/spec/${list}/${index}`, role }]
        : [],
    );
  });
  if (ephemeral === undefined) return places;
  return places.filter(({ role, container }) => role === 'ephemeral container' && ephemeral.has(container.name));
}

/** The ephemeral containers that an update adds. */
export function addedEphemeralNames(pod: Pod, oldPod: Pod): ReadonlySet<string> {
  const names = (of: Pod): readonly string[] =>
    containersOf(of)
      .filter(({ role }) => role === 'ephemeral container')
      .map(({ container }) => container.name);
  const before = new Set(names(oldPod));
  return new Set(names(pod).filter((name) => !before.has(name)));
}

/** For messages: `init container "migrate"`. */
export function describeContainer({ role, container }: Place): string {
  return `${role} "${printable(container.name, 63)}"`;
}
