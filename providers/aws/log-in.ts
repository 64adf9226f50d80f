import type { Credentials, STSClient } from '@aws-sdk/client-sts';
import { LatchkeyError } from '../../src/core/errors.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { lazy } from '../shared/lazy.ts';
import type { AwsCredentials, CredentialSource } from './credentials.ts';
import type { AwsCall } from './errors.ts';
import { OBSERVED_STEP, observing } from './observe.ts';
import { ask } from './request.ts';
import { sdkOptions } from './sdk-options.ts';

export const loadSts = lazy(() => import('@aws-sdk/client-sts'));

/** How long before their end credentials are renewed; they stay in use that long when STS is down. */
const RENEW_BEFORE_MS = 300_000;
/** One log-in serves every caller, so no single caller's signal ends it. */
const LOG_IN_LIMIT_MS = 10_000;

/** Credentials for a time, renewed before it is over. */
export interface LogIn {
  /** @throws LatchkeyError a backend's error when STS refuses or cannot be reached. */
  readonly current: () => Promise<AwsCredentials>;
  close(): void;
}

/**
 * Logs in with STS, on first use.
 * @param base what to ask STS with.
 * @param obtain one log-in; STS's answer.
 */
export async function openLogIn(
  region: string,
  base: CredentialSource,
  context: ClientContext,
  obtain: (client: STSClient, signal: AbortSignal) => Promise<{ readonly Credentials?: Credentials | undefined }>,
  call: AwsCall,
): Promise<LogIn> {
  const { STSClient } = await loadSts();
  const client = new STSClient(sdkOptions(region, base, 'AWS_STS_ENDPOINT', context));
  client.middlewareStack.add(observing(context), OBSERVED_STEP);
  const logIn = async (): Promise<AwsCredentials> => {
    const signal = AbortSignal.timeout(LOG_IN_LIMIT_MS);
    const { Credentials: issued } = await ask(() => obtain(client, signal), call, signal);
    if (!issued?.AccessKeyId || !issued.SecretAccessKey || !issued.SessionToken) {
      throw new LatchkeyError('BackendResponseInvalid', `${call.backend} gave an answer without credentials`);
    }
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = issued;
    return { accessKeyId, secretAccessKey, sessionToken, ...(issued.Expiration && { expiration: issued.Expiration }) };
  };
  return { current: renewing(logIn), close: () => client.destroy() };
}

/** Keeps the last credentials, lets one log-in at a time run, and rides out a failed renewal while the old ones last. */
function renewing(logIn: () => Promise<AwsCredentials>): () => Promise<AwsCredentials> {
  let held: AwsCredentials | undefined;
  let pending: Promise<AwsCredentials> | undefined;
  const renew = async (): Promise<AwsCredentials> => {
    try {
      held = await logIn();
    } catch (error) {
      if (held === undefined || timeLeftMs(held) <= 0) throw error;
    } finally {
      pending = undefined;
    }
    return held;
  };
  return async () => {
    if (held !== undefined && timeLeftMs(held) > RENEW_BEFORE_MS) return held;
    pending ??= renew();
    return pending;
  };
}

function timeLeftMs({ expiration }: AwsCredentials): number {
  return expiration === undefined ? Infinity : expiration.getTime() - Date.now();
}

/** What CloudTrail shows; STS allows 2 to 64 of these characters. */
export function sessionName({ store }: ClientContext): string {
  const name = ['latchkey', store.namespace, store.name].filter((part) => part !== undefined).join('-');
  return name.replaceAll(/[^\w+=,.@-]/g, '-').slice(0, 64);
}
