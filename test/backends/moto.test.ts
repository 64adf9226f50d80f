import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { awsWriter } from '../support/moto/aws-writer.ts';
import { startMoto, type Moto } from '../support/moto/moto.ts';
import { identifyProcess } from '../support/process/process-identity.ts';

describe('the moto test server', { timeout: 10 * 60_000 }, () => {
  let moto: Moto;
  let client: SecretsManagerClient;

  before(async () => {
    moto = await startMoto();
    client = awsWriter(moto.endpoint);
  });

  after(async () => {
    client.destroy();
    await moto.stop();
  });

  it('keeps a secret and gives it back through the official SDK', async () => {
    await client.send(new CreateSecretCommand({ Name: 'orders/db', SecretString: '{"password":"first"}' }));
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: 'orders/db' }));
    assert.equal(SecretString, '{"password":"first"}');
  });

  it('forgets everything when it is reset', async () => {
    await client.send(new CreateSecretCommand({ Name: 'short-lived', SecretString: 'x' }));
    await moto.reset();
    await assert.rejects(
      client.send(new GetSecretValueCommand({ SecretId: 'short-lived' })),
      ResourceNotFoundException,
    );
  });

  it('leaves no process behind when it is stopped, also when stopped twice', async () => {
    await moto.stop();
    await moto.stop();
    assert.equal(identifyProcess(moto.pid), undefined);
  });
});
