import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SSMClient } from '@aws-sdk/client-ssm';

/** Obviously fake static keys, as a store's credentials Secret holds them; moto takes any. */
export const AWS_KEYS = { id: 'AKIAFAKEFAKEFAKEFAKE', key: 'fake-secret-access-key' };

export const AWS_REGION = 'eu-central-1';

const credentials = { accessKeyId: AWS_KEYS.id, secretAccessKey: AWS_KEYS.key };

/** The SDK itself, to fill a stand-in for AWS with. */
export function awsWriter(endpoint: string, region = AWS_REGION): SecretsManagerClient {
  return new SecretsManagerClient({ endpoint, region, credentials });
}

/** The same for Parameter Store. */
export function parameterWriter(endpoint: string, region = AWS_REGION): SSMClient {
  return new SSMClient({ endpoint, region, credentials });
}
