import type { Container, Pod } from '../../api/kubernetes.ts';
import { listOf } from '../admission/references.ts';
import { printable } from '../names.ts';
import type { Injection } from './annotations.ts';

/** A container and where it stands in its pod. */
export interface Place {
  readonly container: Container;
  /** JSON pointer. */
  readonly pointer: string;
  /** For messages: `init container "migrate"`. */
  readonly name: string;
}

/**
 * The containers that an injection means: those it names, else all but ephemeral ones.
 *
 * @param ephemeral for an update: only these ephemeral containers, and only if named.
 */
export function placesOf(
  { spec }: Pod,
  { containers }: Injection,
  ephemeral: ReadonlySet<string> | undefined,
): readonly Place[] {
  if (ephemeral !== undefined) {
    return placed(spec.ephemeralContainers, 'ephemeralContainers', 'ephemeral container').filter(
      ({ container: { name } }) => ephemeral.has(name) && containers?.names.has(name) === true,
    );
  }
  const all = [
    ...placed(spec.initContainers, 'initContainers', 'init container'),
    ...placed(spec.containers, 'containers', 'container'),
  ];
  return containers === undefined ? all : all.filter(({ container }) => containers.names.has(container.name));
}

/** Names that the pod’s own annotation gives and no container has; a namespace’s may well not fit every pod. */
export function unknownContainerWarnings({ spec }: Pod, { containers }: Injection): readonly string[] {
  if (containers?.isOfPod !== true) return [];
  const all = [spec.initContainers, spec.containers, spec.ephemeralContainers].flatMap((list) => listOf(list));
  const names = new Set(all.map(({ name }) => name));
  return [...containers.names]
    .filter((name) => !names.has(name))
    .map((name) => `${containers.where} names container "${printable(name, 63)}", which the pod does not have`);
}

/** What is no object is refused by the API server; positions are those of the pod. */
function placed(containers: readonly Container[] | undefined, list: string, role: string): readonly Place[] {
  if (!Array.isArray(containers)) return [];
  return (containers as readonly Container[]).flatMap((container, index) =>
    typeof container === 'object' && container !== null && !Array.isArray(container)
      ? [{ container, pointer: `/spec/${list}/${index}`, name: `${role} "${printable(container.name, 63)}"` }]
      : [],
  );
}
