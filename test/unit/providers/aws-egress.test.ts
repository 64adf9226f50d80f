import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/aws/index.ts';
import { awsContext } from '../../contract/aws.subject.ts';
import { failure } from '../../contract/secrets-client.suite.ts';

const signal = new AbortController().signal;

describe('the AWS SDK', () => {
  it('goes through the proxy of Latchkey’s environment, log-ins too, and past it where NO_PROXY says so', async () => {
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.writeHead(503).end();
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const environment = {
      HTTP_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      NO_PROXY: 'ssm.invalid',
      AWS_SECRETSMANAGER_ENDPOINT: 'http://secretsmanager.invalid',
      AWS_SSM_ENDPOINT: 'http://ssm.invalid',
      AWS_STS_ENDPOINT: 'http://sts.invalid',
    };
    for (const section of [{}, { role: 'fake-role' }, { service: 'ParameterStore' }]) {
      const client = await createProvider().newClient(awsContext('', { environment }, section), signal);
      assert.equal((await failure(client.getSecret({ key: 'a' }, signal))).code, 'BackendUnavailable');
      await client.close();
    }
    proxy.close();
    assert.deepEqual(seen, ['POST http://secretsmanager.invalid/', 'POST http://sts.invalid/']);
  });

  it('asks nobody when the proxy is none', async () => {
    const environment = { HTTPS_PROXY: 'proxy.example:3128' };
    const error = await failure(createProvider().newClient(awsContext('', { environment }), signal));
    assert.equal(error.code, 'InvalidProviderConfig');
    assert.match(error.message, /HTTPS_PROXY/);
  });
});
