import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMetrics } from '../../../../src/telemetry/metrics.ts';

/** The lines of these metrics after these requests, without the durations' buckets and sums. */
async function linesAfter(...requests: readonly (readonly [provider: string, call: string, status: string])[]) {
  const metrics = createMetrics();
  for (const [provider, call, status] of requests) metrics.providerRequest(provider, call, status, 0.01);
  const { text } = await metrics.render();
  return (name: string): readonly string[] => text.split('\n').filter((line) => line.startsWith(`${name}{`));
}

describe('a request to a backend', () => {
  it('is counted and timed by provider, call and status', async () => {
    const lines = await linesAfter(['vault', 'ReadSecretData', 'success'], ['vault', 'ReadSecretData', 'success']);
    const labels = '{provider="vault",call="ReadSecretData",status="success"}';
    assert.deepEqual(lines('latchkey_provider_requests_total'), [`latchkey_provider_requests_total${labels} 2`]);
    assert.deepEqual(lines('latchkey_provider_request_duration_seconds_count'), [
      `latchkey_provider_request_duration_seconds_count${labels} 2`,
    ]);
  });

  const upstream: readonly [provider: string, call: string, label: string][] = [
    ['aws', 'GetSecretValue', 'AWS/SecretsManager'],
    ['aws', 'BatchGetSecretValue', 'AWS/SecretsManager'],
    ['aws', 'GetParameters', 'AWS/ParameterStore'],
    ['aws', 'GetParametersByPath', 'AWS/ParameterStore'],
    ['vault', 'Login', 'HashiCorp/Vault'],
    ['gcpsm', 'AccessSecretVersion', 'GCP/SecretManager'],
    ['azurekv', 'GetSecret', 'Azure/KeyVault'],
    ['punchcards', 'ReadCard', 'punchcards'],
    ['toString', 'ReadCard', 'toString'],
  ];
  for (const [provider, call, label] of upstream) {
    it(`of ${provider} (${call}) is counted under upstream’s name ${label}`, async () => {
      const lines = await linesAfter([provider, call, 'error']);
      const name = 'externalsecret_provider_api_calls_count';
      assert.deepEqual(lines(name), [`${name}{provider="${label}",call="${call}",status="error"} 1`]);
    });
  }

  it('of AWS STS is ours to count, and not upstream’s', async () => {
    const lines = await linesAfter(['aws', 'AssumeRoleWithWebIdentity', 'success']);
    assert.deepEqual(
      [lines('latchkey_provider_requests_total').length, lines('externalsecret_provider_api_calls_count').length],
      [1, 0],
    );
  });
});
