import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { LabelParameterVersionCommand, PutParameterCommand } from '@aws-sdk/client-ssm';
import type { SSMClient } from '@aws-sdk/client-ssm';
import { createProvider } from '../../providers/aws/index.ts';
import type { Json } from '../../src/api/kubernetes.ts';
import type { ClientContext, DocumentRef } from '../../src/ports/provider.ts';
import { awsContext } from '../contract/aws.subject.ts';
import { awsWriter, parameterWriter } from '../support/moto/aws-writer.ts';
import { failure } from '../contract/secrets-client.suite.ts';
import { startMoto } from '../support/moto/moto.ts';
import type { Moto } from '../support/moto/moto.ts';

const ROLE = 'arn:aws:iam::210987654321:role/reader';
const PAGE = join(import.meta.dirname, '../../docs/providers/aws.md');
const signal = new AbortController().signal;
const compare = (one: string, other: string): number => one.localeCompare(other);

describe('the aws provider against moto', () => {
  let moto: Moto;
  let writer: SecretsManagerClient;
  let parameters: SSMClient;
  before(async () => {
    moto = await startMoto();
    writer = awsWriter(moto.endpoint);
    parameters = parameterWriter(moto.endpoint);
  });
  after(async () => {
    writer.destroy();
    parameters.destroy();
    await moto.stop();
  });

  /** One read by a new client; `section` is laid over the store's section. */
  async function read(ref: DocumentRef, section: Record<string, Json> = {}, overrides: Partial<ClientContext> = {}) {
    const context = awsContext(moto.endpoint);
    const config = { ...(context.config as Record<string, Json>), ...section };
    const client = await createProvider().newClient({ ...context, config, ...overrides }, signal);
    try {
      return (await client.getSecret(ref, signal)).reveal().toString('utf8');
    } finally {
      await client.close();
    }
  }

  it('reads versions by staging label and by identifier', async () => {
    await writer.send(new CreateSecretCommand({ Name: 'rotated', SecretString: 'first' }));
    const { VersionId } = await writer.send(new PutSecretValueCommand({ SecretId: 'rotated', SecretString: 'second' }));
    assert.equal(await read({ key: 'rotated' }), 'second');
    assert.equal(await read({ key: 'rotated', version: 'AWSPREVIOUS' }), 'first');
    assert.equal(await read({ key: 'rotated', version: `uuid/${VersionId}` }), 'second');
    const unknown = await failure(read({ key: 'rotated', version: 'uuid/00000000-0000-4000-8000-000000000000' }));
    assert.equal(unknown.code, 'SecretNotFound');
  });

  it('reads by full ARN and puts the prefix before the key', async () => {
    await writer.send(new CreateSecretCommand({ Name: 'team/db', SecretString: 'prefixed' }));
    const { ARN = '' } = await writer.send(new DescribeSecretCommand({ SecretId: 'team/db' }));
    assert.equal(await read({ key: ARN }), 'prefixed');
    assert.equal(await read({ key: 'db' }, { prefix: 'team/' }), 'prefixed');
    const error = await failure(read({ key: 'other' }, { prefix: 'team/' }));
    assert.equal(error.message, 'AWS Secrets Manager in eu-central-1 has no secret "other"');
  });

  it('reads parameters of every type, by path, version and label', async () => {
    const put = (Name: string, Value: string, Type: 'String' | 'StringList' | 'SecureString') =>
      parameters.send(new PutParameterCommand({ Name, Value, Type, Overwrite: true }));
    await put('plain', 'first', 'String');
    await put('plain', 'second', 'String');
    await parameters.send(new LabelParameterVersionCommand({ Name: 'plain', ParameterVersion: 1, Labels: ['blue'] }));
    await put('/team/list', 'a,b', 'StringList');
    await put('/team/secure', 'decrypted', 'SecureString');
    const service = 'ParameterStore';
    const readOne = (key: string, version = '') => read({ key, version }, { service });
    assert.equal(await readOne('plain'), 'second');
    assert.equal(await readOne('plain', '1'), 'first');
    assert.equal(await readOne('plain', 'blue'), 'first');
    assert.equal(await readOne('/team/list'), 'a,b');
    assert.equal(await read({ key: 'secure' }, { service, prefix: '/team/' }), 'decrypted');
    const unknown = await failure(readOne('plain', 'green'));
    assert.equal(unknown.message, 'AWS Parameter Store in eu-central-1 has no parameter "plain" in version "green"');
  });

  it('hands out tags as Go would print them', async () => {
    const Tags = ['b', 'a<b>', 'ä'].map((Key) => ({ Key, Value: `${Key}&` }));
    await writer.send(new CreateSecretCommand({ Name: 'tagged', SecretString: 'fake', Tags }));
    const client = await createProvider().newClient(awsContext(moto.endpoint), signal);
    const tags = await client.getMetadata?.({ key: 'tagged' }, signal);
    await client.close();
    const want = '{"a\\u003cb\\u003e":"a\\u003cb\\u003e\\u0026","b":"b\\u0026","ä":"ä\\u0026"}';
    assert.equal(tags?.reveal().toString(), want);
  });

  it('calls nothing but what the policies of docs/providers/aws.md allow, and all of it', async () => {
    const page = await readFile(PAGE, 'utf8');
    const policies = page.match(/"Action": (\[[^\]]*\]|"[^"]*")/g)?.join() ?? '';
    const documented = policies.match(/(secretsmanager|ssm):\w+/g) ?? [];
    const called = new Set<string>();
    const everything = { matchNames: async (names: readonly string[]) => names.map((name) => name.includes('policy')) };
    for (const [service, prefix] of Object.entries({ SecretsManager: 'secretsmanager', ParameterStore: 'ssm' })) {
      const onRequest = (call: string): void => void called.add(`${prefix}:${call}`);
      for (const name of ['policy-1', 'policy-2']) {
        if (service === 'SecretsManager')
          await writer.send(new CreateSecretCommand({ Name: name, SecretString: 'fake' }));
        else await parameters.send(new PutParameterCommand({ Name: name, Value: 'fake', Type: 'String' }));
      }
      const client = await createProvider().newClient(awsContext(moto.endpoint, { onRequest }, { service }), signal);
      await client.getSecret({ key: 'policy-1' }, signal);
      await client.getSecrets?.([{ key: 'policy-1' }, { key: 'policy-2' }], signal);
      await client.getMetadata?.({ key: 'policy-1' }, signal);
      assert.equal((await client.findSecrets?.(everything, signal))?.size, 2);
      await client.findSecrets?.({ tags: { none: 'such' } }, signal);
      await client.close();
    }
    assert.deepEqual([...called].toSorted(compare), documented.toSorted(compare));
  });

  it('keeps regions apart', async () => {
    await writer.send(new CreateSecretCommand({ Name: 'regional', SecretString: 'here' }));
    const error = await failure(read({ key: 'regional' }, { region: 'eu-west-1' }));
    assert.equal(error.message, 'AWS Secrets Manager in eu-west-1 has no secret "regional"');
  });

  it('says that a secret marked for deletion does not exist', async () => {
    await writer.send(new CreateSecretCommand({ Name: 'going', SecretString: 'fake' }));
    await writer.send(new DeleteSecretCommand({ SecretId: 'going', RecoveryWindowInDays: 7 }));
    const error = await failure(read({ key: 'going' }));
    assert.equal(error.code, 'SecretNotFound');
    assert.match(error.message, /"going": it is marked for deletion$/);
  });

  it('reads with the role’s identity, from the role’s account', async () => {
    await writer.send(new CreateSecretCommand({ Name: 'account', SecretString: 'ours' }));
    const calls: string[] = [];
    const onRequest = (call: string, status: string): void => void calls.push(`${call} ${status}`);
    const error = await failure(read({ key: 'account' }, { role: ROLE, externalID: 'fake' }, { onRequest }));
    assert.equal(error.code, 'SecretNotFound', 'the role lives in another account, which has no such secret');
    assert.deepEqual(calls, ['AssumeRole success', 'GetSecretValue error']);
    assert.equal(await read({ key: 'account' }), 'ours');
  });

  it('uses the identity that Latchkey runs under only where that is allowed', async () => {
    await writer.send(new CreateSecretCommand({ Name: 'ambient', SecretString: 'fake' }));
    process.env['AWS_ACCESS_KEY_ID'] = 'AKIAFAKEAMBIENTFAKE1';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'fake-ambient-key';
    assert.equal(await read({ key: 'ambient' }, { auth: {} }, { isAmbientIdentityAllowed: true }), 'fake');
    const error = await failure(read({ key: 'ambient' }, { auth: {} }));
    assert.equal(error.code, 'InvalidProviderConfig');
    assert.match(error.message, /spec\.provider\.aws\.auth\.jwt or \.secretRef, .*--ambient-credentials all$/);
  });
});
