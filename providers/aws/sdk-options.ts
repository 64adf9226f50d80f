import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import type { ClientContext } from '../../src/ports/provider.ts';
import { openEgress } from '../shared/egress.ts';
import type { CredentialSource } from './credentials.ts';

/** What every client of the SDK is built with. Its `destroy` closes the connections too. */
export type SdkOptions = Pick<
  SecretsManagerClientConfig,
  'region' | 'maxAttempts' | 'credentials' | 'endpoint' | 'requestHandler'
>;

/** Variables of Latchkey's own environment that send a service's requests elsewhere, as upstream names them. */
type EndpointVariable = 'AWS_SECRETSMANAGER_ENDPOINT' | 'AWS_SSM_ENDPOINT' | 'AWS_STS_ENDPOINT';

export function sdkOptions(
  region: string,
  credentials: CredentialSource,
  endpointVariable: EndpointVariable,
  { environment }: Pick<ClientContext, 'environment'>,
): SdkOptions {
  const endpoint = environment[endpointVariable];
  return {
    region,
    // Retries are decided outside, where the deadline is known; the caller's signal bounds every request.
    maxAttempts: 1,
    requestHandler: openEgress(environment),
    ...(credentials !== 'ambient' && { credentials }),
    ...(endpoint ? { endpoint } : {}),
  };
}
