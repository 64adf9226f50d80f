import type { ErrorCode } from '../../src/core/errors.ts';

/** What a backend may do instead of answering, and the code that must come out of it. */
export const FAULTS = {
  'refuses connections': 'BackendUnavailable',
  'resets the connection': 'BackendUnavailable',
  'answers with a server error': 'BackendUnavailable',
  'answers with a page that is not of its protocol': 'BackendResponseInvalid',
  'cuts its answer short': 'BackendUnavailable',
  'refuses the credentials': 'BackendAuthFailed',
  'forbids reading': 'BackendPermissionDenied',
  'asks to slow down': 'BackendThrottled',
} as const satisfies Record<string, ErrorCode>;

export type Fault = keyof typeof FAULTS | 'never answers';

/** Part of every answer of a faulty backend and of every stored value; must never be seen in an error. */
export const SENTINEL = 'fake-sentinel-value-8c1f';
/** What a backend that asks to slow down says in Retry-After. */
export const RETRY_AFTER_SECONDS = 7;
