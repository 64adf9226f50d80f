import { isUtf8 } from 'node:buffer';
import { CreateSecretCommand, PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { providers } from '../../providers/index.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { AWS_KEYS, AWS_REGION, awsWriter } from '../support/moto/aws-writer.ts';
import { startMoto } from '../support/moto/moto.ts';
import { awsErrorReply, startAwsStub } from './aws-stub.ts';
import { clientContext, credentialsFrom } from './context.ts';
import { RETRY_AFTER_SECONDS, SENTINEL } from './faults.ts';
import type { Fault } from './faults.ts';
import type { Backend, Subject } from './secrets-client.suite.ts';
import { unusedEndpoint } from './stub-server.ts';
import type { StubReply } from './stub-server.ts';

const REPLIES: Readonly<Record<Exclude<Fault, 'refuses connections'>, StubReply>> = {
  'resets the connection': 'reset',
  'never answers': 'hang',
  'answers with a server error': awsErrorReply(500, 'InternalServiceError', SENTINEL),
  'answers with a page that is not of its protocol': { status: 200, body: `<html>${SENTINEL}` },
  'cuts its answer short': { cutShort: JSON.stringify({ Name: SENTINEL, SecretString: SENTINEL.repeat(200) }) },
  'refuses the credentials': awsErrorReply(400, 'UnrecognizedClientException', SENTINEL),
  'forbids reading': awsErrorReply(400, 'AccessDeniedException', SENTINEL),
  'asks to slow down': awsErrorReply(400, 'ThrottlingException', SENTINEL, { 'retry-after': `${RETRY_AFTER_SECONDS}` }),
};

/** A context of a store with static, obviously fake keys. */
export function awsContext(endpoint: string, overrides: Partial<ClientContext> = {}): ClientContext {
  const selector = (key: string) => ({ name: 'aws', key });
  return clientContext({
    config: {
      service: 'SecretsManager',
      region: AWS_REGION,
      auth: { secretRef: { accessKeyIDSecretRef: selector('id'), secretAccessKeySecretRef: selector('key') } },
    },
    credentials: credentialsFrom({ 'aws/id': AWS_KEYS.id, 'aws/key': AWS_KEYS.key }),
    environment: { AWS_SECRETSMANAGER_ENDPOINT: endpoint, AWS_STS_ENDPOINT: endpoint },
    ...overrides,
  });
}

/** What succeeds is tried against moto, what fails against a stub: moto cannot refuse or throttle as AWS does. */
export const awsSubject: Subject = {
  name: 'aws',
  load: providers.aws,
  faults: ['refuses connections', ...(Object.keys(REPLIES) as (keyof typeof REPLIES)[])],
  isBinarySafe: true,
  absentVersion: 'no-such-version',
  takesBatches: false,
  start: startBackend,
};

async function startBackend(): Promise<Backend> {
  const moto = await startMoto();
  const writer = awsWriter(moto.endpoint);
  const closers = [async () => writer.destroy(), () => moto.stop()];
  return {
    context: (overrides) => awsContext(moto.endpoint, overrides),
    put: (key, bytes) => create(writer, key, bytes),
    putDocument: (key, json) => create(writer, key, Buffer.from(json)),
    putVersions: async (key, current, other) => {
      await create(writer, key, current);
      const input = { SecretId: key, VersionStages: ['candidate'], ...valueInput(other) };
      await writer.send(new PutSecretValueCommand(input));
      return 'candidate';
    },
    faulty: async (fault) => {
      if (fault === 'refuses connections') return awsContext(await unusedEndpoint());
      const stub = await startAwsStub(() => REPLIES[fault]);
      closers.push(() => stub.close());
      return awsContext(stub.endpoint);
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

async function create(writer: SecretsManagerClient, key: string, bytes: Uint8Array): Promise<void> {
  await writer.send(new CreateSecretCommand({ Name: key, ...valueInput(bytes) }));
}

function valueInput(bytes: Uint8Array): { SecretString: string } | { SecretBinary: Uint8Array } {
  return isUtf8(bytes) ? { SecretString: Buffer.from(bytes).toString('utf8') } : { SecretBinary: bytes };
}
