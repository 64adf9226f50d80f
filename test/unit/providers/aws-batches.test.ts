import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/aws/index.ts';
import type { ClientContext, DocumentResult, SecretsClient } from '../../../src/ports/provider.ts';
import { awsErrorReply, startAwsStub } from '../../contract/aws-stub.ts';
import type { AwsRequest } from '../../contract/aws-stub.ts';
import { awsContext } from '../../contract/aws.subject.ts';
import { SENTINEL } from '../../contract/faults.ts';
import { assertNothingLeaks } from '../../contract/secrets-client.suite.ts';
import type { Stub, StubReply } from '../../contract/stub-server.ts';

const signal = new AbortController().signal;
const keys = (count: number): { key: string }[] => Array.from({ length: count }, (_, index) => ({ key: `k${index}` }));
const json = (answer: object): StubReply => ({ status: 200, body: JSON.stringify(answer) });
const denied = awsErrorReply(400, 'AccessDeniedException', SENTINEL);

const told = (result: DocumentResult): string =>
  'document' in result ? result.document.reveal().toString() : result.error.code;

/** A Secrets Manager whose every secret has its own name as value. `batch` may answer in its place. */
const secretsManager =
  (batch?: (ids: readonly string[]) => StubReply | undefined) =>
  ({ action, input }: AwsRequest): StubReply => {
    if (action === 'GetSecretValue') return json({ Name: input['SecretId'], SecretString: input['SecretId'] });
    const ids = input['SecretIdList'] as string[];
    const values = ids.toReversed().map((id) => ({ Name: id, ARN: `arn:fake:${id}-AbCdEf`, SecretString: id }));
    return batch?.(ids) ?? json({ SecretValues: values });
  };

const parameterStore =
  (batch?: (names: readonly string[]) => StubReply | undefined) =>
  ({ action, input }: AwsRequest): StubReply => {
    if (action === 'GetParameter') return json({ Parameter: { Name: input['Name'], Value: input['Name'] } });
    const names = input['Names'] as string[];
    return batch?.(names) ?? json({ Parameters: names.map((name) => ({ Name: name, Value: name })) });
  };

type Service = 'SecretsManager' | 'ParameterStore';

async function withClient(
  service: Service,
  reply: (request: AwsRequest) => StubReply,
  body: (client: Required<SecretsClient>, stub: Stub<AwsRequest>, notices: readonly string[]) => Promise<void>,
  overrides: Partial<ClientContext> = {},
): Promise<void> {
  const stub = await startAwsStub(reply);
  const notices: string[] = [];
  const onNotice = (code: string, sentence: string): void => void notices.push(`${code}: ${sentence}`);
  const context = awsContext(stub.endpoint, { onNotice, ...overrides }, { service });
  const client = await createProvider().newClient(context, signal);
  try {
    await body(client as Required<SecretsClient>, stub, notices);
  } finally {
    await client.close();
    await stub.close();
  }
}

const actionsOf = ({ requests }: Stub<AwsRequest>): Record<string, number> => {
  const counted = Map.groupBy(requests, ({ action }) => action);
  return Object.fromEntries([...counted].map(([action, all]) => [action, all.length]));
};

describe('a batch of secrets', () => {
  it('of a thousand takes 50 calls of 20', async () => {
    await withClient('SecretsManager', secretsManager(), async (client, stub) => {
      const refs = keys(1000);
      assert.deepEqual(
        (await client.getSecrets(refs, signal)).map(told),
        refs.map(({ key }) => key),
      );
      assert.deepEqual(actionsOf(stub), { BatchGetSecretValue: 50 });
    });
  });

  it('asks for one alone, and for what has a version', async () => {
    await withClient('SecretsManager', secretsManager(), async (client, stub) => {
      const refs = [{ key: 'a' }, { key: 'a', version: 'AWSPREVIOUS' }, { key: 'b', version: 'uuid/fake' }];
      assert.deepEqual((await client.getSecrets(refs, signal)).map(told), ['a', 'a', 'b']);
      assert.deepEqual(actionsOf(stub), { GetSecretValue: 3 });
    });
  });

  it('finds what was asked for by ARN, with and without the six characters at its end', async () => {
    await withClient(
      'SecretsManager',
      secretsManager(() =>
        json({ SecretValues: [{ Name: 'a', ARN: 'arn:aws:secretsmanager:r:1:secret:a-AbCdEf', SecretString: 'v' }] }),
      ),
      async (client, stub) => {
        const arn = 'arn:aws:secretsmanager:r:1:secret:a';
        const results = await client.getSecrets([{ key: `${arn}-AbCdEf` }, { key: arn }, { key: 'a' }], signal);
        assert.deepEqual(results.map(told), ['v', 'v', 'v']);
        assert.deepEqual(actionsOf(stub), { BatchGetSecretValue: 1 });
      },
    );
  });

  it('gives each item the error that the answer tells for it, and the next pages', async () => {
    const Errors = [
      { SecretId: 'k1', ErrorCode: 'AccessDeniedException', Message: SENTINEL },
      { SecretId: 'k2', ErrorCode: 'ResourceNotFoundException', Message: SENTINEL },
      { SecretId: 'k3', ErrorCode: 'InvalidRequestException', Message: 'because it was marked for deletion' },
      { SecretId: 'k4', ErrorCode: 'DecryptionFailure', Message: SENTINEL },
      { SecretId: 'k5', ErrorCode: 'BrandNewException', Message: SENTINEL },
    ];
    const answers = [
      json({ SecretValues: [], Errors, NextToken: 'more' }),
      json({ SecretValues: [{ Name: 'k0', SecretString: 'v' }] }),
    ];
    await withClient(
      'SecretsManager',
      secretsManager(() => answers.shift()),
      async (client, stub, notices) => {
        const results = await client.getSecrets(keys(6), signal);
        assert.deepEqual(results.map(told), [
          'v',
          'BackendPermissionDenied',
          'SecretNotFound',
          'SecretNotFound',
          'BackendPermissionDenied',
          'BackendResponseInvalid',
        ]);
        for (const result of results) if ('error' in result) assertNothingLeaks(result.error);
        assert.deepEqual(actionsOf(stub), { BatchGetSecretValue: 2 });
        assert.deepEqual(notices, []);
      },
    );
  });

  it('asks once more, alone, for what the answer does not tell of', async () => {
    const reply = secretsManager(() => json({ SecretValues: [{ Name: 'k1', SecretString: 'batch' }] }));
    await withClient('SecretsManager', reply, async (client, stub) => {
      assert.deepEqual((await client.getSecrets(keys(2), signal)).map(told), ['k0', 'batch']);
      assert.deepEqual(actionsOf(stub), { BatchGetSecretValue: 1, GetSecretValue: 1 });
    });
  });

  it('is read one by one without the right to such calls, which is told once and not tried again', async () => {
    const reply = secretsManager(() => denied);
    await withClient('SecretsManager', reply, async (client, stub, notices) => {
      for (let round = 0; round < 2; round += 1) {
        assert.deepEqual((await client.getSecrets(keys(3), signal)).map(told), ['k0', 'k1', 'k2']);
      }
      assert.deepEqual(actionsOf(stub), { BatchGetSecretValue: 1, GetSecretValue: 6 });
      assert.deepEqual(notices, [
        'BatchReadRefused: the identity of SecretStore "contract" may not call secretsmanager:BatchGetSecretValue, so its secrets are read one by one',
      ]);
    });
  });

  it('with a name that AWS does not accept fails only for that name', async () => {
    const invalid = awsErrorReply(400, 'InvalidParameterException', SENTINEL);
    const single = secretsManager();
    await withClient(
      'SecretsManager',
      (request) => {
        const isBatch = request.action === 'BatchGetSecretValue';
        return isBatch || request.input['SecretId'] === 'k1' ? invalid : single(request);
      },
      async (client, _stub, notices) => {
        const results = await client.getSecrets(keys(3), signal);
        assert.deepEqual(results.map(told), ['k0', 'InvalidExternalSecret', 'k2']);
        assert.deepEqual(notices, []);
      },
    );
  });

  it('fails for the items of a call that fails, without asking for each of them', async () => {
    const failing = awsErrorReply(500, 'InternalServiceError', SENTINEL);
    const reply = secretsManager((ids) => (ids.includes('k0') ? failing : undefined));
    await withClient('SecretsManager', reply, async (client, stub) => {
      const results = (await client.getSecrets(keys(22), signal)).map(told);
      assert.deepEqual(
        results.slice(0, 20),
        Array.from({ length: 20 }, () => 'BackendUnavailable'),
      );
      assert.deepEqual(results.slice(20), ['k20', 'k21']);
      assert.deepEqual(actionsOf(stub), { BatchGetSecretValue: 2 });
    });
  });

  it('sends nothing once its caller has given up', async () => {
    await withClient('SecretsManager', secretsManager(), async (client, stub) => {
      const results = await client.getSecrets(keys(3), AbortSignal.abort());
      assert.deepEqual(results.map(told), ['BackendTimeout', 'BackendTimeout', 'BackendTimeout']);
      assert.deepEqual(actionsOf(stub), {});
    });
  });
});

describe('a batch of parameters', () => {
  it('of a thousand takes 100 calls of 10', async () => {
    await withClient('ParameterStore', parameterStore(), async (client, stub) => {
      const refs = keys(1000);
      assert.deepEqual(
        (await client.getSecrets(refs, signal)).map(told),
        refs.map(({ key }) => key),
      );
      assert.deepEqual(actionsOf(stub), { GetParameters: 100 });
      assert.equal(stub.requests[0]?.input['WithDecryption'], true);
    });
  });

  it('asks for versions and labels alone, as AWS spells them', async () => {
    await withClient('ParameterStore', parameterStore(), async (client, stub) => {
      const refs = [{ key: 'a' }, { key: 'b' }, { key: 'a', version: '2' }, { key: 'a', version: 'blue' }];
      assert.deepEqual((await client.getSecrets(refs, signal)).map(told), ['a', 'b', 'a:2', 'a:blue']);
      assert.deepEqual(actionsOf(stub), { GetParameters: 1, GetParameter: 2 });
    });
  });

  it('says SecretNotFound of those that the answer calls invalid', async () => {
    const reply = parameterStore(() => json({ Parameters: [{ Name: 'k0', Value: 'v' }], InvalidParameters: ['k1'] }));
    await withClient('ParameterStore', reply, async (client) => {
      const results = await client.getSecrets(keys(2), signal);
      assert.deepEqual(results.map(told), ['v', 'SecretNotFound']);
      const [, missing] = results;
      assert.ok(missing && 'error' in missing);
      assert.equal(missing.error.message, 'AWS Parameter Store in eu-central-1 has no parameter "k1"');
    });
  });

  it('goes on in batches when only one parameter may not be read: AWS refuses the call for it', async () => {
    const single = parameterStore((names) => (names.includes('k1') ? denied : undefined));
    await withClient(
      'ParameterStore',
      (request) => (request.action === 'GetParameter' && request.input['Name'] === 'k1' ? denied : single(request)),
      async (client, stub, notices) => {
        const results = await client.getSecrets(keys(12), signal);
        assert.equal(results.filter((result) => 'document' in result).length, 11);
        assert.equal(results.map(told)[1], 'BackendPermissionDenied');
        assert.deepEqual(actionsOf(stub), { GetParameters: 2, GetParameter: 10 });
        assert.deepEqual(notices, []);
      },
    );
  });

  it('is read one by one without the right to such calls, which is told once', async () => {
    await withClient(
      'ParameterStore',
      parameterStore(() => denied),
      async (client, stub, notices) => {
        for (let round = 0; round < 2; round += 1) await client.getSecrets(keys(3), signal);
        assert.deepEqual(actionsOf(stub), { GetParameters: 1, GetParameter: 6 });
        assert.match(notices.join(), /^BatchReadRefused: [^,]* may not call ssm:GetParameters, so [^,]*$/);
      },
    );
  });
});
