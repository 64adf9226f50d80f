import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/aws/index.ts';
import type { Json } from '../../../src/api/kubernetes.ts';
import type { SecretsClient } from '../../../src/ports/provider.ts';
import { startAwsStub, stsCredentialsReply, stsErrorReply } from '../../contract/aws-stub.ts';
import type { AwsRequest } from '../../contract/aws-stub.ts';
import type { Stub, StubReply } from '../../contract/stub-server.ts';
import { awsContext } from '../../contract/aws.subject.ts';
import { failure } from '../../contract/secrets-client.suite.ts';

const signal = new AbortController().signal;
const minutesAhead = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);
const value: StubReply = { status: 200, body: JSON.stringify({ SecretString: 'fake' }) };

/** A client with a role, over a stub whose STS answers with `login`, given how often it has been asked. */
async function withRole(
  login: (count: number) => StubReply,
  body: (client: SecretsClient, stub: Stub<AwsRequest>) => Promise<void>,
  section: Record<string, Json> = {},
): Promise<void> {
  let logins = 0;
  const stub = await startAwsStub(({ action }) => (action === 'AssumeRole' ? login((logins += 1)) : value));
  const context = awsContext(stub.endpoint);
  const config = { ...(context.config as Record<string, Json>), role: 'fake-role', ...section };
  const client = await createProvider().newClient({ ...context, config }, signal);
  try {
    await body(client, stub);
  } finally {
    await client.close();
    await stub.close();
  }
}

const actions = (requests: readonly AwsRequest[]): string[] =>
  requests.map(({ action, accessKeyId }) => `${action} by ${accessKeyId}`);
const LOGIN = 'AssumeRole by AKIAFAKEFAKEFAKEFAKE';

describe('the role of an AWS store', () => {
  it('is assumed once for many requests, under a name that tells the store', async () => {
    const login = (): StubReply => stsCredentialsReply('ASIAFAKE1', minutesAhead(60));
    await withRole(
      login,
      async (client, stub) => {
        await Promise.all(['a', 'b', 'c'].map((key) => client.getSecret({ key }, signal)));
        const read = 'GetSecretValue by ASIAFAKE1';
        assert.deepEqual(actions(stub.requests), [LOGIN, read, read, read]);
        const { input, region } = stub.requests[0] ?? {};
        assert.deepEqual(input, {
          RoleArn: 'fake-role',
          RoleSessionName: 'latchkey-team-a-contract',
          ExternalId: 'fake-id',
        });
        assert.equal(region, 'eu-central-1');
      },
      { externalID: 'fake-id' },
    );
  });

  it('is assumed again five minutes before its credentials end', async () => {
    const login = (count: number): StubReply =>
      stsCredentialsReply(`ASIAFAKE${count}`, minutesAhead(count === 1 ? 4 : 60));
    await withRole(login, async (client, stub) => {
      for (const key of ['a', 'b', 'c']) await client.getSecret({ key }, signal);
      const seen = actions(stub.requests);
      // The SDK may ask for credentials more than once a request, so the first login may serve none.
      assert.equal(seen.filter((action) => action === LOGIN).length, 2);
      assert.equal(seen.at(-1), 'GetSecretValue by ASIAFAKE2');
    });
  });

  it('keeps its old credentials while they last when STS is failing', async () => {
    const failing = stsErrorReply(500, 'InternalFailure', 'fake');
    const login = (count: number): StubReply =>
      count === 1 ? stsCredentialsReply('ASIAFAKE1', minutesAhead(4)) : failing;
    await withRole(login, async (client, stub) => {
      await client.getSecret({ key: 'a' }, signal);
      await client.getSecret({ key: 'b' }, signal);
      assert.equal(actions(stub.requests).at(-1), 'GetSecretValue by ASIAFAKE1');
    });
  });

  it('is tried again after a refusal', async () => {
    const refused = stsErrorReply(403, 'AccessDenied', 'fake');
    const login = (count: number): StubReply =>
      count === 1 ? refused : stsCredentialsReply('ASIAFAKE2', minutesAhead(60));
    await withRole(login, async (client) => {
      assert.equal((await failure(client.getSecret({ key: 'a' }, signal))).code, 'BackendPermissionDenied');
      assert.equal((await client.getSecret({ key: 'a' }, signal)).reveal().toString(), 'fake');
    });
  });

  it('does not keep a caller waiting whose time is up', { timeout: 5000 }, async () => {
    await withRole(
      () => 'hang',
      async (client) => {
        const error = await failure(client.getSecret({ key: 'a' }, AbortSignal.timeout(100)));
        assert.equal(error.code, 'BackendTimeout');
      },
    );
  });
});
