/** Upstream's word for a provider where it differs from the key in `spec.provider`; https://external-secrets.io/latest/api/metrics/. */
const UPSTREAM: Readonly<Record<string, string>> = {
  azurekv: 'Azure/KeyVault',
  gcpsm: 'GCP/SecretManager',
  gitlab: 'GitLab',
  ibm: 'IBM/SecretsManager',
  kubernetes: 'Kubernetes',
  vault: 'HashiCorp/Vault',
  webhook: 'Webhook',
};

/** Calls of AWS Systems Manager: `aws` is one provider with two services. */
const PARAMETER_STORE = /^(GetParameter|DescribeParameters|ListTagsForResource)/;

/**
 * The label `provider` of `externalsecret_provider_api_calls_count`, by which dashboards made for upstream tell backends
 * apart; `undefined` for calls that upstream does not count.
 */
export function upstreamProvider(provider: string, call: string): string | undefined {
  if (provider !== 'aws') return Object.hasOwn(UPSTREAM, provider) ? UPSTREAM[provider] : provider;
  if (call.startsWith('AssumeRole')) return undefined;
  return PARAMETER_STORE.test(call) ? 'AWS/ParameterStore' : 'AWS/SecretsManager';
}
