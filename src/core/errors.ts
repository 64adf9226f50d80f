/**
 * The one error taxonomy. A code says what went wrong; its row in {@link ERROR_CODES} says what follows from it. Messages
 * name things (ExternalSecret, store, key) in our own words and never carry a value, a response body or the text of a
 * parser, SDK or backend: those quote what they choke on.
 */

/**
 * Which column of the freshness table (contracts §1) a failed fetch falls in:
 * `no-new-value` the other side is down or refuses, an older value may still serve;
 * `not-found` the backend answered that it has no such secret or property;
 * `our-side` store, manifest or cluster is wrong, waiting does not mend it.
 */
export type ErrorCategory = 'no-new-value' | 'not-found' | 'our-side';

interface ErrorTraits {
  readonly category: ErrorCategory;
  /** Is the backend away or too busy? Worth another try, and counted by its circuit breaker; anything else is an answer. */
  readonly isOutage: boolean;
  /** Reason of the ExternalSecret's Ready condition, upstream's word where it has one. */
  readonly conditionReason: string;
}

const retryLater: ErrorTraits = { category: 'no-new-value', isOutage: false, conditionReason: 'SecretSyncedError' };
const outage: ErrorTraits = { ...retryLater, isOutage: true };
const absent: ErrorTraits = { category: 'not-found', isOutage: false, conditionReason: 'SecretSyncedError' };
const ours: ErrorTraits = { category: 'our-side', isOutage: false, conditionReason: 'SecretSyncedError' };

export const ERROR_CODES = {
  /** The backend cannot be reached, resets, answers 5xx or is sealed. */
  BackendUnavailable: outage,
  /** No answer within the deadline. */
  BackendTimeout: outage,
  /** The backend asked us to slow down (429). */
  BackendThrottled: outage,
  /** The backend's answer cannot be understood. */
  BackendResponseInvalid: retryLater,
  /** The backend refused our credentials. */
  BackendAuthFailed: retryLater,
  /** The credentials are good but may not read this. */
  BackendPermissionDenied: retryLater,
  /** The backend has no such secret or version. */
  SecretNotFound: absent,
  /** The secret exists but has no such property. */
  PropertyNotFound: absent,
  /** No SecretStore or ClusterSecretStore of that name. */
  StoreNotFound: ours,
  /** The store may not be used from this namespace. */
  StoreForbidden: ours,
  /** The store's provider section is wrong or incomplete. */
  InvalidProviderConfig: ours,
  /** A Secret or key that holds the store's credentials is missing. */
  CredentialsNotFound: ours,
  /** The ExternalSecret itself is wrong. */
  InvalidExternalSecret: ours,
  /** A template of an ExternalSecret cannot be read, fails, or takes too long or too much memory. */
  TemplateError: ours,
  /** An annotation of the pod or its namespace cannot be read. */
  InvalidAnnotation: ours,
  /** An inline reference in an env cannot be read. */
  InvalidReference: ours,
  /** An annotation names an ExternalSecret that does not exist. */
  ExternalSecretNotFound: ours,
  /** A field or provider that this version does not act on. */
  Unsupported: { ...ours, conditionReason: 'Unsupported' },
  /** The fetched value does not have the form that the ExternalSecret asks for. */
  InvalidData: ours,
  /** The ExternalSecret does not produce a key that the pod needs. */
  KeyMissing: ours,
  /** The target Secret may not be written: it belongs to something else or is of a protected kind. */
  TargetForbidden: ours,
  /** Kubernetes refused or could not be reached. */
  ClusterUnavailable: retryLater,
  ClusterForbidden: ours,
  ClusterRejected: ours,
  /** A ResourceQuota of the namespace has no room. */
  QuotaExceeded: retryLater,
  /** More work than this replica may take on. */
  Overloaded: retryLater,
  /** A bug of ours. */
  Internal: ours,
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Every failure that Latchkey itself describes. `message` is one sentence without a final full stop. */
export class LatchkeyError extends Error {
  readonly code: ErrorCode;
  /** How long the backend asked us to wait, if it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'LatchkeyError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get category(): ErrorCategory {
    return ERROR_CODES[this.code].category;
  }

  get isOutage(): boolean {
    return ERROR_CODES[this.code].isOutage;
  }

  get conditionReason(): string {
    return ERROR_CODES[this.code].conditionReason;
  }

  /** The same failure seen from further out: `where` is put before the message, code and cause stay. */
  within(where: string): LatchkeyError {
    const options = this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs };
    return new LatchkeyError(this.code, `${where}: ${this.message}`, { cause: this.cause ?? this, ...options });
  }
}

/** Anything thrown, as one of ours. What is not ours becomes `Internal` and keeps its text to itself. */
export function asLatchkeyError(error: unknown): LatchkeyError {
  if (error instanceof LatchkeyError) return error;
  if (error instanceof DOMException && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return new LatchkeyError('BackendTimeout', 'there was no answer within the time left', { cause: error });
  }
  return new LatchkeyError('Internal', 'Latchkey failed in a way it does not know; its log has the error’s type', {
    cause: error,
  });
}
