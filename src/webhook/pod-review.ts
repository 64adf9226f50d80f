import { INJECTION_LABEL } from '../api/keys.ts';
import type { Pod } from '../api/kubernetes.ts';
import { admittedAnyway, decide, type Decision, type JudgedNeed } from '../core/admission/decision.ts';
import { needsOf } from '../core/admission/needs.ts';
import { freshnessPolicy } from '../core/admission/policy.ts';
import type { Reference } from '../core/admission/references.ts';
import { asLatchkeyError, LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import { assertNothingUnsupported } from '../core/admission/unsupported.ts';
import type { Clock } from '../ports/clock.ts';
import type { NeedResolver } from '../stores/need-resolver.ts';
import type { NamespaceSummary } from '../stores/views.ts';

export interface PodReviewerOptions {
  readonly resolver: NeedResolver;
  /** For pods that say nothing themselves, ms. */
  readonly defaultStaleIfErrorMs: number;
  readonly clock: Clock;
}

export interface PodQuestion {
  readonly pod: Pod;
  /** For people: `pod "shop/web"`. */
  readonly description: string;
  readonly namespace: NamespaceSummary;
  readonly references: readonly Reference[];
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

export interface PodReview {
  readonly judged: readonly JudgedNeed[];
  readonly decision: Decision;
}

/** Sees to all that a pod needs, in parallel, and decides. Rejects only for what concerns the pod as a whole. */
export type PodReviewer = (question: PodQuestion) => Promise<PodReview>;

export function createPodReviewer({ resolver, defaultStaleIfErrorMs, clock }: PodReviewerOptions): PodReviewer {
  async function review(question: PodQuestion, isAudit: boolean): Promise<PodReview> {
    const { pod, description, namespace, references, isDryRun, signal } = question;
    if (namespace.isTerminating) {
      throw new LatchkeyError('ClusterRejected', `namespace "${printable(namespace.name)}" is being deleted`);
    }
    const receivedAtMs = clock.now();
    const policy = freshnessPolicy(pod.metadata.annotations, namespace.annotations, {
      staleIfErrorMs: defaultStaleIfErrorMs,
    });
    assertNothingUnsupported(pod, namespace.annotations);
    const judged = await Promise.all(
      needsOf(references).map(async (need) => ({
        need,
        outcome: await resolver.resolve({ namespace, need, policy, receivedAtMs, isDryRun, signal }),
      })),
    );
    return { judged, decision: decide(judged, policy, { pod: description, isAudit }) };
  }

  return async (question) => {
    const isAudit = question.namespace.labels[INJECTION_LABEL] === 'audit';
    try {
      return await review(question, isAudit);
    } catch (cause) {
      if (!isAudit) throw cause;
      return { judged: [], decision: admittedAnyway(question.description, asLatchkeyError(cause)) };
    }
  };
}
