import type { ClientContext, Provider, SecretsClient } from '../../src/ports/provider.ts';
import { literalThenPath } from '../shared/json-document.ts';
import { assertWithinReach } from '../shared/selectors.ts';
import { openIdentity } from './identity.ts';
import { openParameterStore } from './parameter-store.ts';
import { AWS_PATH, parseAwsConfig } from './schema.ts';
import type { AwsConfig } from './schema.ts';
import { openSecretsManager } from './secrets-manager.ts';
import { tellsNamespace } from './session-tags.ts';

/** AWS Secrets Manager and Parameter Store. Each SDK is loaded with the first client that needs it. */
export function createProvider(): Provider {
  return { validateStore: (store) => void checkStore(store), newClient, documents: literalThenPath };
}

function checkStore({ store, config }: Pick<ClientContext, 'store' | 'config'>): AwsConfig {
  const parsed = parseAwsConfig(config);
  const { secretRef, jwt } = parsed.auth ?? {};
  for (const { selector, field } of [
    { selector: secretRef?.accessKeyIDSecretRef, field: 'secretRef.accessKeyIDSecretRef' },
    { selector: secretRef?.secretAccessKeySecretRef, field: 'secretRef.secretAccessKeySecretRef' },
    { selector: secretRef?.sessionTokenSecretRef, field: 'secretRef.sessionTokenSecretRef' },
    { selector: jwt?.serviceAccountRef, field: 'jwt.serviceAccountRef' },
  ]) {
    if (selector !== undefined) assertWithinReach(selector, `${AWS_PATH}.auth.${field}`, store);
  }
  return parsed;
}

async function newClient(context: ClientContext, signal: AbortSignal): Promise<SecretsClient> {
  const config = checkStore(context);
  const identity = await openIdentity(config, context, signal);
  const open = config.service === 'ParameterStore' ? openParameterStore : openSecretsManager;
  const { validate, close, ...reads } = await open(config, identity.credentials, context);
  // Without anybody who asks, the role cannot be asked whether it lets them.
  const canValidate = context.namespace !== undefined || !tellsNamespace(config);
  return {
    ...reads,
    ...(validate && canValidate && { validate }),
    close: async () => {
      identity.close();
      await close();
    },
  };
}
