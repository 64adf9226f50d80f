import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
} from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createProvider } from '../../providers/aws/index.ts';
import type { Json } from '../../src/api/kubernetes.ts';
import type { ClientContext, DocumentRef } from '../../src/ports/provider.ts';
import { awsContext } from '../contract/aws.subject.ts';
import { awsWriter } from '../support/moto/aws-writer.ts';
import { failure } from '../contract/secrets-client.suite.ts';
import { startMoto } from '../support/moto/moto.ts';
import type { Moto } from '../support/moto/moto.ts';

const ROLE = 'arn:aws:iam::210987654321:role/reader';
const signal = new AbortController().signal;

describe('the aws provider against moto', () => {
  let moto: Moto;
  let writer: SecretsManagerClient;
  before(async () => {
    moto = await startMoto();
    writer = awsWriter(moto.endpoint);
  });
  after(async () => {
    writer.destroy();
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
