import type { STSClient } from '@aws-sdk/client-sts';
import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { lazy } from '../shared/lazy.ts';
import { observed } from '../shared/observed.ts';
import type { AwsCredentials } from './credentials.ts';
import { awsError } from './errors.ts';
import type { AwsCall } from './errors.ts';
import { OBSERVED_STEP } from './observe.ts';
import { AWS_PATH } from './schema.ts';
import type { AwsConfig } from './schema.ts';

const loadSdk = lazy(() => import('@aws-sdk/client-sts'));

/** How long before their end credentials are renewed; they stay in use that long when STS is down. */
const RENEW_BEFORE_MS = 300_000;
/** One login serves every caller, so no single caller's signal ends it. */
const LOGIN_LIMIT_MS = 10_000;

/** Credentials of an assumed role, renewed before they end. */
export interface RoleCredentials {
  /** @throws LatchkeyError a backend's error when STS refuses or cannot be reached. */
  current(): Promise<AwsCredentials>;
  close(): void;
}

/** @param base what to assume the role with; `undefined` = the SDK's default chain. */
export async function createRoleCredentials(
  role: string,
  config: AwsConfig,
  base: AwsCredentials | undefined,
  context: ClientContext,
): Promise<RoleCredentials> {
  const { STSClient } = await loadSdk();
  const endpoint = context.environment['AWS_STS_ENDPOINT'];
  const client = new STSClient({
    region: config.region,
    maxAttempts: 1,
    ...(base && { credentials: base }),
    ...(endpoint ? { endpoint } : {}),
  });
  client.middlewareStack.add((next) => (args) => observed(context, 'AssumeRole', () => next(args)), OBSERVED_STEP);
  const assume = (): Promise<AwsCredentials> => assumeRole(client, role, config, sessionName(context));
  return { current: renewing(assume), close: () => client.destroy() };
}

/** Keeps the last credentials, lets one login at a time run, and rides out a failed renewal while the old ones last. */
function renewing(assume: () => Promise<AwsCredentials>): () => Promise<AwsCredentials> {
  let held: AwsCredentials | undefined;
  let pending: Promise<AwsCredentials> | undefined;
  const renew = async (): Promise<AwsCredentials> => {
    try {
      held = await assume();
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

async function assumeRole(
  client: STSClient,
  role: string,
  config: AwsConfig,
  RoleSessionName: string,
): Promise<AwsCredentials> {
  const { AssumeRoleCommand } = await loadSdk();
  const call = describe(role, config.region);
  const signal = AbortSignal.timeout(LOGIN_LIMIT_MS);
  const input = { RoleArn: role, RoleSessionName, ...(config.externalID ? { ExternalId: config.externalID } : {}) };
  try {
    const { Credentials: issued } = await client.send(new AssumeRoleCommand(input), { abortSignal: signal });
    if (!issued?.AccessKeyId || !issued.SecretAccessKey || !issued.SessionToken) {
      throw new LatchkeyError('BackendResponseInvalid', `${call.backend} gave an answer without credentials`);
    }
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = issued;
    return { accessKeyId, secretAccessKey, sessionToken, ...(issued.Expiration && { expiration: issued.Expiration }) };
  } catch (error) {
    throw awsError(error, call, signal);
  }
}

function describe(role: string, region: string): AwsCall {
  const subject = `role "${printable(role)}"`;
  return {
    backend: `AWS STS in ${region}`,
    purpose: `assume ${subject}`,
    subject,
    invalid: { code: 'InvalidProviderConfig', words: `${AWS_PATH}.role or externalID is not one that AWS STS accepts` },
  };
}

/** What CloudTrail shows; STS allows 2 to 64 of these characters. */
function sessionName({ store }: ClientContext): string {
  const name = ['latchkey', store.namespace, store.name].filter((part) => part !== undefined).join('-');
  return name.replaceAll(/[^\w+=,.@-]/g, '-').slice(0, 64);
}
