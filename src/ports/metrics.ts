/** What is counted. Labels are closed sets or object names, never values. */
export interface Metrics {
  /** One admission decision; `durationSeconds` from the request's arrival to the answer. */
  admission(outcome: 'allowed' | 'denied' | 'error', durationSeconds: number): void;
  /** One request to a backend; `provider` is the key in `spec.provider`, `status` is `success` or `error`. */
  providerRequest(provider: string, call: string, status: string, durationSeconds: number): void;
  /** One attempt to bring the Secret of an ExternalSecret up to date. */
  sync(namespace: string, name: string, attempt: { readonly isError: boolean; readonly durationMs: number }): void;
  /** An ExternalSecret that is gone is counted no longer. */
  forget(namespace: string, name: string): void;
  /** One write or deletion of a Secret that reached the API server. */
  secretWrite(operation: 'create' | 'update' | 'delete'): void;
}

/** What is read only when somebody asks for metrics. */
export interface Readings {
  readonly conditions: Iterable<{ readonly namespace: string; readonly name: string; readonly isReady: boolean }>;
  /** Of the Secrets that an interval keeps fresh. */
  readonly oldestSecretAgeMs: number;
  readonly stores: Iterable<{
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly sinceSuccessMs: number;
  }>;
  readonly isLeading: boolean;
  readonly queued: number;
  readonly certificateExpiresAtMs: number;
}
