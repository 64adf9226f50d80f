/** Each way to log in to AWS as docs/providers/aws.md has it, and a pod whose secret comes from the server by it. */
import assert from 'node:assert/strict';
import type { JsonWebKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { parse, parseAllDocuments } from 'yaml';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { startAwsFront, type AwsFront } from '../support/moto/aws-front.ts';
import { AWS_KEYS, AWS_REGION } from '../support/moto/aws-writer.ts';
import { startMoto, type Moto } from '../support/moto/moto.ts';
import { SentinelCollector } from '../support/sentinel/sentinel.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/providers/aws.md'), 'utf8');
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);
const documents = blocks.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as make.Manifest));
/** A documented object by kind and name. */
const shown = (kind: string, name: string): make.Manifest => {
  const found = documents.find((document) => {
    const { metadata } = document as { metadata?: { name?: string } };
    return document['kind'] === kind && metadata?.name === name;
  });
  assert.ok(found, `the page shows no ${kind} "${name}"`);
  return found;
};
/** A documented part of a store, the first that has this member. */
const part = (member: string): make.Manifest => {
  const text = blocks.find((block) => block.startsWith(`${member}:`) && !block.includes('jwt:'));
  assert.ok(text, `the page shows no part "${member}"`);
  return parse(text) as make.Manifest;
};

const TEAM = 'orders';
const IRSA_ROLE = 'arn:aws:iam::111122223333:role/orders-secrets';
const LAST_ROLE = 'arn:aws:iam::444455556666:role/orders-secrets';
const sentinels = new SentinelCollector();
/** The same secret has another value in each account, so that it tells whose account it was read from. */
const values = { own: sentinels.mint(), irsa: sentinels.mint(), last: sentinels.mint() };
const parameter = sentinels.mint();
const agentToken = sentinels.mint();

let controlPlane: ControlPlane;
let moto: Moto;
let front: AwsFront;
let agent: Server;
let latchkey: LatchkeyProcess | undefined;

const run = (...args: readonly string[]): Promise<string> => kubectlOrThrow(controlPlane, args);
const apply = async (...manifests: readonly make.Manifest[]): Promise<void> => {
  const result = await kubectl(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });
  sentinels.collect('kubectl apply', `${result.stdout}${result.stderr}`);
  assert.equal(result.exitCode, 0, result.stderr);
};

type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken: string };

const OWN = { accessKeyId: AWS_KEYS.id, secretAccessKey: AWS_KEYS.key };

/** Keys of a session, whose secrets are those of the role's account. */
async function sessionOf(role: string): Promise<Keys> {
  const sts = new STSClient({ endpoint: moto.endpoint, region: AWS_REGION, credentials: OWN });
  const { Credentials: keys } = await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'set-up' }));
  sts.destroy();
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = keys ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

async function put(credentials: Omit<Keys, 'sessionToken'> & Partial<Keys>, password: string): Promise<void> {
  const client = new SecretsManagerClient({ endpoint: moto.endpoint, region: AWS_REGION, credentials });
  await client.send(new CreateSecretCommand({ Name: 'orders/db', SecretString: JSON.stringify({ password }) }));
  client.destroy();
}

/** EKS Pod Identity's agent: credentials for whoever shows the token that is mounted into the pod. */
async function startAgent(keys: Keys): Promise<Server> {
  const body = JSON.stringify({
    AccessKeyId: keys.accessKeyId,
    SecretAccessKey: keys.secretAccessKey,
    Token: keys.sessionToken,
    Expiration: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const server = createServer(({ headers }, outgoing) => {
    const isKnown = headers.authorization === agentToken;
    outgoing.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' }).end(isKnown ? body : '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

before(async () => {
  [controlPlane, moto] = await Promise.all([startControlPlane({ users: [LATCHKEY_USER] }), startMoto()]);
  const irsa = await sessionOf(IRSA_ROLE);
  await put(OWN, values.own);
  await put(irsa, values.irsa);
  await put(await sessionOf(LAST_ROLE), values.last);
  const ssm = new SSMClient({ endpoint: moto.endpoint, region: AWS_REGION, credentials: irsa });
  await ssm.send(new PutParameterCommand({ Name: '/orders/web/password', Value: parameter, Type: 'SecureString' }));
  await ssm.send(new PutParameterCommand({ Name: '/orders/other', Value: 'fake', Type: 'String' }));
  ssm.destroy();
  const { issuer } = JSON.parse(await run('get', '--raw', '/.well-known/openid-configuration')) as { issuer: string };
  const { keys } = JSON.parse(await run('get', '--raw', '/openid/v1/jwks')) as { keys: readonly JsonWebKey[] };
  const subjects = { [IRSA_ROLE]: `system:serviceaccount:${TEAM}:orders` };
  front = await startAwsFront(moto.endpoint, { issuer, keys, audience: 'sts.amazonaws.com', subjects });
  agent = await startAgent(irsa);
  const tokenFile = join(controlPlane.directory, 'eks-pod-identity-token');
  await writeFile(tokenFile, agentToken);
  await installLatchkey(controlPlane);
  // Nobody else makes the default one here.
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: TEAM } };
  await apply(make.namespace(TEAM), account, shown('ServiceAccount', 'orders'));
  latchkey = await startLatchkey(controlPlane, {
    env: {
      AWS_SECRETSMANAGER_ENDPOINT: front.endpoint,
      AWS_SSM_ENDPOINT: front.endpoint,
      AWS_STS_ENDPOINT: front.endpoint,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(agent.address() as AddressInfo).port}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
    },
  });
});

after(async () => {
  await latchkey?.stop();
  agent?.close();
  await front?.stop();
  await Promise.all([controlPlane?.stop(), moto?.stop()]);
});

/** The documented store for Secrets Manager, with another way to log in. */
function store(name: string, changes: make.Manifest): make.Manifest {
  const { spec } = shown('SecretStore', 'secrets-manager') as { spec: { provider: { aws: make.Manifest } } };
  const { auth: _documented, ...aws } = spec.provider.aws;
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name, namespace: TEAM },
    spec: { provider: { aws: { ...aws, ...changes } } },
  };
}

/** The documented ExternalSecret under another name, and a pod that needs it. */
function pod(name: string, secretStoreRef: make.Manifest): readonly [make.Manifest, make.Manifest] {
  const documented = shown('ExternalSecret', 'db') as { spec: make.Manifest };
  return [
    {
      ...documented,
      metadata: { name, namespace: TEAM },
      spec: { ...documented.spec, secretStoreRef, target: { name } },
    },
    make.podWith(name, TEAM, name, ['password']),
  ];
}

async function secret(name: string, key = 'password'): Promise<string> {
  const data = await run('get', 'secret', name, '-n', TEAM, '-o', `jsonpath={.data.${key}}`);
  return Buffer.from(data, 'base64').toString();
}

/** Who called what meanwhile. */
async function callsOf(work: () => Promise<void>): Promise<readonly string[]> {
  const start = front.calls.length;
  await work();
  return front.calls.slice(start).map(({ action, accessKeyId, hasSessionToken }) => {
    const who = accessKeyId === '' ? 'nobody' : hasSessionToken ? 'a session' : accessKeyId;
    return `${action} by ${who}`;
  });
}

describe('the manifests on the page about AWS', () => {
  it('are taken by the API server as they are', async () => {
    const whole = blocks.filter((text) => text.startsWith('apiVersion:')).join('---\n');
    const args = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
    const said = await kubectlOrThrow(controlPlane, args, { input: whole });
    assert.equal(said.trim().split('\n').length, 6, said);
  });
});

describe('a pod starts with a secret from AWS', () => {
  it('by the keys of a user', async () => {
    await apply(make.credentialsSecret('aws-keys', AWS_KEYS, TEAM), store('keys', part('auth')));
    const calls = await callsOf(() => apply(...pod('keys', { name: 'keys' })));
    assert.equal(await secret('keys'), values.own);
    assert.deepEqual(calls, [`GetSecretValue by ${AWS_KEYS.id}`]);
  });

  it('by the keys of a session', async () => {
    const { accessKeyId: id, secretAccessKey: key, sessionToken: token } = await sessionOf(IRSA_ROLE);
    const { auth } = part('auth') as { auth: { secretRef: make.Manifest } };
    const selector = (name: string): make.Manifest => ({ name: 'session-keys', key: name });
    const secretRef = {
      ...Object.fromEntries(
        Object.keys(auth.secretRef).map((field, index) => [field, selector(['id', 'key'][index] ?? '')]),
      ),
      sessionTokenSecretRef: selector('token'),
    };
    await apply(
      make.credentialsSecret('session-keys', { id, key, token }, TEAM),
      store('session', { auth: { secretRef } }),
    );
    const calls = await callsOf(() => apply(...pod('session', { name: 'session' })));
    assert.equal(await secret('session'), values.irsa);
    assert.deepEqual(calls, ['GetSecretValue by a session']);
  });

  it('by a role', async () => {
    const { role, externalID } = part('additionalRoles');
    await apply(store('role', { ...part('auth'), role, externalID }));
    const calls = await callsOf(() => apply(...pod('role', { name: 'role' })));
    assert.equal(await secret('role'), values.last);
    assert.deepEqual(calls, [`AssumeRole by ${AWS_KEYS.id}`, 'GetSecretValue by a session']);
  });

  it('by a chain of roles', async () => {
    await apply(store('chain', { ...part('auth'), ...part('additionalRoles'), sessionTagsPolicy: 'Simple' }));
    const calls = await callsOf(() => apply(...pod('chain', { name: 'chain' })));
    assert.equal(await secret('chain'), values.last);
    assert.deepEqual(calls, [`AssumeRole by ${AWS_KEYS.id}`, 'AssumeRole by a session', 'GetSecretValue by a session']);
  });

  it('by a service account, whose token STS verifies', async () => {
    await apply(shown('SecretStore', 'secrets-manager'));
    const calls = await callsOf(() => apply(...pod('irsa', { name: 'secrets-manager' })));
    assert.equal(await secret('irsa'), values.irsa);
    assert.deepEqual(calls, ['AssumeRoleWithWebIdentity by nobody', 'GetSecretValue by a session']);
    assert.deepEqual(front.refusals, []);
  });

  it('from Parameter Store, found below a path', async () => {
    await apply(shown('SecretStore', 'parameter-store'), shown('ExternalSecret', 'settings'));
    const calls = await callsOf(() => apply(make.podWith('settings', TEAM, 'settings', ['password'])));
    assert.equal(await secret('settings'), parameter);
    assert.deepEqual(calls, ['AssumeRoleWithWebIdentity by nobody', 'GetParametersByPath by a session']);
    assert.deepEqual(
      Object.keys(JSON.parse(await run('get', 'secret', 'settings', '-n', TEAM, '-o', 'jsonpath={.data}'))),
      ['password'],
    );
  });

  it('by Latchkey’s own identity, in a ClusterSecretStore', async () => {
    await apply(shown('ClusterSecretStore', 'shared'));
    await apply(...pod('own', { name: 'shared', kind: 'ClusterSecretStore' }));
    assert.equal(await secret('own'), values.irsa);
  });
});

describe('a pod gets nothing', () => {
  async function denied(name: string, secretStore: make.Manifest): Promise<{ said: string; calls: readonly string[] }> {
    let said = '';
    const calls = await callsOf(async () => {
      const [externalSecret, wanted] = pod(name, { name });
      await apply(secretStore, externalSecret);
      const { exitCode, stderr } = await kubectl(controlPlane, ['create', '-f', '-'], {
        input: make.toYamlDocuments(wanted),
      });
      assert.notEqual(exitCode, 0, 'the pod was admitted');
      said = stderr;
      sentinels.collect(name, stderr);
    });
    return { said, calls };
  }

  it('by Latchkey’s own identity through a SecretStore, and nobody is asked', async () => {
    const { said, calls } = await denied('borrowed', store('borrowed', {}));
    assert.match(said, /SecretStore "borrowed" names no AWS credentials and may not use Latchkey's own/);
    assert.deepEqual(calls, []);
    const withRole = await denied('borrowed-role', store('borrowed-role', { role: IRSA_ROLE }));
    assert.deepEqual(withRole.calls, []);
  });

  it('by a role that does not trust the service account that names it', async () => {
    const annotations = { 'eks.amazonaws.com/role-arn': IRSA_ROLE };
    const account = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'intruder', namespace: TEAM, annotations },
    };
    await apply(account);
    const auth = { jwt: { serviceAccountRef: { name: 'intruder' } } };
    const { said, calls } = await denied('intruder', store('intruder', { auth }));
    assert.match(
      said,
      /does not let service account "orders\/intruder" assume role "arn:aws:iam::111122223333:role\/orders-secrets"/,
    );
    assert.deepEqual(calls, ['AssumeRoleWithWebIdentity by nobody']);
    assert.deepEqual(front.refusals, ['the role does not trust its subject']);
    assert.doesNotMatch(said, /eyJ/, 'a token was told');
  });

  it('by a token for another audience', async () => {
    const annotations = { 'eks.amazonaws.com/role-arn': IRSA_ROLE, 'eks.amazonaws.com/audience': 'another.example' };
    const { metadata, ...account } = shown('ServiceAccount', 'orders') as { metadata: make.Manifest };
    await apply({ ...account, metadata: { ...metadata, annotations } });
    const auth = { jwt: { serviceAccountRef: { name: 'orders' } } };
    const { said } = await denied('audience', store('audience', { auth }));
    assert.match(said, /AWS STS in eu-central-1 refused the token of service account "orders\/orders"/);
    assert.equal(front.refusals.at(-1), 'it is for another audience');
  });

  it('and nobody has been told a value, a key or a token', async () => {
    assert.ok(latchkey);
    sentinels.collect('metrics', await latchkey.metrics());
    await latchkey.stop();
    const log = await latchkey.output();
    sentinels.collect('log', log);
    sentinels.assertUnseen();
    for (const text of [AWS_KEYS.key, 'eyJ']) assert.ok(!log.includes(text), 'a key or a token is in the log');
  });
});
