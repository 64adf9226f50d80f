import type { PatchOperation } from '../api/admission.ts';
import type { ExternalSecret } from '../api/external-secrets.ts';
import type { Pod } from '../api/kubernetes.ts';
import { applyOperations } from '../core/admission/patch.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { targetName } from '../core/external-secret/target-name.ts';
import { findInlineEnvs, replaceInlineEnv, type InlineEnv } from '../core/inline/find-inline.ts';
import { injectionOf, type Injection } from '../core/injection/annotations.ts';
import { injectPod } from '../core/injection/inject-pod.ts';
import { printable } from '../core/names.ts';
import type { ExternalSecretLookup } from '../stores/external-secret-lookup.ts';
import type { InlineSecrets } from '../stores/inline-secrets.ts';
import type { NamespaceSummary } from '../stores/views.ts';

export interface PodInjectorOptions {
  readonly externalSecrets: ExternalSecretLookup;
  readonly inlineSecrets: InlineSecrets;
}

export interface InjectionQuestion {
  readonly pod: Pod;
  /** Given for an update: the ephemeral containers that it adds. */
  readonly ephemeral?: ReadonlySet<string>;
  readonly namespace: NamespaceSummary;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** A pod with all that its annotations and inline references stand for in it. */
export interface Injected {
  readonly pod: Pod;
  /** From the pod as it came to this one. */
  readonly operations: readonly PatchOperation[];
  readonly warnings: readonly string[];
}

export interface PreparedInjection {
  /** The ExternalSecrets that the injected references lead to, by their Secret. */
  readonly claims: ReadonlyMap<string, ExternalSecret>;
  /** Made for inline references, or to be made. */
  readonly generated: readonly ExternalSecret[];
  /** @param keysOf keys of a Secret where they are known: some are kept out of the env. */
  inject(keysOf: (secretName: string) => Iterable<string> | undefined): Injected;
}

export type PodInjector = (question: InjectionQuestion) => Promise<PreparedInjection>;

/** Each is an object of its own in the cluster, made by whoever may create a pod. */
const MOST_INLINE_REFERENCES = 64;
const NOTHING: PreparedInjection['claims'] = new Map();

/**
 * Finds what annotations and inline references lead to, and puts it into the pod as references to Secrets, never values.
 * Rejects with what is wrong with the pod as a whole; whether the Secrets can be had is not its question.
 */
export function createPodInjector({ externalSecrets, inlineSecrets }: PodInjectorOptions): PodInjector {
  return async (question) => {
    const { pod, ephemeral, namespace, isDryRun, signal } = question;
    const isWindows = pod.spec.os?.name === 'windows';
    const injection = await injectionOf(pod.metadata.annotations, namespace.annotations, isWindows);
    const inlineEnvs = findInlineEnvs(pod, ephemeral);
    if (injection === undefined && inlineEnvs.length === 0) {
      return { claims: NOTHING, generated: [], inject: () => ({ pod, operations: [], warnings: [] }) };
    }
    const claims = new Map<string, ExternalSecret>();
    const generated = new Map<string, ExternalSecret>();
    const byReference = Map.groupBy(inlineEnvs, ({ reference }) => JSON.stringify(reference));
    if (byReference.size > MOST_INLINE_REFERENCES) {
      throw new LatchkeyError(
        'InvalidReference',
        `the pod has ${byReference.size} different inline references, and ${MOST_INLINE_REFERENCES} are allowed`,
      );
    }
    const inlineOperations = await Promise.all(
      [...byReference.values()].map(async (envs) => {
        const [{ reference, where }] = envs as [InlineEnv];
        const externalSecret = await within(where, inlineSecrets.ensure(reference, namespace, isDryRun, signal));
        const secretName = targetName(externalSecret);
        claims.set(secretName, externalSecret);
        generated.set(secretName, externalSecret);
        return envs.flatMap((env) => replaceInlineEnv(env, secretName));
      }),
    );
    const { targets, warnings } = await findTargets(injection, question, claims);
    const operations = inlineOperations.flat();
    const resolved = applyOperations(pod, operations);
    const apply: PreparedInjection['inject'] = (keysOf) => {
      if (injection === undefined) return { pod: resolved, operations, warnings: [] };
      const injected = injectPod(resolved, injection, { targets, keysOf, ...(ephemeral && { ephemeral }) });
      return {
        pod: applyOperations(resolved, injected.operations),
        operations: [...operations, ...injected.operations],
        warnings: [...warnings, ...injected.warnings],
      };
    };
    // Keys decide about envFrom only; without it the first answer is the last.
    const settled = (injection?.envFrom ?? []).length === 0 ? apply(() => undefined) : undefined;
    return { claims, generated: [...generated.values()], inject: (keysOf) => settled ?? apply(keysOf) };
  };

  /** ExternalSecret → Secret, for all that annotations name. Fills `claims`. */
  async function findTargets(
    injection: Injection | undefined,
    { namespace, signal }: InjectionQuestion,
    claims: Map<string, ExternalSecret>,
  ): Promise<{ readonly targets: ReadonlyMap<string, string>; readonly warnings: readonly string[] }> {
    const targets = new Map<string, string>();
    const warnings: string[] = [];
    if (injection === undefined) return { targets, warnings };
    const items = [...injection.envFrom, ...injection.env, ...injection.volumes, ...injection.replacements];
    const byName = Map.groupBy(items, ({ externalSecret }) => externalSecret);
    await Promise.all(
      [...byName].map(async ([name, uses]) => {
        const required = uses.find(({ isOptional }) => !isOptional);
        const where = (required ?? uses[0])?.where ?? '';
        const found = await externalSecrets.find(namespace.name, name, signal).catch((cause: unknown) => {
          const error = asLatchkeyError(cause);
          if (required !== undefined) throw error.within(where);
          warnings.push(`${where} is optional and left out: ${error.message} [${error.code}]`);
          return undefined;
        });
        if (found !== undefined) {
          targets.set(name, targetName(found));
          claims.set(targetName(found), found);
        } else if (required !== undefined) {
          throw new LatchkeyError(
            'ExternalSecretNotFound',
            `${where} names ExternalSecret "${name}", which namespace "${printable(namespace.name)}" does not have`,
          );
        }
      }),
    );
    return { targets, warnings: warnings.toSorted() };
  }
}

async function within<T>(where: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw asLatchkeyError(cause).within(where);
  }
}
