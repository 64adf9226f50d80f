/**
 * Secret values in everything that a parser, a decoder, an SDK or the API server chokes on, driven through a real cluster:
 * none is seen in a denial, status, Event, log, metric or command's output.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { awsErrorReply, startAwsStub, type AwsRequest } from '../contract/aws-stub.ts';
import type { Stub, StubReply } from '../contract/stub-server.ts';
import { startVaultStub, vaultErrorReply, vaultReply, type VaultRequest } from '../contract/vault-stub.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { codeOfDenial } from '../support/freshness/table.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { runCommand } from '../support/process/run-command.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { SentinelCollector } from '../support/sentinel/sentinel.ts';

const sentinels = new SentinelCollector();

/** How one value gets lost on its way to a pod. */
interface Loss {
  readonly code: string;
  readonly reply?: (value: string) => StubReply;
  /** Laid over the ExternalSecret's spec. */
  readonly spec?: make.Manifest;
  /** The whole value of the credentials that the store names. */
  readonly credentials?: (value: string) => string;
  /** In place of the store's own. */
  readonly store?: (value: string, namespace: string) => make.Manifest;
}

const vaultSecret = (json: string): StubReply => vaultReply(`{"data":${json},"metadata":{"version":1}}`);
const awsSecret = (value: string): StubReply => ({
  status: 200,
  body: JSON.stringify({ Name: 'x', SecretString: value }),
});
const extract = (property?: string): make.Manifest => ({ dataFrom: [{ extract: { key: 'KEY', property } }] });
const property = (name: string): make.Manifest => ({
  data: [{ secretKey: 'password', remoteRef: { key: 'KEY', property: name } }],
});

const OF_VAULT: Readonly<Record<string, Loss>> = {
  'JSON that breaks off at it': {
    code: 'BackendResponseInvalid',
    reply: (value) => ({ status: 200, body: `{"data":{"data":{"password":"${value}` }),
  },
  'JSON that goes on after it': {
    code: 'BackendResponseInvalid',
    reply: (value) => ({ status: 200, body: `{"data":"${value}"}"${value}"` }),
  },
  'a page of another server': {
    code: 'BackendResponseInvalid',
    reply: (value) => ({ status: 200, body: `<html>${value}` }),
  },
  'an answer of another form': { code: 'BackendResponseInvalid', reply: (value) => vaultReply(`"${value}"`) },
  'a connection that ends within it': {
    code: 'BackendUnavailable',
    reply: (value) => ({ cutShort: `{"data":"${value.repeat(100)}"}` }),
  },
  'a redirect to it': {
    code: 'BackendResponseInvalid',
    reply: (value) => ({ status: 307, body: value, headers: { location: `https://${value}.example/${value}` } }),
  },
  'a bad request': { code: 'InvalidExternalSecret', reply: (value) => vaultErrorReply(400, [value]) },
  'a refusal': { code: 'BackendPermissionDenied', reply: (value) => vaultErrorReply(403, [value]) },
  'no way there': { code: 'InvalidProviderConfig', reply: (value) => vaultErrorReply(404, [value]) },
  'an unknown status': { code: 'BackendResponseInvalid', reply: (value) => vaultErrorReply(418, [value]) },
  'a call to slow down': { code: 'BackendThrottled', reply: (value) => vaultErrorReply(429, [value]) },
  'a server error': { code: 'BackendUnavailable', reply: (value) => vaultErrorReply(500, [value]) },
  'a value that is no object': {
    code: 'InvalidData',
    reply: (value) => vaultSecret(`{"fields":"${value}"}`),
    spec: extract('fields'),
  },
  'a value that is broken JSON': {
    code: 'InvalidData',
    reply: (value) => vaultSecret(JSON.stringify({ fields: `{"password": "${value}` })),
    spec: extract('fields'),
  },
  'members whose names become one': {
    code: 'InvalidData',
    reply: (value) => vaultSecret(`{"a b":"${value}","a_b":"${value}"}`),
    spec: extract(),
  },
  'another property than is asked for': {
    code: 'PropertyNotFound',
    reply: (value) => vaultSecret(`{"password":"${value}"}`),
    spec: property('passwort'),
  },
  'more than a Secret holds': {
    code: 'InvalidData',
    reply: (value) => vaultSecret(`{"password":"${value.repeat(40_000)}"}`),
    spec: property('password'),
  },
  'what the API server takes for no configuration of a registry': {
    code: 'ClusterRejected',
    reply: (value) => vaultSecret(`{".dockerconfigjson":"${value}"}`),
    spec: { ...extract(), target: { template: { type: 'kubernetes.io/dockerconfigjson' } } },
  },
  'a token that no header can carry': {
    code: 'CredentialsNotFound',
    credentials: (value) => `${value}\u0007`,
  },
  'a token that is refused': {
    code: 'BackendAuthFailed',
    credentials: (value) => value,
    reply: () => vaultErrorReply(403, ['permission denied']),
  },
  'an address with a password in it': {
    code: 'InvalidProviderConfig',
    store: (value, namespace) => make.vaultStore('store', namespace, `https://user:${value}@vault.example`),
  },
  'an address that is none': {
    code: 'InvalidProviderConfig',
    store: (value, namespace) => make.vaultStore('store', namespace, `https://[${value}`),
  },
};

const OF_AWS: Readonly<Record<string, Loss>> = {
  'an error of the server': {
    code: 'BackendUnavailable',
    reply: (value) => awsErrorReply(500, 'InternalServiceError', value),
  },
  'unknown credentials': {
    code: 'BackendAuthFailed',
    reply: (value) => awsErrorReply(400, 'UnrecognizedClientException', value),
  },
  'a refusal': {
    code: 'BackendPermissionDenied',
    reply: (value) => awsErrorReply(400, 'AccessDeniedException', `may not read ${value}`),
  },
  'a secret that is missing': {
    code: 'SecretNotFound',
    reply: (value) => awsErrorReply(400, 'ResourceNotFoundException', value),
  },
  'an error of a type that is new': {
    code: 'BackendResponseInvalid',
    reply: (value) => awsErrorReply(400, `${value}Exception`, value),
  },
  'a page of another server': {
    code: 'BackendResponseInvalid',
    reply: (value) => ({ status: 200, body: `<html>${value}` }),
  },
  'JSON that breaks off at it': {
    code: 'BackendResponseInvalid',
    reply: (value) => ({ status: 200, body: `{"SecretString":"${value}` }),
  },
  'a value that is no JSON': { code: 'InvalidData', reply: awsSecret, spec: extract() },
  'a value that is broken JSON': {
    code: 'InvalidData',
    reply: (value) => awsSecret(`{"a":${value}}`),
    spec: extract(),
  },
  'a secret key that is refused': {
    code: 'BackendAuthFailed',
    credentials: (value) => value,
    reply: () => awsErrorReply(400, 'InvalidSignatureException', 'the signature does not match'),
  },
};

interface Case extends Loss {
  readonly what: string;
  readonly backend: 'vault' | 'aws';
  readonly namespace: string;
  readonly value: string;
}

const cases: readonly Case[] = [
  ...Object.entries(OF_VAULT).map(([what, loss]) => ({ what, backend: 'vault' as const, ...loss })),
  ...Object.entries(OF_AWS).map(([what, loss]) => ({ what, backend: 'aws' as const, ...loss })),
].map((each, index) => ({ ...each, namespace: `lost-${index}`, value: sentinels.mint() }));

let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;
let vault: Stub<VaultRequest>;
let aws: Stub<AwsRequest>;

const replyTo = (namespace: string): StubReply => {
  const found = cases.find((each) => each.namespace === namespace);
  return found?.reply?.(found.value) ?? { status: 500, body: '' };
};

function manifestsOf({ backend, namespace, value, spec, credentials, store }: Case): readonly make.Manifest[] {
  const secret = credentials?.(value) ?? 'not-real';
  const [ownStore, credentialsSecret] =
    backend === 'vault'
      ? [
          make.vaultStore('store', namespace, vault.endpoint),
          make.credentialsSecret('vault-token', { token: secret }, namespace),
        ]
      : [
          make.awsStore('store', namespace),
          make.credentialsSecret('aws-credentials', { id: 'not-real', key: secret }, namespace),
        ];
  const externalSecret = make.externalSecret({ name: 'db', namespace, data: { password: namespace } });
  const isExtracted = spec?.['dataFrom'] !== undefined;
  const wanted = { ...(externalSecret['spec'] as object), ...spec, ...(isExtracted ? { data: undefined } : {}) };
  return [
    make.namespace(namespace),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
    credentialsSecret,
    store?.(value, namespace) ?? ownStore,
    { ...externalSecret, spec: JSON.parse(JSON.stringify(wanted).replaceAll('KEY', namespace)) as make.Manifest },
  ];
}

before(async () => {
  [controlPlane, vault, aws] = await Promise.all([
    startControlPlane({ users: [LATCHKEY_USER] }),
    startVaultStub(({ path }) => replyTo(path.replace('secret/data/', ''))),
    startAwsStub(({ input }) => replyTo(String(input['SecretId']))),
  ]);
  await installLatchkey(controlPlane);
  latchkey = await startLatchkey(controlPlane, {
    args: ['--allowed-backend-hosts', '127.0.0.1'],
    env: { AWS_SECRETSMANAGER_ENDPOINT: aws.endpoint },
  });
  await kubectlOrThrow(controlPlane, ['apply', '--server-side', '-f', '-'], {
    input: make.toYamlDocuments(...cases.flatMap(manifestsOf)),
  });
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
  await vault?.close();
  await aws?.close();
});

describe('a secret value in', () => {
  for (const { what, backend, code, namespace } of cases) {
    it(`${what}, from ${backend}, denies the pod with the code ${code}`, async () => {
      const input = make.podWith('web', namespace, 'db', ['password']);
      const { stderr, stdout } = await kubectl(controlPlane, ['create', '-f', '-'], { input });
      sentinels.collect(`kubectl about ${what}`, stdout + stderr);
      assert.equal(codeOfDenial(stderr), code, sentinels.isClean(stderr) ? stderr : 'a value is in the denial');
    });
  }
});

describe('none of them', () => {
  const list = (kind: string): Promise<string> => kubectlOrThrow(controlPlane, ['get', kind, '-A', '-o', 'json']);

  it('was seen in any status, Event, log, metric or command’s output', async () => {
    await waitUntil(async () => (await list('externalsecrets')).split('"SecretSyncedError"').length > cases.length, {
      what: 'a status of each ExternalSecret',
      timeoutMs: 20_000,
    });
    await waitUntil(
      async () => (await list('events.v1.events.k8s.io')).split('latchkey.dev/webhook').length > cases.length,
      {
        what: 'an Event on each ExternalSecret',
        timeoutMs: 20_000,
      },
    );
    for (const kind of ['externalsecrets', 'events.v1.events.k8s.io', 'pods'])
      sentinels.collect(kind, await list(kind));
    const pods = make.toYamlDocuments(
      ...cases.map(({ namespace }) => make.podWith('w', namespace, 'db', ['password'])),
    );
    const cluster = ['--cluster', '--kubeconfig', controlPlane.kubeconfigFile, '--allowed-backend-hosts', '127.0.0.1'];
    for (const command of [['check', '--resolve'], ['check', '--resolve', '-o', 'json'], ['inject']]) {
      const { stdout, stderr } = await runCommand(
        process.execPath,
        ['src/main.ts', ...command, '-f', '-', ...cluster],
        { input: pods, timeoutMs: 60_000, env: { ...process.env, AWS_SECRETSMANAGER_ENDPOINT: aws.endpoint } },
      );
      assert.match(
        stdout + stderr,
        /lost-0/,
        `latchkey ${command.join(' ')} looked at the pods: ${stderr.length} characters`,
      );
      sentinels.collect(`latchkey ${command.join(' ')}`, stdout + stderr);
    }
    sentinels.collect('metrics', await latchkey.metrics());
    sentinels.collect('log', await latchkey.output());
    const logs = join(controlPlane.directory, 'logs');
    for (const name of await readdir(logs)) sentinels.collect(name, await readFile(join(logs, name), 'utf8'));
    sentinels.assertUnseen();
  });

  it('made Latchkey fail in a way that it does not know', async () => {
    assert.equal((await latchkey.output()).includes('"level":50'), false);
  });
});
