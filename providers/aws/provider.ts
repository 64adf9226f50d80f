import type { ClientContext, Provider, SecretsClient } from '../../src/ports/provider.ts';
import { literalThenPath } from '../shared/json-document.ts';
import { createSecretsManagerClient } from './client.ts';
import { readCredentials } from './credentials.ts';
import { createRoleCredentials } from './role.ts';
import { parseAwsConfig } from './schema.ts';

/** AWS Secrets Manager. The SDK is loaded with the first client, STS only for a store that has a role. */
export function createProvider(): Provider {
  return { validateStore: ({ config }) => void parseAwsConfig(config), newClient, documents: literalThenPath };
}

async function newClient(context: ClientContext, signal: AbortSignal): Promise<SecretsClient> {
  const config = parseAwsConfig(context.config);
  const credentials = await readCredentials(config, context, signal);
  if (!config.role) return createSecretsManagerClient(config, credentials, context);
  const role = await createRoleCredentials(config.role, config, credentials, context);
  const client = await createSecretsManagerClient(config, role.current, context);
  return {
    getSecret: client.getSecret,
    close: async () => {
      role.close();
      await client.close();
    },
  };
}
