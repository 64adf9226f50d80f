import type { PatchOperation } from '../api/admission.ts';
import { BREAK_GLASS_LABEL, INJECTION_LABEL } from '../api/keys.ts';
import type { ExternalSecret } from '../api/external-secrets.ts';
import type { Pod } from '../api/kubernetes.ts';
import { admittedAnyway, decide, type Decision, type JudgedNeed } from '../core/admission/decision.ts';
import { needsOf } from '../core/admission/needs.ts';
import { freshnessPolicy } from '../core/admission/policy.ts';
import { addedEphemeralNames } from '../core/admission/containers.ts';
import { findReferences } from '../core/admission/references.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import type { Clock } from '../ports/clock.ts';
import type { ConfigMapLook } from '../stores/config-map-look.ts';
import type { NeedResolver } from '../stores/need-resolver.ts';
import type { NamespaceSummary, Views } from '../stores/views.ts';
import type { PodInjector } from './pod-injection.ts';

export interface PodReviewerOptions {
  readonly inject: PodInjector;
  readonly resolver: NeedResolver;
  readonly configMaps: ConfigMapLook;
  readonly views: Views;
  /** For pods that say nothing themselves, ms. */
  readonly defaultStaleIfErrorMs: number;
  readonly clock: Clock;
}

export interface PodQuestion {
  readonly pod: Pod;
  /** Given for an update of ephemeral containers: only those that it adds are looked at. */
  readonly oldPod?: Pod;
  /** For people: `pod "shop/web"`. */
  readonly description: string;
  readonly namespace: NamespaceSummary;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

export interface PodReview {
  /** With all that was injected; provenance is not in it. */
  readonly pod: Pod;
  /** From the pod that was asked about to this one. */
  readonly operations: readonly PatchOperation[];
  /** ExternalSecrets that stand for inline references. */
  readonly generated: readonly ExternalSecret[];
  readonly judged: readonly JudgedNeed[];
  /** Warnings that concern no single Secret. */
  readonly notes: readonly string[];
  readonly decision: Decision;
}

/** Injects, sees to all that the pod then needs, in parallel, and decides. Rejects only for what concerns the pod as a whole. */
export type PodReviewer = (question: PodQuestion) => Promise<PodReview>;

export function createPodReviewer(options: PodReviewerOptions): PodReviewer {
  const { inject, resolver, configMaps, views, defaultStaleIfErrorMs, clock } = options;

  async function review(question: PodQuestion, isAudit: boolean): Promise<PodReview> {
    const { pod, oldPod, description, namespace, isDryRun, signal } = question;
    if (namespace.isTerminating) {
      throw new LatchkeyError('ClusterRejected', `namespace "${printable(namespace.name)}" is being deleted`);
    }
    const receivedAtMs = clock.now();
    const policy = freshnessPolicy(pod.metadata.annotations, namespace.annotations, {
      staleIfErrorMs: defaultStaleIfErrorMs,
    });
    const ephemeral = oldPod === undefined ? undefined : addedEphemeralNames(pod, oldPod);
    const prepared = await inject({ pod, namespace, isDryRun, signal, ...(ephemeral && { ephemeral }) });
    const before = prepared.inject(() => undefined);
    const references = findReferences(before.pod, ephemeral);
    const [configMapWarnings, ...judged] = await Promise.all([
      configMaps.warnings(pod, namespace.name),
      ...needsOf(references).map(async (need) => {
        const claimant = prepared.claims.get(need.secretName);
        const asked = { namespace, need, policy, receivedAtMs, isDryRun, signal, ...(claimant && { claimant }) };
        return { need, outcome: await resolver.resolve(asked) };
      }),
    ]);
    // Only now are the keys known of a Secret that has just been made.
    const after = prepared.inject((name) => views.secrets.get({ namespace: namespace.name, name })?.keys);
    const decision = decide(judged, policy, { pod: description, isAudit });
    const notes = [...after.warnings, ...configMapWarnings];
    const { generated } = prepared;
    const withNotes = { ...decision, warnings: [...notes.map((note) => `latchkey: ${note}`), ...decision.warnings] };
    return { pod: after.pod, operations: after.operations, generated, judged, notes, decision: withNotes };
  }

  return async (question) => {
    const { labels } = question.namespace;
    // Whoever breaks the glass has an emergency: from then on it is as if the namespace were only watched.
    const isAudit = labels[INJECTION_LABEL] === 'audit' || labels[BREAK_GLASS_LABEL] !== undefined;
    try {
      return await review(question, isAudit);
    } catch (cause) {
      if (!isAudit) throw cause;
      const decision = admittedAnyway(question.description, asLatchkeyError(cause));
      return { pod: question.pod, operations: [], generated: [], judged: [], notes: [], decision };
    }
  };
}
