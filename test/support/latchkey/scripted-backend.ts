import { pathOnly } from '../../../providers/shared/json-document.ts';
import type { SecretKeySelector } from '../../../src/api/external-secrets.ts';
import { LatchkeyError, type ErrorCode } from '../../../src/core/errors.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import type { ClientContext, ProviderRegistry, SecretsClient } from '../../../src/ports/provider.ts';
import type { Manifest } from './manifests.ts';

/**
 * A backend in memory behind the provider name `scripted`, for what the fake provider cannot hold: bytes, much of them, and
 * failures. A store that names a `tokenSecretRef` reads the secret `whoami` as that token, and none at all with the token
 * "refused".
 */
export class ScriptedBackend {
  readonly values = new Map<string, Uint8Array>();
  /** Set: every read fails like this. */
  failure: ErrorCode | undefined;

  readonly registry: ProviderRegistry = {
    scripted: async () => ({
      createProvider: () => ({
        validateStore: () => undefined,
        newClient: (context, signal) => this.#client(context, signal),
        documents: pathOnly,
      }),
    }),
  };

  async #client({ config, credentials }: ClientContext, signal: AbortSignal): Promise<SecretsClient> {
    const { tokenSecretRef } = config as { readonly tokenSecretRef?: SecretKeySelector };
    const field = 'spec.provider.scripted.tokenSecretRef';
    const token =
      tokenSecretRef === undefined ? undefined : await credentials.readSecretKey(tokenSecretRef, field, signal);
    const isRefused = token?.reveal().toString() === 'refused';
    return {
      getSecret: async ({ key }) => {
        if (this.failure !== undefined) throw new LatchkeyError(this.failure, 'the scripted backend does not answer');
        const value = this.values.get(key);
        if (key === 'whoami' && token !== undefined) return token;
        if (value !== undefined) return new SecretValue(Buffer.from(value));
        throw new LatchkeyError('SecretNotFound', `the scripted backend has no secret "${key}"`);
      },
      validate: async () => {
        if (isRefused) throw new LatchkeyError('BackendAuthFailed', 'the scripted backend refused the token');
      },
      close: async () => undefined,
    };
  }
}

export function scriptedStore(name: string, inNamespace: string, section: Manifest = {}): Manifest {
  return {
    ...{ apiVersion: 'external-secrets.io/v1', kind: 'SecretStore', metadata: { name, namespace: inNamespace } },
    spec: { provider: { scripted: section } },
  };
}
