import { LatchkeyError } from '../../src/core/errors.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { ClientContext, CredentialReader } from '../../src/ports/provider.ts';

/** A credential reader over `name/key` → text. */
export function credentialsFrom(values: Readonly<Record<string, string>>): CredentialReader {
  const noCluster = async (_asked: unknown, field: string): Promise<never> => {
    throw new LatchkeyError('CredentialsNotFound', `${field}: there is no cluster behind these credentials`);
  };
  return {
    readConfigMapKey: noCluster,
    readServiceAccount: noCluster,
    requestToken: noCluster,
    readSecretKey: async ({ name, key }, field) => {
      const value = values[`${name}/${key ?? ''}`];
      if (value === undefined) throw new LatchkeyError('CredentialsNotFound', `${field}: no such Secret or key`);
      return SecretValue.fromText(value);
    },
  };
}

/** A context of a namespaced store without ambient identity, allowed hosts, environment or observers. */
export function clientContext(overrides: Partial<ClientContext> & Pick<ClientContext, 'config'>): ClientContext {
  return {
    store: { kind: 'SecretStore', name: 'contract', namespace: 'team-a' },
    namespace: 'team-a',
    credentials: credentialsFrom({}),
    isAmbientIdentityAllowed: false,
    allowedBackendHosts: [],
    environment: {},
    onRequest: () => undefined,
    onNotice: () => undefined,
    ...overrides,
  };
}
