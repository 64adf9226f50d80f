import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/aws/index.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { awsErrorReply, startAwsStub, stsErrorReply } from '../../contract/aws-stub.ts';
import type { StubReply } from '../../contract/stub-server.ts';
import { awsContext } from '../../contract/aws.subject.ts';
import { SENTINEL } from '../../contract/faults.ts';
import { assertNothingLeaks, failure } from '../../contract/secrets-client.suite.ts';

const signal = new AbortController().signal;
const backend = 'AWS Secrets Manager in eu-central-1';
const key = 'prod/db';

type Case = { reply: StubReply; code: ErrorCode; message: string; retryAfterMs?: number };

const named = (type: string, status = 400): StubReply => awsErrorReply(status, type, SENTINEL);
const success = (answer: object | string): StubReply => ({
  status: 200,
  body: typeof answer === 'string' ? answer : JSON.stringify(answer),
});
const notFound = { code: 'SecretNotFound', message: `${backend} has no secret "prod/db"` } as const;
const denied = {
  code: 'BackendPermissionDenied',
  message: `${backend} does not let the store's identity read secret "prod/db"`,
} as const;
const refused = { code: 'BackendAuthFailed', message: `${backend} refused the store's credentials` } as const;
const throttled = { code: 'BackendThrottled', message: `${backend} asks to slow down` } as const;
const failing = { code: 'BackendUnavailable', message: `${backend} is failing` } as const;
const garbled = {
  code: 'BackendResponseInvalid',
  message: `${backend} gave an answer that cannot be understood`,
} as const;

const cases: Record<string, Case> = {
  'ResourceNotFoundException with the status AWS gives': { reply: named('ResourceNotFoundException'), ...notFound },
  'ResourceNotFoundException with another status': { reply: named('ResourceNotFoundException', 404), ...notFound },
  'a name with a namespace before it': {
    reply: named('com.amazonaws.secretsmanager#ResourceNotFoundException'),
    ...notFound,
  },
  'InvalidRequestException of a secret marked for deletion': {
    reply: awsErrorReply(
      400,
      'InvalidRequestException',
      `You can't perform this operation on the secret because it was marked for deletion. ${SENTINEL}`,
    ),
    code: 'SecretNotFound',
    message: `${backend} has no secret "prod/db": it is marked for deletion`,
  },
  'InvalidRequestException of another kind': { reply: named('InvalidRequestException'), ...garbled },
  InvalidParameterException: {
    reply: named('InvalidParameterException'),
    code: 'InvalidExternalSecret',
    message: `${backend} does not accept secret "prod/db": no secret can have that name`,
  },
  AccessDeniedException: { reply: named('AccessDeniedException'), ...denied },
  DecryptionFailure: {
    reply: named('DecryptionFailure'),
    code: 'BackendPermissionDenied',
    message: `${backend} could not decrypt secret "prod/db" with its KMS key`,
  },
  UnrecognizedClientException: { reply: named('UnrecognizedClientException'), ...refused },
  InvalidSignatureException: { reply: named('InvalidSignatureException'), ...refused },
  ExpiredTokenException: { reply: named('ExpiredTokenException'), ...refused },
  ThrottlingException: { reply: named('ThrottlingException'), ...throttled },
  'status 429 without a name, with Retry-After in seconds': {
    reply: { status: 429, body: '', headers: { 'retry-after': '3' } },
    ...throttled,
    retryAfterMs: 3000,
  },
  InternalServiceError: { reply: named('InternalServiceError', 500), ...failing },
  'status 503 with a page of a proxy': { reply: { status: 503, body: `<html>${SENTINEL}` }, ...failing },
  'status 403 with a page of a proxy': { reply: { status: 403, body: `<html>${SENTINEL}` }, ...garbled },
  'an unknown name': { reply: named('BrandNewException'), ...garbled },
  'an answer without a value': {
    reply: success({ Name: key }),
    code: 'BackendResponseInvalid',
    message: `${backend} gave an answer without a value for secret "prod/db"`,
  },
  'an answer that is no JSON': { reply: success(`{"SecretString": "${SENTINEL}`), ...garbled },
  'an answer whose bytes are not base64': { reply: success({ SecretBinary: `${SENTINEL}*` }), ...garbled },
};

describe('what AWS answers', () => {
  for (const [sentence, { reply, code, message, retryAfterMs }] of Object.entries(cases)) {
    it(`${sentence} is ${code}`, async () => {
      const stub = await startAwsStub(() => reply);
      const client = await createProvider().newClient(awsContext(stub.endpoint), signal);
      const error = await failure(client.getSecret({ key }, signal));
      assert.deepEqual({ code: error.code, message: error.message }, { code, message });
      assert.equal(error.retryAfterMs, retryAfterMs);
      assertNothingLeaks(error);
      assert.equal(stub.requests.length, 1, 'retries are not this layer’s');
      await client.close();
      await stub.close();
    });
  }
});

describe('what Parameter Store answers', () => {
  const store = 'AWS Parameter Store in eu-central-1';
  const parameterCases: Record<string, { code: ErrorCode; message: string; version?: string }> = {
    ParameterNotFound: { code: 'SecretNotFound', message: `${store} has no parameter "prod/db"` },
    ParameterVersionNotFound: {
      version: 'blue',
      code: 'SecretNotFound',
      message: `${store} has no parameter "prod/db" in version "blue"`,
    },
    ValidationException: {
      code: 'InvalidExternalSecret',
      message: `${store} does not accept parameter "prod/db": no parameter can have that name`,
    },
    AccessDeniedException: {
      code: 'BackendPermissionDenied',
      message: `${store} does not let the store's identity read parameter "prod/db"`,
    },
    InvalidKeyId: {
      code: 'BackendPermissionDenied',
      message: `${store} could not decrypt parameter "prod/db" with its KMS key`,
    },
    ExpiredTokenException: { code: 'BackendAuthFailed', message: `${store} refused the store's credentials` },
    ThrottlingException: { code: 'BackendThrottled', message: `${store} asks to slow down` },
    InternalServerError: { code: 'BackendUnavailable', message: `${store} is failing` },
    BrandNewException: {
      code: 'BackendResponseInvalid',
      message: `${store} gave an answer that cannot be understood`,
    },
  };
  for (const [name, { code, message, version = '' }] of Object.entries(parameterCases)) {
    it(`${name} is ${code}`, async () => {
      const stub = await startAwsStub(() => named(name));
      const client = await createProvider().newClient(
        awsContext(stub.endpoint, {}, { service: 'ParameterStore' }),
        signal,
      );
      const error = await failure(client.getSecret({ key, version }, signal));
      assert.deepEqual([error.code, error.message], [code, message]);
      assertNothingLeaks(error);
      await client.close();
      await stub.close();
    });
  }
});

describe('what STS answers when a role is assumed', () => {
  const roleCases: Record<string, { code: ErrorCode; status: number; message: string }> = {
    AccessDenied: {
      status: 403,
      code: 'BackendPermissionDenied',
      message: `AWS STS in eu-central-1 does not let the store's identity assume role "fake-role"`,
    },
    InvalidClientTokenId: {
      status: 403,
      code: 'BackendAuthFailed',
      message: `AWS STS in eu-central-1 refused the store's credentials`,
    },
    ValidationError: {
      status: 400,
      code: 'InvalidProviderConfig',
      message: 'spec.provider.aws.role or what goes with it is not something that AWS STS accepts',
    },
    Throttling: { status: 400, code: 'BackendThrottled', message: 'AWS STS in eu-central-1 asks to slow down' },
    InternalFailure: { status: 500, code: 'BackendUnavailable', message: 'AWS STS in eu-central-1 is failing' },
  };
  for (const [name, { status, code, message }] of Object.entries(roleCases)) {
    it(`${name} is ${code}`, async () => {
      const stub = await startAwsStub(() => stsErrorReply(status, name, SENTINEL));
      const context = awsContext(stub.endpoint);
      const config = { ...(context.config as object), role: 'fake-role' };
      const client = await createProvider().newClient({ ...context, config }, signal);
      const error = await failure(client.getSecret({ key }, signal));
      assert.deepEqual({ code: error.code, message: error.message }, { code, message });
      assertNothingLeaks(error);
      assert.deepEqual(
        stub.requests.map(({ action }) => action),
        ['AssumeRole'],
      );
      await client.close();
      await stub.close();
    });
  }
});
