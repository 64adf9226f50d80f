import type { PatchOperation } from '../../api/admission.ts';
import { STATUS_ANNOTATION } from '../../api/keys.ts';
import type { Container, EnvVar, Json, Pod, PodSpec, Volume } from '../../api/kubernetes.ts';
import { listOf } from '../admission/references.ts';
import { printable } from '../names.ts';
import { DEFAULT_MODE, type EnvFromItem, type Injection, type VolumeItem } from './annotations.ts';
import { isEnvName, normalisedPath } from './checks.ts';
import { invalid } from './grammar.ts';
import { volumeNameOf } from './volume-name.ts';

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

type ContainerList = 'initContainers' | 'containers' | 'ephemeralContainers';

interface Place {
  readonly container: Container;
  readonly pointer: string;
  /** For messages: `container "app"`. */
  readonly name: string;
}

/** Programs load code or change their meaning by these; no secret is called so by intention. */
const NOT_FROM_SECRETS =
  /^(LD_.*|NODE_OPTIONS|BASH_ENV|ENV|PATH|PYTHON.*|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|PERL5OPT|RUBYOPT|KUBERNETES_.*)$/;

/**
 * Puts env, envFrom and mounts into the containers that an injection means. What a container has already stays and wins.
 * Idempotent: what is there is not added again, so that a webhook called twice, or a pod copied from another, comes out
 * the same.
 *
 * @throws LatchkeyError `InvalidAnnotation` naming the item, the container and what it collides with.
 */
export function injectPod(pod: Pod, injection: Injection, context: InjectionContext): InjectedPod {
  const warnings = [...unknownContainers(pod, injection)];
  const volumes = new VolumeSet(pod.spec, context.ephemeral === undefined);
  const volumeItems = known(injection.volumes, context);
  const operations: PatchOperation[] = [];
  const chosen = chosenPlaces(pod, injection, context.ephemeral);
  const plans = chosen.map((place) => planContainer(place, injection, context, volumes));
  const isLate = lateContainers(pod, injection, plans);
  plans.forEach((plan, index) => {
    const place = chosen[index] as Place;
    if (isLate[index] === true) {
      warnings.push(
        `${place.name} was added after the pod was first seen and gets nothing from annotations: name it in latchkey.dev/containers if it should`,
      );
      return;
    }
    warnings.push(...plan.warnings);
    operations.push(...plan.operations);
  });
  const isMounted = volumeItems.length > 0 && plans.some((_, index) => isLate[index] !== true);
  if (isMounted) operations.push(...volumes.additions(volumeItems, context));
  if (context.ephemeral === undefined) operations.push(...replacements(pod, injection, context));
  return { operations, warnings: [...new Set(warnings)] };
}

/** The names that an injection gives up on because nothing makes their Secret and they are optional. */
function known<T extends { readonly externalSecret: string }>(
  items: readonly T[],
  { targets }: InjectionContext,
): readonly T[] {
  return items.filter(({ externalSecret }) => targets.has(externalSecret));
}

function placesOf(pod: Pod, list: ContainerList, role: string): readonly Place[] {
  const containers = pod.spec[list];
  // What is no list of objects is refused by the API server; positions must be the pod's own.
  if (!Array.isArray(containers)) return [];
  return (containers as readonly Container[]).flatMap((container, index) =>
    typeof container === 'object' && container !== null
      ? [{ container, pointer: `/spec/${list}/${index}`, name: `${role} "${printable(container.name, 63)}"` }]
      : [],
  );
}

function chosenPlaces(
  pod: Pod,
  { containers }: Injection,
  ephemeral: ReadonlySet<string> | undefined,
): readonly Place[] {
  if (ephemeral !== undefined) {
    return placesOf(pod, 'ephemeralContainers', 'ephemeral container').filter(
      ({ container: { name } }) => ephemeral.has(name) && containers?.names.has(name) === true,
    );
  }
  const all = [...placesOf(pod, 'initContainers', 'init container'), ...placesOf(pod, 'containers', 'container')];
  return containers === undefined ? all : all.filter(({ container }) => containers.names.has(container.name));
}

function unknownContainers(pod: Pod, { containers }: Injection): readonly string[] {
  if (containers?.isOfPod !== true) return [];
  const { initContainers, containers: main, ephemeralContainers } = pod.spec;
  const names = new Set(
    [initContainers, main, ephemeralContainers].flatMap((list) => listOf(list)).map(({ name }) => name),
  );
  return [...containers.names]
    .filter((name) => !names.has(name))
    .map((name) => `${containers.where} names container "${printable(name, 63)}", which the pod does not have`);
}

/**
 * A pod with our status comes from a second call: what has nothing of ours then, while others have all, was put in between
 * by another webhook. Only by default: whoever is named is always served.
 */
function lateContainers(pod: Pod, { containers }: Injection, plans: readonly ContainerPlan[]): readonly boolean[] {
  const wasSeen = pod.metadata.annotations?.[STATUS_ANNOTATION] !== undefined;
  const isAnyComplete = plans.some(({ isComplete }) => isComplete);
  return plans.map(({ isUntouched }) => containers === undefined && wasSeen && isAnyComplete && isUntouched);
}

interface ContainerPlan {
  readonly operations: readonly PatchOperation[];
  readonly warnings: readonly string[];
  /** Has all that is asked for. */
  readonly isComplete: boolean;
  /** Has nothing of it. */
  readonly isUntouched: boolean;
}

function planContainer(
  place: Place,
  injection: Injection,
  context: InjectionContext,
  volumes: VolumeSet,
): ContainerPlan {
  const { container } = place;
  const warnings: string[] = [];
  const envFrom: object[] = [];
  const env: EnvVar[] = [];
  let present = 0;
  const taken = new Set(listOf(container.env).map(({ name }) => name));
  for (const item of known(injection.env, context)) {
    const wanted = envVar(item.name, context.targets.get(item.externalSecret) ?? '', item.key, item.isOptional);
    const own = listOf(container.env).findLast(({ name }) => name === item.name);
    if (own === undefined) env.push(wanted);
    else if (refersTo(own, wanted)) present += 1;
    else warnings.push(`${item.where}: ${place.name} has an env ${item.name} of its own, which wins`);
    taken.add(item.name);
  }
  for (const item of known(injection.envFrom, context)) {
    const secretName = context.targets.get(item.externalSecret) ?? '';
    const keys = [...(context.keysOf(secretName) ?? [])];
    const skipped = keys.filter((key) => NOT_FROM_SECRETS.test(`${item.prefix}${key}`));
    if (skipped.length === 0) {
      if (hasEnvFrom(container, secretName, item.prefix)) present += 1;
      else envFrom.push(envFromSource(item, secretName));
      continue;
    }
    warnings.push(...skippedWarnings(place, item, skipped));
    for (const key of keys.filter((name) => !skipped.includes(name)).toSorted()) {
      const name = `${item.prefix}${key}`;
      const wanted = envVar(name, secretName, key, item.isOptional);
      const own = listOf(container.env).findLast((entry) => entry.name === name);
      if (own !== undefined && refersTo(own, wanted)) present += 1;
      else if (!taken.has(name) && isEnvName(name)) env.push(wanted);
      taken.add(name);
    }
  }
  const mounts = volumes.mountsFor(place, known(injection.volumes, context), context);
  present += mounts.present;
  const operations = [
    ...prepend(`${place.pointer}/envFrom`, container.envFrom, envFrom),
    ...prepend(`${place.pointer}/env`, container.env, env),
    ...append(`${place.pointer}/volumeMounts`, container.volumeMounts, mounts.missing),
  ];
  return {
    operations,
    warnings,
    isComplete: operations.length === 0,
    isUntouched: present === 0 && operations.length > 0,
  };
}

function skippedWarnings({ name }: Place, item: EnvFromItem, skipped: readonly string[]): readonly string[] {
  const names = skipped.map((key) => printable(`${item.prefix}${key}`, 60)).join(', ');
  return [
    `${item.where}: ${name} does not get ${names}, which changes how programs run: map it with latchkey.dev/env if that is meant`,
  ];
}

function envVar(name: string, secretName: string, key: string, isOptional: boolean): EnvVar {
  const secretKeyRef = { name: secretName, key, ...(isOptional ? { optional: true } : {}) };
  return { name, valueFrom: { secretKeyRef } };
}

function refersTo(own: EnvVar, wanted: EnvVar): boolean {
  const [a, b] = [own.valueFrom?.secretKeyRef, wanted.valueFrom?.secretKeyRef];
  return a !== undefined && a.name === b?.name && a.key === b?.key;
}

function envFromSource({ prefix, isOptional }: EnvFromItem, secretName: string): object {
  return {
    ...(prefix === '' ? {} : { prefix }),
    secretRef: { name: secretName, ...(isOptional ? { optional: true } : {}) },
  };
}

function hasEnvFrom({ envFrom }: Container, secretName: string, prefix: string): boolean {
  return listOf(envFrom).some((source) => source.secretRef?.name === secretName && (source.prefix ?? '') === prefix);
}

/** Before what is there: in envFrom the last wins, and an env may use those above it in `$(NAME)`. */
function prepend(
  pointer: string,
  current: readonly unknown[] | undefined,
  values: readonly object[],
): readonly PatchOperation[] {
  if (values.length === 0) return [];
  if (!Array.isArray(current)) return [{ op: 'add', path: pointer, value: values as Json[] }];
  return values.map((value, index) => ({ op: 'add', path: `${pointer}/${index}`, value: value as Json }));
}

function append(
  pointer: string,
  current: readonly unknown[] | undefined,
  values: readonly object[],
): readonly PatchOperation[] {
  if (values.length === 0) return [];
  if (!Array.isArray(current)) return [{ op: 'add', path: pointer, value: values as Json[] }];
  return values.map((value) => ({ op: 'add', path: `${pointer}/-`, value: value as Json }));
}

/** The pod's volumes and what is to be added to them. */
class VolumeSet {
  readonly #spec: PodSpec;
  readonly #canGrow: boolean;

  constructor(spec: PodSpec, canGrow: boolean) {
    this.#spec = spec;
    this.#canGrow = canGrow;
  }

  mountsFor(
    { container, name }: Place,
    items: readonly VolumeItem[],
    { targets }: InjectionContext,
  ): { readonly missing: readonly object[]; readonly present: number } {
    const mounts = listOf(container.volumeMounts);
    const missing: object[] = [];
    let present = 0;
    for (const item of items) {
      const volume = sourceOf(item, targets.get(item.externalSecret) ?? '');
      const taken = mounts.find(({ mountPath }) => samePath(mountPath, item.mountPath));
      if (taken?.name === volume.name) present += 1;
      else if (taken !== undefined) {
        throw invalid(
          item.where,
          `would be mounted at ${printable(item.mountPath, 80)} in ${name}, where volume "${printable(taken.name, 63)}" is mounted already`,
        );
      } else if (this.#canGrow || this.#find(volume.name) !== undefined) {
        missing.push({ name: volume.name, mountPath: item.mountPath, readOnly: true });
      } else {
        throw invalid(item.where, `cannot be mounted in ${name}: a running pod gets no new volume`);
      }
    }
    return { missing, present };
  }

  additions(items: readonly VolumeItem[], { targets }: InjectionContext): readonly PatchOperation[] {
    const wanted = new Map(
      items.map((item) => {
        const volume = sourceOf(item, targets.get(item.externalSecret) ?? '');
        return [volume.name, { volume, item }] as const;
      }),
    );
    const missing = [...wanted.values()].flatMap(({ volume, item }) => {
      const own = this.#find(volume.name);
      if (own === undefined) return [volume];
      if (isSameSource(own, volume)) return [];
      throw invalid(item.where, `needs a volume called "${volume.name}", and the pod has another one of that name`);
    });
    return append('/spec/volumes', this.#spec.volumes, missing);
  }

  #find(name: string): Volume | undefined {
    return listOf(this.#spec.volumes).find((volume) => volume.name === name);
  }
}

interface SecretVolume extends Volume {
  readonly secret: NonNullable<Volume['secret']>;
}

function sourceOf({ externalSecret, items, defaultMode, isOptional }: VolumeItem, secretName: string): SecretVolume {
  const secret = {
    secretName,
    ...(items === undefined ? {} : { items }),
    ...(defaultMode === DEFAULT_MODE ? {} : { defaultMode }),
    ...(isOptional ? { optional: true } : {}),
  };
  return { name: volumeNameOf(externalSecret, secret), secret };
}

/** The API server writes defaults between the two calls of a webhook. */
function isSameSource({ secret }: Volume, wanted: SecretVolume): boolean {
  const essence = (source: NonNullable<Volume['secret']>): string =>
    JSON.stringify([
      source.secretName,
      source.items?.map(({ key, path, mode }) => [key, path, mode]),
      source.defaultMode ?? DEFAULT_MODE,
      source.optional === true,
    ]);
  return secret !== undefined && essence(secret) === essence(wanted.secret);
}

const samePath = (a: unknown, b: string): boolean => typeof a === 'string' && normalisedPath(a) === normalisedPath(b);

/** What kubernetes-external-secrets documented: a named `emptyDir` of the pod holds one file per key. */
function replacements(pod: Pod, injection: Injection, { targets }: InjectionContext): readonly PatchOperation[] {
  return injection.replacements.flatMap(({ volume: name, externalSecret, where }) => {
    const secretName = targets.get(externalSecret);
    const volumes = (Array.isArray(pod.spec.volumes) ? pod.spec.volumes : []) as readonly Volume[];
    const index = volumes.findIndex((volume) => volume?.name === name);
    const volume = volumes[index];
    if (volume === undefined) {
      throw invalid(where, `names volume "${printable(name, 63)}", which the pod does not have`);
    }
    if (volume.secret?.secretName === secretName) return [];
    if (volume.emptyDir === undefined) {
      throw invalid(where, `names volume "${printable(name, 63)}", which is no emptyDir`);
    }
    return [
      { op: 'remove', path: `/spec/volumes/${index}/emptyDir` },
      { op: 'add', path: `/spec/volumes/${index}/secret`, value: { secretName: secretName ?? null } },
    ] satisfies readonly PatchOperation[];
  });
}
