import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/aws/index.ts';
import type { Json } from '../../../src/api/kubernetes.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import type { ClientContext, SecretsClient, TokenRequest } from '../../../src/ports/provider.ts';
import { startAwsStub, stsCredentialsReply, stsErrorReply } from '../../contract/aws-stub.ts';
import type { AwsRequest } from '../../contract/aws-stub.ts';
import { awsContext } from '../../contract/aws.subject.ts';
import { SENTINEL } from '../../contract/faults.ts';
import { assertNothingLeaks, failure } from '../../contract/secrets-client.suite.ts';
import type { Stub, StubReply } from '../../contract/stub-server.ts';

const signal = new AbortController().signal;
const value: StubReply = { status: 200, body: JSON.stringify({ SecretString: 'fake' }) };
const minutesAhead = (minutes: number): Date => new Date(Date.now() + minutes * 60_000);
const TOKEN = 'fake-sentinel-token-5e0a';

interface Setting {
  readonly section: Record<string, Json>;
  readonly overrides?: Partial<ClientContext>;
  /** STS's answer, given which log-in it is. */
  readonly logIn?: (request: AwsRequest, count: number) => StubReply;
}

async function withClient(
  { section, overrides, logIn }: Setting,
  body: (client: SecretsClient, stub: Stub<AwsRequest>) => Promise<void>,
): Promise<void> {
  let logIns = 0;
  const stub = await startAwsStub((request) => {
    if (!request.action.startsWith('AssumeRole')) return value;
    logIns += 1;
    return logIn?.(request, logIns) ?? stsCredentialsReply(`ASIAFAKE${logIns}`, minutesAhead(60), request.action);
  });
  const client = await createProvider().newClient(awsContext(stub.endpoint, overrides, section), signal);
  try {
    await body(client, stub);
  } finally {
    await client.close();
    await stub.close();
  }
}

/** Credentials of a namespace with a service account, which gives tokens. */
function serviceAccount(
  annotations: Record<string, string>,
  requests: TokenRequest[] = [],
): ClientContext['credentials'] {
  const none = async (): Promise<never> => assert.fail('nothing else is read');
  return {
    readSecretKey: none,
    readConfigMapKey: none,
    readServiceAccount: async ({ name }) => ({ namespace: 'team-a', name, annotations }),
    requestToken: async (request) => {
      requests.push(request);
      return { token: SecretValue.fromText(`${TOKEN}-${requests.length}`), expiresAtMs: Date.now() + 600_000 };
    },
  };
}

const ROLE_ARN = 'arn:aws:iam::111122223333:role/reader';
const jwt = { auth: { jwt: { serviceAccountRef: { name: 'reader' } } } };
const role = { 'eks.amazonaws.com/role-arn': ROLE_ARN };

describe('a service account as an AWS identity', () => {
  it('assumes the role of its annotation with a token for STS, unsigned, once for many reads', async () => {
    const requests: TokenRequest[] = [];
    await withClient(
      { section: jwt, overrides: { credentials: serviceAccount(role, requests) } },
      async (client, stub) => {
        await Promise.all(['a', 'b'].map((key) => client.getSecret({ key }, signal)));
        assert.deepEqual(
          stub.requests.map(({ action, accessKeyId }) => [action, accessKeyId]),
          [
            ['AssumeRoleWithWebIdentity', ''],
            ['GetSecretValue', 'ASIAFAKE1'],
            ['GetSecretValue', 'ASIAFAKE1'],
          ],
        );
        assert.deepEqual(stub.requests[0]?.input, {
          RoleArn: ROLE_ARN,
          RoleSessionName: 'latchkey-team-a-contract',
          WebIdentityToken: `${TOKEN}-1`,
        });
      },
    );
    assert.deepEqual(requests, [
      { serviceAccount: { name: 'reader' }, audiences: ['sts.amazonaws.com'], expirationSeconds: 600 },
    ]);
  });

  it('asks for the audience of its annotation', async () => {
    const requests: TokenRequest[] = [];
    const annotations = { ...role, 'eks.amazonaws.com/audience': 'fake-audience' };
    const credentials = serviceAccount(annotations, requests);
    await withClient({ section: jwt, overrides: { credentials } }, async (client) => {
      await client.getSecret({ key: 'a' }, signal);
      assert.deepEqual(requests[0]?.audiences, ['fake-audience']);
    });
  });

  it('logs in again, with a new token, five minutes before its credentials end', async () => {
    const logIn = ({ action }: AwsRequest, count: number): StubReply =>
      stsCredentialsReply(`ASIAFAKE${count}`, minutesAhead(count === 1 ? 4 : 60), action);
    const setting = { section: jwt, overrides: { credentials: serviceAccount(role) }, logIn };
    await withClient(setting, async (client, stub) => {
      for (const key of ['a', 'b']) await client.getSecret({ key }, signal);
      const tokens = stub.requests.flatMap(({ input }) => input['WebIdentityToken'] ?? []);
      assert.deepEqual(tokens, [`${TOKEN}-1`, `${TOKEN}-2`]);
      assert.equal(stub.requests.at(-1)?.accessKeyId, 'ASIAFAKE2');
    });
  });

  it('without the annotation is InvalidProviderConfig, and nothing is sent', async () => {
    const context = awsContext('http://127.0.0.1:1', { credentials: serviceAccount({}) }, jwt);
    const error = await failure(createProvider().newClient(context, signal));
    assert.equal(error.code, 'InvalidProviderConfig');
    assert.equal(
      error.message,
      'service account "team-a/reader", named by spec.provider.aws.auth.jwt.serviceAccountRef, has no annotation eks.amazonaws.com/role-arn',
    );
  });

  const refusals: Record<string, { status: number; code: string; message: string }> = {
    InvalidIdentityToken: {
      status: 400,
      code: 'BackendAuthFailed',
      message: 'AWS STS in eu-central-1 refused the token of service account "team-a/reader"',
    },
    ExpiredTokenException: {
      status: 400,
      code: 'BackendAuthFailed',
      message: 'AWS STS in eu-central-1 refused the token of service account "team-a/reader"',
    },
    IDPRejectedClaim: {
      status: 403,
      code: 'BackendAuthFailed',
      message: 'AWS STS in eu-central-1 refused the token of service account "team-a/reader"',
    },
    IDPCommunicationError: {
      status: 400,
      code: 'BackendUnavailable',
      message: 'AWS STS in eu-central-1 is failing',
    },
    AccessDenied: {
      status: 403,
      code: 'BackendPermissionDenied',
      message: `AWS STS in eu-central-1 does not let service account "team-a/reader" assume role "${ROLE_ARN}"`,
    },
    ValidationError: {
      status: 400,
      code: 'InvalidProviderConfig',
      message:
        'annotation eks.amazonaws.com/role-arn of service account "team-a/reader" is not a role that AWS STS accepts',
    },
  };
  for (const [name, { status, code, message }] of Object.entries(refusals)) {
    it(`of which STS says ${name} is ${code}, and its token is not told`, async () => {
      const logIn = (): StubReply => stsErrorReply(status, name, `${SENTINEL} ${TOKEN}`);
      const setting = { section: jwt, overrides: { credentials: serviceAccount(role) }, logIn };
      await withClient(setting, async (client, stub) => {
        const error = await failure(client.getSecret({ key: 'a' }, signal));
        assert.deepEqual([error.code, error.message], [code, message]);
        for (const secret of [SENTINEL, TOKEN]) assertNothingLeaks(error, secret);
        assert.equal(stub.requests.length, 1);
      });
    });
  }

  it('that gets no token says why', async () => {
    const credentials = {
      ...serviceAccount(role),
      requestToken: async () => {
        throw new LatchkeyError('ClusterForbidden', 'fake');
      },
    };
    await withClient({ section: jwt, overrides: { credentials } }, async (client, stub) => {
      assert.equal((await failure(client.getSecret({ key: 'a' }, signal))).code, 'ClusterForbidden');
      assert.deepEqual(stub.requests, []);
    });
  });
});

describe('a chain of roles', () => {
  const chain = { additionalRoles: ['fake-first', 'fake-second'], role: 'fake-last', externalID: 'fake-id' };

  it('is assumed one by the other, the external ID and the tags for the last only', async () => {
    const section = {
      ...chain,
      sessionTags: [{ key: 'team', value: 'a' }],
      transitiveTagKeys: ['team'],
    };
    await withClient({ section }, async (client, stub) => {
      await client.getSecret({ key: 'a' }, signal);
      const logIns = stub.requests.map(({ action, accessKeyId, input: { RoleSessionName, ...input } }) => {
        assert.ok(action === 'GetSecretValue' || RoleSessionName === 'latchkey-team-a-contract');
        return { accessKeyId, ...input };
      });
      assert.deepEqual(logIns, [
        { accessKeyId: 'AKIAFAKEFAKEFAKEFAKE', RoleArn: 'fake-first' },
        { accessKeyId: 'ASIAFAKE1', RoleArn: 'fake-second' },
        {
          accessKeyId: 'ASIAFAKE2',
          RoleArn: 'fake-last',
          ExternalId: 'fake-id',
          'Tags.member.1.Key': 'team',
          'Tags.member.1.Value': 'a',
          'TransitiveTagKeys.member.1': 'team',
        },
        { accessKeyId: 'ASIAFAKE3', SecretId: 'a', VersionStage: 'AWSCURRENT' },
      ]);
    });
  });

  it('follows a service account', async () => {
    const setting = { section: { ...jwt, role: 'fake-last' }, overrides: { credentials: serviceAccount(role) } };
    await withClient(setting, async (client, stub) => {
      await client.getSecret({ key: 'a' }, signal);
      assert.deepEqual(
        stub.requests.map(({ action }) => action),
        ['AssumeRoleWithWebIdentity', 'AssumeRole', 'GetSecretValue'],
      );
    });
  });

  it('names the role at which it breaks', async () => {
    const logIn = ({ input }: AwsRequest): StubReply | undefined =>
      input['RoleArn'] === 'fake-second' ? stsErrorReply(403, 'AccessDenied', SENTINEL) : undefined;
    const setting: Setting = {
      section: chain,
      logIn: (request, count) => logIn(request) ?? stsCredentialsReply(`ASIAFAKE${count}`, minutesAhead(60)),
    };
    await withClient(setting, async (client, stub) => {
      const error = await failure(client.getSecret({ key: 'a' }, signal));
      assert.equal(error.code, 'BackendPermissionDenied');
      assert.equal(
        error.message,
        `AWS STS in eu-central-1 does not let the store's identity assume role "fake-second"`,
      );
      assertNothingLeaks(error);
      assert.equal(stub.requests.length, 2);
    });
  });
});

describe('the tags of a session', () => {
  const own = {
    esoNamespace: 'team-a',
    esoStoreName: 'contract',
    esoStoreKind: 'SecretStore',
  };
  const cases: Record<string, { section: Record<string, Json>; tags: Record<string, string> }> = {
    'are none by default': { section: {}, tags: {} },
    'are none by policy None, whatever customSessionTags says': {
      section: { sessionTagsPolicy: 'None', customSessionTags: { tier: 'web' } },
      tags: {},
    },
    'tell who asks by policy Simple': { section: { sessionTagsPolicy: 'Simple' }, tags: own },
    'tell more by policy Custom': {
      section: { sessionTagsPolicy: 'Custom', customSessionTags: { tier: 'web' } },
      tags: { tier: 'web', ...own },
    },
    'cannot be made up with sessionTags': {
      section: { sessionTagsPolicy: 'Simple', sessionTags: [{ key: 'esoNamespace', value: 'another' }] },
      tags: own,
    },
  };
  for (const [sentence, { section, tags }] of Object.entries(cases)) {
    it(sentence, async () => {
      await withClient({ section: { role: 'fake-role', ...section } }, async (client, stub) => {
        await client.getSecret({ key: 'a' }, signal);
        const input = stub.requests[0]?.input ?? {};
        const keys = Object.keys(input).filter((name) => name.endsWith('.Key'));
        const sent = keys.map((name) => [input[name], input[name.replace(/Key$/, 'Value')]]);
        assert.deepEqual(Object.fromEntries(sent), tags);
      });
    });
  }
});

describe('the validation of an AWS store', () => {
  it('asks STS for the role, and tells what it says', async () => {
    const refused: Setting = {
      section: { role: 'fake-role' },
      logIn: () => stsErrorReply(403, 'InvalidClientTokenId', SENTINEL),
    };
    await withClient({ section: { role: 'fake-role' } }, async (client, stub) => {
      await client.validate?.(signal);
      assert.deepEqual(
        stub.requests.map(({ action }) => action),
        ['AssumeRole'],
      );
    });
    await withClient(refused, async (client) => {
      assert.ok(client.validate);
      const error = await failure(client.validate(signal));
      assert.equal(error.code, 'BackendAuthFailed');
      assertNothingLeaks(error);
    });
  });

  it('sends nothing for keys that stand in a Secret', async () => {
    await withClient({ section: {} }, async (client, stub) => {
      await client.validate?.(signal);
      assert.deepEqual(stub.requests, []);
    });
  });

  it('is left out where the role wants to know which namespace asks, and none does yet', async () => {
    const store = { kind: 'ClusterSecretStore', name: 'shared', namespace: undefined } as const;
    const section = { role: 'fake-role', sessionTagsPolicy: 'Simple' };
    await withClient({ section, overrides: { store, namespace: undefined } }, async (client) => {
      assert.equal(client.validate, undefined);
    });
  });
});

describe('a store that names no credentials', () => {
  it('sends nothing of what this process could sign with', async () => {
    process.env['AWS_ACCESS_KEY_ID'] = SENTINEL;
    process.env['AWS_SECRET_ACCESS_KEY'] = SENTINEL;
    process.env['AWS_ROLE_ARN'] = 'arn:aws:iam::111122223333:role/latchkey';
    try {
      for (const section of [
        { auth: {} },
        { auth: null },
        { auth: {}, role: 'fake-role' },
        { auth: {}, additionalRoles: ['a'] },
      ]) {
        const context = awsContext(
          'http://127.0.0.1:1',
          { onRequest: () => assert.fail('a request was sent') },
          section,
        );
        const error = await failure(createProvider().newClient(context, signal));
        assert.equal(error.code, 'InvalidProviderConfig');
        assertNothingLeaks(error);
      }
      // Nor does a log-in with a token take them along.
      const overrides = { credentials: serviceAccount(role) };
      await withClient({ section: jwt, overrides }, async (client, stub) => {
        await client.getSecret({ key: 'a' }, signal);
        assert.ok(!JSON.stringify(stub.requests).includes(SENTINEL));
      });
    } finally {
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_ROLE_ARN']) delete process.env[name];
    }
  });
});
