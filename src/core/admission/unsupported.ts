import { INLINE_PREFIXES } from '../../api/keys.ts';
import type { ObjectMeta, Pod } from '../../api/kubernetes.ts';
import { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';
import { listOf } from './references.ts';

/** Ways to ask for injection that are fixed and not acted on yet. */
const ANNOTATIONS = [
  'latchkey.dev/env-from',
  'latchkey.dev/env',
  'latchkey.dev/volumes',
  'latchkey.dev/containers',
  'externalsecrets.kubernetes-client.io/volumes',
] as const;

/**
 * A pod that asks for what this version does not do must not start as if it had been done.
 * @throws LatchkeyError `Unsupported` naming the annotation or the env.
 */
export function assertNothingUnsupported(pod: Pod, namespaceAnnotations: ObjectMeta['annotations']): void {
  const annotation = ANNOTATIONS.find(
    (key) => (pod.metadata.annotations?.[key] ?? namespaceAnnotations?.[key] ?? '') !== '',
  );
  if (annotation !== undefined) {
    throw new LatchkeyError('Unsupported', `annotation ${annotation} is not supported yet`);
  }
  const containers = [pod.spec.initContainers, pod.spec.containers, pod.spec.ephemeralContainers].flatMap(listOf);
  for (const { name: container, env } of containers) {
    const inline = listOf(env).find(
      ({ value }) => typeof value === 'string' && INLINE_PREFIXES.some((prefix) => value.startsWith(prefix)),
    );
    if (inline === undefined) continue;
    throw new LatchkeyError(
      'Unsupported',
      `env ${printable(inline.name)} of container "${printable(container)}" is an inline reference, which is not supported yet`,
    );
  }
}
