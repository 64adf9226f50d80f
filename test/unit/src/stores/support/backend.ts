import { pathOnly } from '../../../../../providers/shared/json-document.ts';
import { LatchkeyError, type ErrorCode } from '../../../../../src/core/errors.ts';
import { SecretValue } from '../../../../../src/core/secret-value.ts';
import type { ProviderRegistry, SecretsClient } from '../../../../../src/ports/provider.ts';

/** A backend in memory behind the provider name `test`: what it holds, whether it answers, and what it was asked. */
export class Backend {
  readonly values = new Map<string, string>();
  readonly asked: string[] = [];
  clients = 0;
  closed = 0;
  /** Set: every read fails like this. */
  failure: ErrorCode | undefined;
  /** Set: every read waits for it, after it has been counted and its value taken. */
  gate: Promise<void> | undefined;

  readonly registry: ProviderRegistry = {
    test: async () => ({
      createProvider: () => ({
        validateStore: () => undefined,
        newClient: async () => this.#client(),
        documents: pathOnly,
      }),
    }),
  };

  #client(): SecretsClient {
    this.clients += 1;
    return {
      getSecret: async ({ key }, signal) => {
        this.asked.push(key);
        const value = this.values.get(key);
        if (this.gate !== undefined) await Promise.race([this.gate, aborted(signal)]);
        if (this.failure !== undefined) throw new LatchkeyError(this.failure, 'the test backend does not answer');
        if (value === undefined) throw new LatchkeyError('SecretNotFound', `there is no secret "${key}"`);
        return SecretValue.fromText(value);
      },
      close: async () => void (this.closed += 1),
    };
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new LatchkeyError('BackendTimeout', 'cut off')), { once: true });
  });
}
