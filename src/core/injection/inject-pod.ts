import type { PatchOperation } from '../../api/admission.ts';
import { STATUS_ANNOTATION } from '../../api/keys.ts';
import type { Pod } from '../../api/kubernetes.ts';
import { describeContainer } from '../admission/containers.ts';
import type { Injection } from './annotations.ts';
import { placesOf, unknownContainerWarnings } from './places.ts';
import { planContainer, type ContainerPlan, type Led } from './plan-container.ts';
import { addVolumes, hasVolume, replaceVolume, secretVolume } from './volumes.ts';

/** What an injection becomes for one pod. */
export interface InjectedPod {
  /** Smallest RFC 6902 patch, to be applied in this order. Empty when everything is there already. */
  readonly operations: readonly PatchOperation[];
  readonly warnings: readonly string[];
}

export interface InjectionContext {
  /** ExternalSecret → name of the Secret it makes; one that is missing here is optional and left out. */
  readonly targets: ReadonlyMap<string, string>;
  /** Keys of a Secret, where they are known. */
  readonly keysOf: (secretName: string) => Iterable<string> | undefined;
  /** Only ephemeral containers that this update adds: nothing else of a running pod may change. */
  readonly ephemeral?: ReadonlySet<string>;
}

/**
 * Puts env, envFrom and mounts into the containers that an injection means. What a container has already stays and wins.
 * Idempotent: what is there is not added again, so that a webhook called twice, or a pod copied from another, comes out
 * the same.
 *
 * @throws LatchkeyError `InvalidAnnotation` naming the item, the container and what it collides with.
 */
export function injectPod(
  pod: Pod,
  injection: Injection,
  { targets, keysOf, ephemeral }: InjectionContext,
): InjectedPod {
  const led = <T extends { readonly externalSecret: string }>(items: readonly T[]): readonly Led<T>[] =>
    items.flatMap((item) => {
      const secretName = targets.get(item.externalSecret);
      return secretName === undefined ? [] : [{ ...item, secretName }];
    });
  const mounts = led(injection.volumes).map((item) => [item, secretVolume(item, item.secretName)] as const);
  const wanted = {
    env: led(injection.env),
    envFrom: led(injection.envFrom),
    ...{ mounts, keysOf },
    canMount: (name: string) => ephemeral === undefined || hasVolume(pod, name),
  };
  const plans = placesOf(pod, injection, ephemeral).map((place) => planContainer(place, wanted));
  const late = lateOnes(pod, injection, plans);
  const served = plans.filter((plan) => !late.includes(plan));
  const problem = served.find((plan) => plan.problem !== undefined)?.problem;
  if (problem !== undefined) throw problem;
  const isWhole = ephemeral === undefined;
  const operations = [
    ...served.flatMap((plan) => plan.operations),
    ...(isWhole && served.length > 0 ? addVolumes(pod, mounts) : []),
    ...(isWhole ? led(injection.replacements).flatMap((item) => replaceVolume(pod, item, item.secretName)) : []),
  ];
  const warnings = [
    ...unknownContainerWarnings(pod, injection),
    ...served.flatMap((plan) => plan.warnings),
    ...late.map(
      ({ place }) =>
        `${describeContainer(place)} was added after the pod was first seen and gets nothing from annotations: name it in latchkey.dev/containers if it should`,
    ),
  ];
  return { operations, warnings: [...new Set(warnings)] };
}

/**
 * A pod with our status comes from a second call: what has nothing of ours then, while others have all, was put in between
 * by another webhook. Only by default: whoever is named is always served.
 */
function lateOnes(pod: Pod, { containers }: Injection, plans: readonly ContainerPlan[]): readonly ContainerPlan[] {
  const wasSeen = pod.metadata.annotations?.[STATUS_ANNOTATION] !== undefined;
  if (!wasSeen || containers !== undefined || !plans.some(({ isComplete }) => isComplete)) return [];
  return plans.filter(({ isUntouched }) => isUntouched);
}
