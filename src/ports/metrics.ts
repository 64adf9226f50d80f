/** What is counted. Labels are closed sets or object names, never values. */
export interface Metrics {
  /** One admission decision; `durationSeconds` from the request's arrival to the answer. */
  admission(outcome: 'allowed' | 'denied' | 'error', durationSeconds: number): void;
  /** One request to a backend; `provider` is the key in `spec.provider`, `status` is `success` or `error`. */
  providerRequest(provider: string, call: string, status: string, durationSeconds: number): void;
  /** One attempt to bring a Secret up to date. */
  sync(namespace: string, name: string, isError: boolean): void;
  /** One write or deletion of a Secret that reached the API server. */
  secretWrite(operation: 'create' | 'update' | 'delete'): void;
}
