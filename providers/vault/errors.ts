import { LatchkeyError } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { BackendAnswer } from '../shared/backend-connection.ts';
import { retryAfterMs } from '../shared/retry-after.ts';
import { readReport } from './answer.ts';
import type { VaultReport } from './answer.ts';
import { VAULT_PATH } from './schema.ts';

/** One question in words, for messages. */
export interface VaultCall {
  /** `Vault at vault.example:8200` */
  readonly backend: string;
  readonly verb: keyof typeof PARTICIPLES;
  /** `secret "team/db" in version "3"` */
  readonly subject: string;
  readonly version: 'v1' | 'v2';
}

type Verdict = readonly [code: ErrorCode, sentence: string];

/**
 * What an answer other than 200 means (https://developer.hashicorp.com/vault/api-docs#http-status-codes). Vault tells many
 * things by one status, so its own words decide between them; they go no further.
 */
export function vaultError(answer: BackendAnswer, call: VaultCall): LatchkeyError {
  return errorOf(answer, call.backend, (report) => judge(answer.status, report, call));
}

/** What it means that a log-in was not answered with a token. @param field `spec.provider.vault.auth.appRole` */
export function logInError(answer: BackendAnswer, backend: string, field: string): LatchkeyError {
  return errorOf(answer, backend, ({ errors }) => {
    if (answer.status === 404 && errors.length > 0) {
      return [
        'InvalidProviderConfig',
        `${backend} has no way to log in where ${field} says: check its path and namespace`,
      ];
    }
    if (answer.status < 400 || answer.status === 404) return unclear(backend);
    return ['BackendAuthFailed', `${backend} refused the log-in of ${field}`];
  });
}

function errorOf(answer: BackendAnswer, backend: string, judgeOwn: (report: VaultReport) => Verdict): LatchkeyError {
  const report = readReport(answer.body);
  const [code, sentence] =
    judgeServer(answer.status, report, backend) ?? (report ? judgeOwn(report) : foreign(backend));
  const waitMs = retryAfterMs(answer.headers['retry-after']);
  return new LatchkeyError(code, sentence, waitMs === undefined ? {} : { retryAfterMs: waitMs });
}

/** What is about the server, whatever was asked. */
function judgeServer(status: number, report: VaultReport | undefined, backend: string): Verdict | undefined {
  if (status === 429) return ['BackendThrottled', `${backend} asks to slow down`];
  if (status === 503 && says(report, /\bsealed\b/)) return ['BackendUnavailable', `${backend} is sealed`];
  if (status >= 500) return ['BackendUnavailable', `${backend} is failing`];
  if (status >= 300 && status < 400) {
    return ['BackendResponseInvalid', `${backend} redirects to another address, which Latchkey does not follow`];
  }
  // A standby or replica that has not seen our last write yet.
  return status === 412 && report !== undefined ? ['BackendUnavailable', `${backend} is not up to date`] : undefined;
}

function judge(status: number, report: VaultReport, call: VaultCall): Verdict {
  const { backend, subject, verb } = call;
  if (status === 404) return judgeAbsence(report, call);
  if (status === 403) return judgeRefusal(report, call);
  if (status === 400 && says(report, /\bmissing client token\b/)) return refused(backend);
  if (status === 400) return ['InvalidExternalSecret', `${backend} does not accept the request for ${subject}`];
  if (status === 405)
    return ['InvalidProviderConfig', `${backend} keeps nothing that can be ${PARTICIPLES[verb]} at ${subject}`];
  return unclear(backend);
}

const PARTICIPLES = { read: 'read', list: 'listed', 'look up': 'looked up', revoke: 'revoked' } as const;

/** Without words of its own a 404 is about the secret; with them it is about the way there. */
function judgeAbsence({ errors, warnings, isDeleted }: VaultReport, { backend, subject, version }: VaultCall): Verdict {
  if (isDeleted) return ['SecretNotFound', `${backend} has no ${subject}: it is deleted`];
  if (errors.length > 0) {
    return [
      'InvalidProviderConfig',
      `${backend} has no secrets engine where ${subject} would be: check ${VAULT_PATH}.path, namespace and the key`,
    ];
  }
  if (version === 'v1' && warnings.length > 0) {
    return ['InvalidProviderConfig', `${backend} keeps ${subject} in KV v2, but ${VAULT_PATH}.version is v1`];
  }
  return ['SecretNotFound', `${backend} has no ${subject}`];
}

/**
 * Vault answers a token that it does not know with a bare "permission denied" (newer ones add "invalid token"), and a
 * refusal by policy with a list of what occurred.
 */
function judgeRefusal(report: VaultReport, { backend, subject, verb }: VaultCall): Verdict {
  const isToken = says(report, /\b(invalid|bad|missing client) token\b|^permission denied$/);
  if (isToken) return refused(backend);
  return ['BackendPermissionDenied', `${backend} does not let the store's token ${verb} ${subject}`];
}

function refused(backend: string): Verdict {
  return ['BackendAuthFailed', `${backend} refused the store's token`];
}

/** Whoever gave it knows nothing of secrets. */
function foreign(backend: string): Verdict {
  return ['BackendResponseInvalid', `${backend} gave an answer that is not Vault's`];
}

function unclear(backend: string): Verdict {
  return ['BackendResponseInvalid', `${backend} gave an answer that cannot be understood`];
}

function says(report: VaultReport | undefined, words: RegExp): boolean {
  return report?.errors.some((error) => words.test(error)) === true;
}
