import type { ErrorCode, LatchkeyError } from '../errors.ts';
import { formatDurationMs } from '../duration.ts';
import { printable } from '../names.ts';
import type { Need } from './needs.ts';
import type { FreshnessPolicy } from './policy.ts';

/** What came of one need. */
export type NeedOutcome =
  /** The Secret is there and as young as it must be. */
  | {
      readonly state: 'fresh';
      readonly externalSecret: string;
      readonly version: string;
      readonly secretType?: string;
      /** Why no age limit has any effect on it. */
      readonly ageless?: string;
    }
  /** An older value serves because no new one was to be had. */
  | {
      readonly state: 'stale';
      readonly externalSecret: string;
      readonly version: string;
      readonly ageMs: number;
      readonly error: LatchkeyError;
    }
  /** Dry run: it would have been fetched. */
  | { readonly state: 'wouldFetch'; readonly externalSecret: string; readonly reason: string }
  /** No ExternalSecret makes it, so it is none of our business: it exists, or `error` says why nobody could look. */
  | { readonly state: 'unmanaged'; readonly secretType?: string; readonly error?: LatchkeyError }
  /** Does not exist, and no ExternalSecret makes it: the kubelet waits. */
  | { readonly state: 'absent' }
  | {
      readonly state: 'failed';
      /** What makes the Secret; missing when not even that could be found out. */
      readonly source?: { readonly externalSecret: string; readonly store: string };
      readonly error: LatchkeyError;
    };

export interface JudgedNeed {
  readonly need: Need;
  readonly outcome: NeedOutcome;
}

export type PodStatus = 'no-references' | 'fresh' | 'stale' | 'pending';

export type Decision = {
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
} & (
  | { readonly allowed: true; readonly status: PodStatus; readonly versions: Readonly<Record<string, string>> }
  | { readonly allowed: false; readonly message: string; readonly code: ErrorCode }
);

/** Placeholder where a dry run cannot know the version that a real one would write. */
const DRY_RUN_VERSION = 'dry-run';

/** As many failures are told in full; a pod may have any number, and a sentence without end is read by nobody. */
const MOST_FAILURES_TOLD = 3;

/** Puts the outcomes of all needs together. Pure: contracts §1 as code. */
export function decide(
  judged: readonly JudgedNeed[],
  policy: FreshnessPolicy,
  context: { readonly pod: string; readonly isAudit: boolean },
): Decision {
  const fatal = judged.filter(({ need, outcome }) => outcome.state === 'failed' && !need.isOptional);
  const warnings = judged.flatMap((each) => [...warningsOf(each), ...agelessWarnings(each, policy)]);
  const auditAnnotations = auditAnnotationsOf(judged);
  const [first] = fatal;
  if (first?.outcome.state === 'failed' && policy.onFailure === 'deny' && !context.isAudit) {
    const told = fatal.slice(0, MOST_FAILURES_TOLD).map((each) => sentenceOf(each, context.pod));
    return {
      allowed: false,
      message: `latchkey: ${[...told, ...untold(fatal.slice(MOST_FAILURES_TOLD))].join('; ')}`,
      code: first.outcome.error.code,
      warnings,
      auditAnnotations,
    };
  }
  const overlooked = fatal.map((each) => `latchkey: admitted although ${sentenceOf(each, context.pod)}`);
  return {
    allowed: true,
    status: statusOf(judged),
    versions: versionsOf(judged),
    warnings: [...warnings, ...overlooked],
    auditAnnotations,
  };
}

/** How many more failures there are, and of what kind. */
function untold(fatal: readonly JudgedNeed[]): readonly string[] {
  if (fatal.length === 0) return [];
  const codes = new Set(fatal.map(({ outcome }) => (outcome.state === 'failed' ? outcome.error.code : '')));
  return [`${fatal.length} more of its Secrets fail too [${[...codes].join(', ')}]`];
}

/** What an `audit` namespace does with an error that concerns the pod as a whole: it never denies. */
export function admittedAnyway(pod: string, error: LatchkeyError): Decision {
  return {
    allowed: true,
    status: 'pending',
    versions: {},
    warnings: [`latchkey: admitted although ${pod}: ${error.message} [${error.code}]`],
    auditAnnotations: { failed: error.code },
  };
}

/** One sentence: pod, Secret, place, ExternalSecret, store, cause, code. */
function sentenceOf({ need, outcome }: JudgedNeed, pod: string): string {
  if (outcome.state !== 'failed') return '';
  const [place] = need.references.filter(({ isOptional }) => isOptional === need.isOptional);
  const { source, error } = outcome;
  const made =
    source === undefined ? '' : `, made by ExternalSecret "${printable(source.externalSecret)}" from ${source.store}`;
  return (
    `${pod} needs Secret "${printable(need.secretName)}" (${printable(place?.place ?? 'reference')})${made}: ` +
    `${error.message} [${error.code}]`
  );
}

function warningsOf(each: JudgedNeed): readonly string[] {
  const { need, outcome } = each;
  const secret = `Secret "${printable(need.secretName)}"`;
  switch (outcome.state) {
    case 'stale':
      return [
        `latchkey: ${secret} is ${formatDurationMs(outcome.ageMs)} old and used all the same: ${outcome.error.message} [${outcome.error.code}]`,
      ];
    case 'wouldFetch':
      return [
        `latchkey: dry run: ${secret} ${outcome.reason} and would be fetched for ExternalSecret "${printable(outcome.externalSecret)}"`,
      ];
    case 'absent':
      if (need.isOptional) return [];
      return [
        `latchkey: ${secret} does not exist and no ExternalSecret makes it: the pod waits until it does [SecretUnmanaged]`,
      ];
    case 'failed':
      if (!need.isOptional) return [];
      return [
        `latchkey: optional ${secret} could not be brought up to date: ${outcome.error.message} [${outcome.error.code}]`,
      ];
    case 'unmanaged':
      if (outcome.error === undefined) return pullSecretWarnings(need, outcome.secretType);
      return [
        `latchkey: ${secret}, which no ExternalSecret makes, could not be looked at: ${outcome.error.message} [${outcome.error.code}]`,
      ];
    case 'fresh':
      return pullSecretWarnings(need, outcome.secretType);
  }
}

function agelessWarnings({ need, outcome }: JudgedNeed, { isMaxAgeOwn }: FreshnessPolicy): readonly string[] {
  if (!isMaxAgeOwn || outcome.state !== 'fresh' || outcome.ageless === undefined) return [];
  return [
    `latchkey: latchkey.dev/max-age has no effect on Secret "${printable(need.secretName)}": its ExternalSecret has ${outcome.ageless}`,
  ];
}

/** The kubelet ignores pull secrets of any other type without a word. */
const PULL_SECRET_TYPES: readonly string[] = ['kubernetes.io/dockerconfigjson', 'kubernetes.io/dockercfg'];

function pullSecretWarnings({ secretName, references }: Need, type: string | undefined): readonly string[] {
  const isPullSecret = references.some(({ kind }) => kind === 'imagePullSecret');
  if (!isPullSecret || type === undefined || PULL_SECRET_TYPES.includes(type)) return [];
  return [
    `latchkey: Secret "${printable(secretName)}" is an imagePullSecret of type ${printable(type)}, which the kubelet ignores: it must be ${PULL_SECRET_TYPES[0]}`,
  ];
}

function statusOf(judged: readonly JudgedNeed[]): PodStatus {
  if (judged.length === 0) return 'no-references';
  const has = (...states: readonly NeedOutcome['state'][]): boolean =>
    judged.some(({ need, outcome }) => !need.isOptional && states.includes(outcome.state));
  if (has('failed', 'absent')) return 'pending';
  return has('stale') ? 'stale' : 'fresh';
}

function versionsOf(judged: readonly JudgedNeed[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    judged.flatMap(({ outcome }) => {
      if (outcome.state === 'fresh' || outcome.state === 'stale') return [[outcome.externalSecret, outcome.version]];
      return outcome.state === 'wouldFetch' ? [[outcome.externalSecret, DRY_RUN_VERSION]] : [];
    }),
  );
}

/** Keys get the webhook's name as prefix from the API server; values hold names and codes only. */
function auditAnnotationsOf(judged: readonly JudgedNeed[]): Readonly<Record<string, string>> {
  const list = (state: 'stale' | 'failed'): string =>
    judged
      .flatMap(({ need, outcome }) =>
        outcome.state === state ? [`${printable(need.secretName)}=${outcome.error.code}`] : [],
      )
      .join(',');
  const entries = [
    ['stale', list('stale')],
    ['failed', list('failed')],
  ] as const;
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}
