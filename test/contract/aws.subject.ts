import { isUtf8 } from 'node:buffer';
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand } from '@aws-sdk/client-ssm';
import { providers } from '../../providers/index.ts';
import type { Json } from '../../src/api/kubernetes.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { AWS_KEYS, AWS_REGION, awsWriter, parameterWriter } from '../support/moto/aws-writer.ts';
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

type Service = 'SecretsManager' | 'ParameterStore';

/** A context of a store with static, obviously fake keys. `section` is laid over the store's. */
export function awsContext(
  endpoint: string,
  overrides: Partial<ClientContext> = {},
  section: Record<string, Json> = {},
): ClientContext {
  const selector = (key: string) => ({ name: 'aws', key });
  return clientContext({
    config: {
      service: 'SecretsManager',
      region: AWS_REGION,
      auth: { secretRef: { accessKeyIDSecretRef: selector('id'), secretAccessKeySecretRef: selector('key') } },
      ...section,
    },
    credentials: credentialsFrom({ 'aws/id': AWS_KEYS.id, 'aws/key': AWS_KEYS.key }),
    environment: {
      AWS_SECRETSMANAGER_ENDPOINT: endpoint,
      AWS_SSM_ENDPOINT: endpoint,
      AWS_STS_ENDPOINT: endpoint,
    },
    ...overrides,
  });
}

const common = {
  load: providers.aws,
  faults: ['refuses connections', ...(Object.keys(REPLIES) as (keyof typeof REPLIES)[])],
  takesBatches: true,
  keepsTags: true,
} as const;

/** What succeeds is tried against moto, what fails against a stub: moto cannot refuse or throttle as AWS does. */
export const awsSubjects: readonly Subject[] = [
  {
    ...common,
    name: 'aws (Secrets Manager)',
    isBinarySafe: true,
    absentVersion: 'no-such-version',
    search: { root: '', knowsPaths: true, moreThanOnePage: 101 },
    start: () => startBackend('SecretsManager', secretsManagerWriting),
  },
  {
    ...common,
    name: 'aws (Parameter Store)',
    isBinarySafe: false,
    largestBytes: 4096,
    absentVersion: '99',
    search: { root: '/', knowsPaths: true, moreThanOnePage: 11 },
    start: () => startBackend('ParameterStore', parameterStoreWriting),
  },
];

type Writing = Pick<Backend, 'put' | 'putDocument' | 'putTagged' | 'putVersions' | 'close'>;

async function startBackend(service: Service, writingTo: (endpoint: string) => Writing): Promise<Backend> {
  const moto = await startMoto();
  const writing = writingTo(moto.endpoint);
  const closers = [() => writing.close(), () => moto.stop()];
  const contextOf = (endpoint: string, overrides?: Partial<ClientContext>): ClientContext =>
    awsContext(endpoint, overrides, { service });
  return {
    ...writing,
    context: (overrides) => contextOf(moto.endpoint, overrides),
    faulty: async (fault) => {
      if (fault === 'refuses connections') return contextOf(await unusedEndpoint());
      const stub = await startAwsStub(() => REPLIES[fault]);
      closers.push(() => stub.close());
      return contextOf(stub.endpoint);
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}

function secretsManagerWriting(endpoint: string): Writing {
  const writer = awsWriter(endpoint);
  const put = async (key: string, bytes: Uint8Array, tags: Readonly<Record<string, string>> = {}): Promise<void> => {
    await writer.send(new CreateSecretCommand({ Name: key, ...valueInput(bytes), Tags: tagsInput(tags) }));
  };
  return {
    put: (key, bytes) => put(key, bytes),
    putDocument: (key, json) => put(key, Buffer.from(json)),
    putTagged: put,
    putVersions: async (key, current, other) => {
      await put(key, current);
      const input = { SecretId: key, VersionStages: ['candidate'], ...valueInput(other) };
      await writer.send(new PutSecretValueCommand(input));
      return 'candidate';
    },
    close: async () => writer.destroy(),
  };
}

function parameterStoreWriting(endpoint: string): Writing {
  const writer = parameterWriter(endpoint);
  const put = async (key: string, bytes: Uint8Array, tags?: Readonly<Record<string, string>>): Promise<void> => {
    const Value = Buffer.from(bytes).toString('utf8');
    // AWS takes no tags with what it overwrites.
    const how = tags === undefined ? { Overwrite: true } : { Tags: tagsInput(tags) };
    await writer.send(new PutParameterCommand({ Name: key, Value, Type: 'SecureString', ...how }));
  };
  return {
    put: (key, bytes) => put(key, bytes),
    putDocument: (key, json) => put(key, Buffer.from(json)),
    putTagged: put,
    putVersions: async (key, current, other) => {
      await put(key, other);
      await put(key, current);
      return '1';
    },
    close: async () => writer.destroy(),
  };
}

function tagsInput(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function valueInput(bytes: Uint8Array): { SecretString: string } | { SecretBinary: Uint8Array } {
  return isUtf8(bytes) ? { SecretString: Buffer.from(bytes).toString('utf8') } : { SecretBinary: bytes };
}
