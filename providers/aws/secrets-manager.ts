import type { GetSecretValueCommandInput, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { ClientContext, DocumentRef, SecretsClient } from '../../src/ports/provider.ts';
import { untilAborted } from '../shared/abort.ts';
import { lazy } from '../shared/lazy.ts';
import { observed } from '../shared/observed.ts';
import type { AwsCredentials } from './credentials.ts';
import { awsError } from './errors.ts';
import type { AwsCall } from './errors.ts';
import { OBSERVED_STEP } from './observe.ts';
import type { AwsConfig } from './schema.ts';

const loadSdk = lazy(() => import('@aws-sdk/client-secrets-manager'));

/** An identifier of a version begins so in `remoteRef.version`; anything else is a staging label. */
const VERSION_ID_PREFIX = 'uuid/';
const CURRENT = 'AWSCURRENT';

/** @param credentials fixed, or asked for before each request (a role's); `undefined` = the SDK's default chain. */
export async function createSecretsManagerClient(
  config: AwsConfig,
  credentials: AwsCredentials | (() => Promise<AwsCredentials>) | undefined,
  context: ClientContext,
): Promise<SecretsClient> {
  const sdk = await loadSdk();
  const endpoint = context.environment['AWS_SECRETSMANAGER_ENDPOINT'];
  const client = new sdk.SecretsManagerClient({
    region: config.region,
    // Retries are decided outside, where the deadline is known; the caller's signal bounds every request.
    maxAttempts: 1,
    ...(credentials && { credentials }),
    ...(endpoint ? { endpoint } : {}),
  });
  client.middlewareStack.add((next) => (args) => observed(context, 'GetSecretValue', () => next(args)), OBSERVED_STEP);
  return {
    getSecret: (ref, signal) => getSecret(client, config, ref, signal),
    close: async () => client.destroy(),
  };
}

async function getSecret(
  client: SecretsManagerClient,
  config: AwsConfig,
  ref: DocumentRef,
  signal: AbortSignal,
): Promise<SecretValue> {
  const { GetSecretValueCommand } = await loadSdk();
  const call = describe(ref, config.region);
  const command = new GetSecretValueCommand({ SecretId: `${config.prefix ?? ''}${ref.key}`, ...versionInput(ref) });
  try {
    signal.throwIfAborted();
    const { SecretString, SecretBinary } = await untilAborted(client.send(command, { abortSignal: signal }), signal);
    if (SecretString !== undefined) return SecretValue.fromText(SecretString);
    if (SecretBinary !== undefined) return new SecretValue(SecretBinary);
    throw new LatchkeyError(
      'BackendResponseInvalid',
      `${call.backend} gave an answer without a value for ${call.subject}`,
    );
  } catch (error) {
    throw awsError(error, call, signal);
  }
}

function versionInput({ version }: DocumentRef): Pick<GetSecretValueCommandInput, 'VersionId' | 'VersionStage'> {
  if (version?.startsWith(VERSION_ID_PREFIX) === true) return { VersionId: version.slice(VERSION_ID_PREFIX.length) };
  return { VersionStage: version || CURRENT };
}

function describe({ key, version }: DocumentRef, region: string): AwsCall {
  const backend = `AWS Secrets Manager in ${region}`;
  const secret = `secret "${printable(key)}"`;
  const subject = version ? `${secret} in version "${printable(version)}"` : secret;
  return {
    backend,
    purpose: `read ${secret}`,
    subject,
    invalid: {
      code: 'InvalidExternalSecret',
      words: `${backend} does not accept ${subject}: no secret can have that name`,
    },
  };
}
