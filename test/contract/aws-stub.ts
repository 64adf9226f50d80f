import type { IncomingMessage } from 'node:http';
import { startStub } from './stub-server.ts';
import type { Stub, StubReply } from './stub-server.ts';

/** One call as AWS would see it. */
export interface AwsRequest {
  /** `GetSecretValue`, `AssumeRole` */
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Whose signature the request has; empty for a log-in with a token, which has none. */
  readonly accessKeyId: string;
  readonly region: string;
}

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/([^/]+)\/(secretsmanager|ssm|sts)\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/;

/** Speaks AWS JSON 1.1 for Secrets Manager and Parameter Store and the Query protocol for STS, and checks the form of what it is sent. */
export function startAwsStub(reply: (request: AwsRequest, count: number) => StubReply): Promise<Stub<AwsRequest>> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'fake-request-id' };
  return startStub({ backend: 'AWS', read: readRequest, reply, headers });
}

async function readRequest(incoming: IncomingMessage): Promise<AwsRequest> {
  const body = (await incoming.toArray()).join('');
  const { authorization } = incoming.headers;
  if (incoming.method !== 'POST' || incoming.url !== '/') throw new Error(`${incoming.method} ${incoming.url}`);
  if (authorization === undefined) {
    const call = readQuery(incoming, body);
    if (call.action === 'AssumeRoleWithWebIdentity') return { ...call, accessKeyId: '', region: '' };
  }
  const signature = SIGNATURE.exec(authorization ?? '');
  if (signature === null) throw new Error('the signature is missing or malformed');
  const [, accessKeyId = '', region = '', service = ''] = signature;
  return { ...(service === 'sts' ? readQuery(incoming, body) : readJson(incoming, body)), accessKeyId, region };
}

type Call = Pick<AwsRequest, 'action' | 'input'>;

/** https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html */
function readJson({ headers }: IncomingMessage, body: string): Call {
  if (headers['content-type'] !== 'application/x-amz-json-1.1') throw new Error('the content type is not JSON 1.1');
  const [, action] = /^(?:secretsmanager|AmazonSSM)\.(\w+)$/.exec(String(headers['x-amz-target'])) ?? [];
  if (action === undefined) throw new Error(`X-Amz-Target is ${String(headers['x-amz-target'])}`);
  return { action, input: JSON.parse(body) as AwsRequest['input'] };
}

/** https://smithy.io/2.0/aws/protocols/aws-query-protocol.html */
function readQuery({ headers }: IncomingMessage, body: string): Call {
  if (headers['content-type'] !== 'application/x-www-form-urlencoded')
    throw new Error('the content type is not a form');
  const { Action = '', Version, ...input } = Object.fromEntries(new URLSearchParams(body));
  if (Version !== '2011-06-15') throw new Error(`the version of the STS API is ${Version}`);
  return { action: Action, input };
}

/** An error as Secrets Manager answers it. */
export function awsErrorReply(status: number, type: string, message: string, headers = {}): StubReply {
  return { status, headers, body: JSON.stringify({ __type: type, Message: message, message }) };
}

/** An error as STS answers it. */
export function stsErrorReply(status: number, code: string, message: string): StubReply {
  const body =
    `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code>` +
    `<Message>${message}</Message></Error><RequestId>fake-request-id</RequestId></ErrorResponse>`;
  return { status, headers: { 'content-type': 'text/xml' }, body };
}

/** Credentials as STS answers them. */
export function stsCredentialsReply(accessKeyId: string, expiration: Date, action = 'AssumeRole'): StubReply {
  const body =
    `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>` +
    `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>fake-session-key</SecretAccessKey>` +
    `<SessionToken>fake-session-token</SessionToken><Expiration>${expiration.toISOString()}</Expiration>` +
    `</Credentials></${action}Result></${action}Response>`;
  return { status: 200, headers: { 'content-type': 'text/xml' }, body };
}
