import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/aws/index.ts';
import type { Json } from '../../../src/api/kubernetes.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { startAwsStub } from '../../contract/aws-stub.ts';
import { awsContext } from '../../contract/aws.subject.ts';
import { credentialsFrom } from '../../contract/context.ts';
import { failure } from '../../contract/secrets-client.suite.ts';

const signal = new AbortController().signal;
const at = 'spec.provider.aws';

const cases: Record<string, { section: Record<string, Json>; code: ErrorCode; message: string | RegExp }> = {
  'service CertificateManager': {
    section: { service: 'CertificateManager' },
    code: 'Unsupported',
    message: /^spec\.provider\.aws\.service: CertificateManager /,
  },
  'an unknown service': {
    section: { service: 'S3' },
    code: 'InvalidProviderConfig',
    message: /^spec\.provider\.aws\.service must be one of SecretsManager, /,
  },
  'no region': {
    section: { region: null },
    code: 'InvalidProviderConfig',
    message: `${at}.region is required (a string)`,
  },
  'a region that is a host': {
    section: { region: 'fake.example/' },
    code: 'InvalidProviderConfig',
    message: /^spec\.provider\.aws\.region /,
  },
  'auth.jwt without a service account': {
    section: { auth: { jwt: {} } },
    code: 'InvalidProviderConfig',
    message: `${at}.auth.jwt.serviceAccountRef is required (an object)`,
  },
  'a session tag without a value': {
    section: { sessionTags: [{ key: 'a' }] },
    code: 'InvalidProviderConfig',
    message: `${at}.sessionTags[0].value is required (a string)`,
  },
  'an unknown sessionTagsPolicy': {
    section: { sessionTagsPolicy: 'All' },
    code: 'InvalidProviderConfig',
    message: `${at}.sessionTagsPolicy must be one of None, Simple, Custom`,
  },
  'a custom session tag that tells who asks': {
    section: { sessionTagsPolicy: 'Custom', customSessionTags: { esoNamespace: 'another' } },
    code: 'InvalidProviderConfig',
    message: `${at}.customSessionTags must not name esoNamespace, which is made for each store`,
  },
  'credentials of another namespace': {
    section: {
      auth: {
        secretRef: {
          accessKeyIDSecretRef: { name: 'aws', key: 'id' },
          secretAccessKeySecretRef: { name: 'aws', key: 'key', namespace: 'team-b' },
        },
      },
    },
    code: 'InvalidProviderConfig',
    message: `${at}.auth.secretRef.secretAccessKeySecretRef.namespace is "team-b", but a SecretStore reads its own namespace only`,
  },
  'a service account of another namespace': {
    section: { auth: { jwt: { serviceAccountRef: { name: 'reader', namespace: 'team-b' } } } },
    code: 'InvalidProviderConfig',
    message: `${at}.auth.jwt.serviceAccountRef.namespace is "team-b", but a SecretStore reads its own namespace only`,
  },
  'half a secretRef': {
    section: { auth: { secretRef: { accessKeyIDSecretRef: { name: 'aws', key: 'id' } } } },
    code: 'InvalidProviderConfig',
    message: `${at}.auth.secretRef.secretAccessKeySecretRef is required (an object)`,
  },
};

describe('an AWS store', () => {
  for (const [sentence, { section, code, message }] of Object.entries(cases)) {
    it(`with ${sentence} is ${code}, and nothing is sent`, async () => {
      const context = awsContext('http://127.0.0.1:1');
      const config = { ...(context.config as Record<string, Json>), ...section };
      const onRequest = (): void => assert.fail('a request was sent');
      const provider = createProvider();
      const judged = await failure((async () => provider.validateStore({ ...context, config }))());
      const error = await failure(provider.newClient({ ...context, config, onRequest }, signal));
      assert.deepEqual([judged.code, judged.message], [error.code, error.message]);
      assert.equal(error.code, code);
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
    });
  }

  it('may say what only concerns writing', async () => {
    const secretsManager = { forceDeleteWithoutRecovery: true, recoveryWindowInDays: 7 };
    const context = awsContext('http://127.0.0.1:1', {}, { secretsManager, sessionTagsPolicy: 'None' });
    await (await createProvider().newClient(context, signal)).close();
  });

  it('tells a ClusterSecretStore without credentials which flag would let it use Latchkey’s own', async () => {
    const store = { kind: 'ClusterSecretStore', name: 'shared', namespace: undefined } as const;
    const config = { service: 'SecretsManager', region: 'eu-central-1' };
    const error = await failure(createProvider().newClient({ ...awsContext(''), store, config }, signal));
    assert.equal(error.code, 'InvalidProviderConfig');
    assert.match(error.message, /^ClusterSecretStore "shared" .*--ambient-credentials cluster-stores$/);
  });

  const credentials: Record<string, { values: Record<string, string>; message: RegExp }> = {
    missing: {
      values: { 'aws/id': 'AKIAFAKE' },
      message: /^spec\.provider\.aws\.auth\.secretRef\.secretAccessKeySecretRef/,
    },
    empty: {
      values: { 'aws/id': ' \n', 'aws/key': 'fake' },
      message: /^spec\.provider\.aws\.auth\.secretRef\.accessKeyIDSecretRef/,
    },
  };
  for (const [what, { values, message }] of Object.entries(credentials)) {
    it(`says CredentialsNotFound, naming the field, for a key that is ${what}`, async () => {
      const context = awsContext('', { credentials: credentialsFrom(values) });
      const error = await failure(createProvider().newClient(context, signal));
      assert.equal(error.code, 'CredentialsNotFound');
      assert.match(error.message, message);
    });
  }

  it('signs with its credentials and asks for the current version of prefix and key', async () => {
    const stub = await startAwsStub(() => ({ status: 200, body: '{"SecretString":"fake"}' }));
    const context = awsContext(stub.endpoint, {
      credentials: credentialsFrom({ 'aws/id': 'AKIAFAKE1\n', 'aws/key': 'fake\n' }),
    });
    const config = { ...(context.config as Record<string, Json>), prefix: 'team/' };
    const client = await createProvider().newClient({ ...context, config }, signal);
    await client.getSecret({ key: 'db' }, signal);
    await client.getSecret({ key: 'db', version: 'uuid/fake-id' }, signal);
    await client.close();
    await stub.close();
    const common = { action: 'GetSecretValue', accessKeyId: 'AKIAFAKE1', region: 'eu-central-1' };
    assert.deepEqual(stub.requests, [
      { ...common, input: { SecretId: 'team/db', VersionStage: 'AWSCURRENT' } },
      { ...common, input: { SecretId: 'team/db', VersionId: 'fake-id' } },
    ]);
  });
});
