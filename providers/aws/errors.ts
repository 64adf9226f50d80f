import { LatchkeyError } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { retryAfterMs } from '../shared/retry-after.ts';
import { transportError, withheld } from '../shared/transport-error.ts';

/** One call in words, for messages. */
export interface AwsCall {
  /** `AWS Secrets Manager in eu-central-1` */
  readonly backend: string;
  /** What the call is for, after "may not": `read secret "prod/db"`. */
  readonly purpose: string;
  /** Who asks, where it is not simply the store: `service account "team-a/reader"`. */
  readonly who?: string;
  /** What it asks for, after "has no": `secret "prod/db"`. */
  readonly subject: string;
  /** What follows when AWS finds the request itself malformed, e.g. the name of a secret or a role. */
  readonly invalid: { readonly code: ErrorCode; readonly words: string };
}

/** What each service calls a KMS key that cannot be used. */
const UNDECRYPTABLE: readonly string[] = ['DecryptionFailure', 'InvalidKeyId'];

/**
 * By the error's name as AWS documents it, never by HTTP status: that one differs between AWS and what stands in for it.
 * Without the `Exception` at its end, which some services and versions of the SDK add.
 */
const BY_NAME: readonly (readonly [code: ErrorCode, names: readonly string[]])[] = [
  ['SecretNotFound', ['ResourceNotFound', 'ParameterNotFound', 'ParameterVersionNotFound', 'InvalidResourceId']],
  ['BackendPermissionDenied', ['AccessDenied', 'UnauthorizedOperation', 'RegionDisabled', ...UNDECRYPTABLE]],
  [
    'BackendAuthFailed',
    [
      'UnrecognizedClient',
      'InvalidSignature',
      'SignatureDoesNotMatch',
      'InvalidClientTokenId',
      'ExpiredToken',
      'IncompleteSignature',
      'MissingAuthenticationToken',
      'NotAuthorized',
      'OptInRequired',
      'RequestExpired',
      'InvalidIdentityToken',
      'IDPRejectedClaim',
      'CredentialsProviderError',
      'TokenProviderError',
    ],
  ],
  [
    'BackendThrottled',
    ['Throttling', 'Throttled', 'TooManyRequests', 'RequestLimitExceeded', 'RequestThrottled', 'SlowDown'],
  ],
  [
    'BackendUnavailable',
    ['InternalServiceError', 'InternalServerError', 'InternalFailure', 'ServiceUnavailable', 'IDPCommunicationError'],
  ],
];
const MALFORMED: readonly string[] = [
  'InvalidParameter',
  'InvalidParameterValue',
  'Validation',
  'ValidationError',
  'InvalidFilterKey',
  'InvalidFilterValue',
  'MalformedPolicyDocument',
  'PackedPolicyTooLarge',
];

/**
 * Anything that a call to AWS threw, as one of ours. The message is our own sentence; the SDK's error, which keeps the
 * response in a hidden property, goes no further.
 */
export function awsError(error: unknown, call: AwsCall, signal?: AbortSignal): LatchkeyError {
  if (error instanceof LatchkeyError) return error;
  const transport = transportError(error, call.backend, signal);
  if (transport !== undefined) return transport;
  const name = error instanceof Error ? error.name.replace(/Exception$/, '') : '';
  const waitMs = retryAfterMs(field(field(field(error, '$response'), 'headers'), 'retry-after'));
  const options = { cause: withheld(error), ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
  if (MALFORMED.includes(name)) return new LatchkeyError(call.invalid.code, call.invalid.words, options);
  const code = codeOf(error, name);
  return new LatchkeyError(code, sentence(code, name, call), options);
}

/** What a batch's answer says of one of its items. */
export function awsItemError(name: string, message: string, call: AwsCall): LatchkeyError {
  const error = Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
  return awsError(error, call);
}

function codeOf(error: unknown, name: string): ErrorCode {
  const known = BY_NAME.find(([, names]) => names.includes(name));
  if (known !== undefined) return known[0];
  if (name === 'InvalidRequest' && isMarkedForDeletion(error)) return 'SecretNotFound';
  const status = statusOf(error);
  if (status === 429) return 'BackendThrottled';
  if (status !== undefined && status >= 500) return 'BackendUnavailable';
  return status === undefined ? 'Internal' : 'BackendResponseInvalid';
}

function sentence(code: ErrorCode, name: string, { backend, purpose, subject, who }: AwsCall): string {
  switch (code) {
    case 'SecretNotFound':
      return `${backend} has no ${subject}${name === 'InvalidRequest' ? ': it is marked for deletion' : ''}`;
    case 'BackendPermissionDenied':
      if (UNDECRYPTABLE.includes(name)) return `${backend} could not decrypt ${subject} with its KMS key`;
      return `${backend} does not let ${who ?? "the store's identity"} ${purpose}`;
    case 'BackendAuthFailed':
      if (/^(Credentials|Token)Provider/.test(name)) return `no AWS credentials were found to ${purpose}`;
      return `${backend} refused ${who === undefined ? "the store's credentials" : `the token of ${who}`}`;
    case 'BackendThrottled':
      return `${backend} asks to slow down`;
    case 'BackendUnavailable':
      return `${backend} is failing`;
    case 'Internal':
      return `Latchkey could not ${purpose} at ${backend}; its log has the error's type`;
    default:
      return `${backend} gave an answer that cannot be understood`;
  }
}

/** The one case where only the text tells: the same name stands for every wrong state of a secret. */
function isMarkedForDeletion(error: unknown): boolean {
  return error instanceof Error && /\bmarked (for deletion|deleted)\b|\bscheduled for deletion\b/i.test(error.message);
}

function statusOf(error: unknown): number | undefined {
  const status = field(field(error, '$metadata'), 'httpStatusCode');
  return typeof status === 'number' ? status : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
