import type { PatchOperation } from '../../api/admission.ts';
import type { Container, EnvVar } from '../../api/kubernetes.ts';
import { describeContainer, type Place } from '../admission/containers.ts';
import { listOf } from '../admission/references.ts';
import type { LatchkeyError } from '../errors.ts';
import { printable } from '../names.ts';
import type { EnvFromItem, EnvItem, VolumeItem } from './annotations.ts';
import { isEnvName, normalisedPath } from './checks.ts';
import { invalid } from './grammar.ts';
import { append, prepend } from './operations.ts';
import type { SecretVolume } from './volumes.ts';

/** An item of an annotation with the Secret that it leads to. */
export type Led<T> = T & { readonly secretName: string };

/** All that a container is to get. */
export interface Wanted {
  readonly env: readonly Led<EnvItem>[];
  readonly envFrom: readonly Led<EnvFromItem>[];
  readonly mounts: readonly (readonly [VolumeItem, SecretVolume])[];
  /** Keys of a Secret, where they are known. */
  readonly keysOf: (secretName: string) => Iterable<string> | undefined;
  /** Whether the pod has this volume, or may get it. */
  readonly canMount: (volumeName: string) => boolean;
}

export interface ContainerPlan {
  readonly place: Place;
  readonly operations: readonly PatchOperation[];
  readonly warnings: readonly string[];
  /** What cannot be done, if this container is to get anything. */
  readonly problem: LatchkeyError | undefined;
  /** Has all that is wanted. */
  readonly isComplete: boolean;
  /** Has nothing of it. */
  readonly isUntouched: boolean;
}

/** Programs load code or change their meaning by these; no secret is called so by intention. */
const NOT_FROM_SECRETS =
  /^(LD_.*|NODE_OPTIONS|BASH_ENV|ENV|PATH|PYTHON.*|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|PERL5OPT|RUBYOPT|KUBERNETES_.*)$/;

/** What one container lacks of what is wanted; what it has of its own stays and wins. */
export function planContainer(place: Place, wanted: Wanted): ContainerPlan {
  const { container, pointer } = place;
  const envs = planEnv(place, wanted);
  const mounts = planMounts(place, wanted);
  const { problem } = mounts;
  const operations = [
    ...prepend(`${pointer}/envFrom`, container.envFrom, envs.envFrom),
    // Before the container's own: an env may use those above it in $(NAME).
    ...prepend(`${pointer}/env`, container.env, envs.env),
    ...append(`${pointer}/volumeMounts`, container.volumeMounts, mounts.missing),
  ];
  const isComplete = operations.length === 0 && problem === undefined;
  const isUntouched = !isComplete && envs.present + mounts.present === 0;
  return { place, operations, warnings: envs.warnings, problem, isComplete, isUntouched };
}

interface EnvPlan {
  readonly envFrom: readonly object[];
  readonly env: readonly EnvVar[];
  readonly warnings: readonly string[];
  /** How much is there already. */
  readonly present: number;
}

interface MountPlan {
  readonly missing: readonly object[];
  readonly problem: LatchkeyError | undefined;
  /** How much is there already. */
  readonly present: number;
}

function planEnv(place: Place, wanted: Wanted): EnvPlan {
  const { container } = place;
  const own = new Map(listOf(container.env).map((entry) => [entry.name, entry]));
  const [warnings, env, envFrom]: [string[], Map<string, EnvVar>, object[]] = [[], new Map(), []];
  let present = 0;
  for (const { name, secretName, key, isOptional, where } of wanted.env) {
    const entry = envVar(name, secretName, key, isOptional);
    const there = own.get(name);
    if (there === undefined) env.set(name, entry);
    else if (refersTo(there, entry)) present += 1;
    else warnings.push(`${where}: ${describeContainer(place)} has an env ${name} of its own, which wins`);
  }
  for (const [index, item] of wanted.envFrom.entries()) {
    const { secretName, prefix, isOptional } = item;
    if (hasEnvFrom(container, secretName, prefix)) {
      present += 1;
      continue;
    }
    const keys = [...(wanted.keysOf(secretName) ?? [])].toSorted();
    const skipped = keys.filter((key) => NOT_FROM_SECRETS.test(`${prefix}${key}`));
    if (skipped.length === 0) {
      envFrom.push(envFromSource(item));
      continue;
    }
    // envFrom takes all keys or none, so the others come one by one, unless a later source has them: there the last wins.
    const later = namesIn([...wanted.envFrom.slice(index + 1), ...sourcesOf(container)], wanted.keysOf);
    const names = skipped.map((key) => printable(`${prefix}${key}`, 60)).join(', ');
    warnings.push(
      `${item.where}: ${describeContainer(place)} does not get ${names}, which changes how programs run: map it with latchkey.dev/env if that is meant`,
    );
    for (const key of keys.filter((each) => !skipped.includes(each))) {
      const name = `${prefix}${key}`;
      const entry = envVar(name, secretName, key, isOptional);
      const there = own.get(name);
      if (there !== undefined) present += refersTo(there, entry) ? 1 : 0;
      else if (!env.has(name) && !later.has(name) && isEnvName(name)) env.set(name, entry);
    }
  }
  return { envFrom, env: [...env.values()], warnings, present };
}

interface EnvSource {
  readonly secretName: string;
  readonly prefix: string;
}

/** The Secrets that a container takes env from itself. */
function sourcesOf({ envFrom }: Container): readonly EnvSource[] {
  return listOf(envFrom).flatMap(({ secretRef, prefix = '' }) =>
    typeof secretRef?.name === 'string' ? [{ secretName: secretRef.name, prefix }] : [],
  );
}

/** Names of the env that these become, as far as their keys are known. */
function namesIn(sources: readonly EnvSource[], keysOf: Wanted['keysOf']): ReadonlySet<string> {
  return new Set(
    sources.flatMap(({ secretName, prefix }) => [...(keysOf(secretName) ?? [])].map((key) => `${prefix}${key}`)),
  );
}

function planMounts(place: Place, { mounts: wanted, canMount }: Wanted): MountPlan {
  if (wanted.length === 0) return { missing: [], problem: undefined, present: 0 };
  const taken = takenPaths(place.container);
  const missing: object[] = [];
  let problem: LatchkeyError | undefined;
  let present = 0;
  for (const [{ mountPath, where }, volume] of wanted) {
    const path = normalisedPath(mountPath);
    if (taken.get(path) === volume.name) present += 1;
    else if (taken.has(path)) {
      problem ??= invalid(
        where,
        `would be mounted at ${printable(mountPath, 80)} in ${describeContainer(place)}, where volume "${printable(taken.get(path), 63)}" is mounted already`,
      );
    } else if (canMount(volume.name)) missing.push({ name: volume.name, mountPath, readOnly: true });
    else
      problem ??= invalid(where, `cannot be mounted in ${describeContainer(place)}: a running pod gets no new volume`);
  }
  return { missing, problem, present };
}

/** Volume by path, for every path at which something is mounted already; of two the first. */
function takenPaths({ volumeMounts, volumeDevices }: Container): ReadonlyMap<string, unknown> {
  const places = [
    ...listOf(volumeMounts).map(({ mountPath, name }) => [mountPath, name] as const),
    ...listOf(volumeDevices).map(({ devicePath, name }) => [devicePath, name] as const),
  ];
  return new Map(
    places
      .toReversed()
      .flatMap(([path, name]) => (typeof path === 'string' ? [[normalisedPath(path), name] as const] : [])),
  );
}

function envVar(name: string, secretName: string, key: string, isOptional: boolean): EnvVar {
  return { name, valueFrom: { secretKeyRef: { name: secretName, key, ...(isOptional ? { optional: true } : {}) } } };
}

function refersTo(own: EnvVar, wanted: EnvVar): boolean {
  const [a, b] = [own.valueFrom?.secretKeyRef, wanted.valueFrom?.secretKeyRef];
  return a?.name === b?.name && a?.key === b?.key;
}

function envFromSource({ secretName, prefix, isOptional }: Led<EnvFromItem>): object {
  const secretRef = { name: secretName, ...(isOptional ? { optional: true } : {}) };
  return prefix === '' ? { secretRef } : { prefix, secretRef };
}

function hasEnvFrom({ envFrom }: Container, secretName: string, prefix: string): boolean {
  return listOf(envFrom).some((source) => source.secretRef?.name === secretName && (source.prefix ?? '') === prefix);
}
