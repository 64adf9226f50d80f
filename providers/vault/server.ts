import type { ClientContext } from '../../src/ports/provider.ts';
import { openConnection } from '../shared/backend-connection.ts';
import type { BackendAnswer } from '../shared/backend-connection.ts';
import { openEgress } from '../shared/egress.ts';
import type { EgressOptions } from '../shared/egress.ts';
import { guardUrl } from '../shared/egress-guard.ts';
import { observed } from '../shared/observed.ts';
import { transportError } from '../shared/transport-error.ts';
import type { VaultConfig } from './config.ts';
import { VAULT_PATH } from './schema.ts';
import { createVaultSdk } from './sdk.ts';

/** What is asked, in upstream's word for it. */
type Call = 'ReadSecretData' | 'ReadMetadata' | 'ListSecrets' | 'Login' | 'LookupSelf' | 'RenewSelf' | 'RevokeSelf';

export interface Question {
  readonly call: Call;
  /** Below `/v1/`, percent-encoded, with its query. */
  readonly path: string;
  readonly token?: string | undefined;
  readonly namespace: string | undefined;
  /** Makes it a write. */
  readonly body?: object;
}

export interface VaultServer {
  /** `Vault at vault.example:8200`, first in messages. */
  readonly name: string;
  /**
   * Asks once.
   * @param judge makes the outcome of an answer of any status, or throws what the answer means.
   * @throws LatchkeyError what `judge` throws, or why there is no answer.
   */
  ask<T>(question: Question, judge: (answer: BackendAnswer) => T, signal: AbortSignal): Promise<T>;
  close(): void;
}

/** @throws LatchkeyError `InvalidProviderConfig` when the server is not one that a store may use. */
export async function connectVault(
  config: VaultConfig,
  trust: Pick<EgressOptions, 'ca' | 'identity'>,
  context: ClientContext,
): Promise<VaultServer> {
  const { url, lookup } = guardUrl(config.server, `${VAULT_PATH}.server`, context.allowedBackendHosts);
  const name = `Vault at ${url.host}`;
  const connection = openConnection(url, name, openEgress(context.environment, { lookup, ...trust }));
  const sdk = await createVaultSdk(url, connection);
  const common = lowerCased({
    ...config.headers,
    'x-vault-request': 'true',
    ...(config.consistency === 'forward' && { 'x-vault-inconsistent': 'forward-active-node' }),
  });
  /** How far the server was when it last wrote for us: standbys that are behind are asked to catch up. */
  let index: string | undefined;

  const send = async (
    { call, path, token, namespace, body }: Question,
    signal: AbortSignal,
  ): Promise<BackendAnswer> => {
    const own = { 'x-vault-token': token, 'x-vault-namespace': namespace, 'x-vault-index': index };
    const present = Object.entries(own).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const request = { path, headers: { ...common, ...Object.fromEntries(present) }, signal };
    if (body === undefined) return call === 'ListSecrets' ? sdk.list(request) : sdk.read(request);
    const answer = await sdk.write(request, body);
    const told = answer.headers['x-vault-index'];
    if (config.consistency !== 'none' && typeof told === 'string') index = told;
    return answer;
  };

  return {
    name,
    ask: async (question, judge, signal) => {
      const late = transportError(undefined, name, signal);
      if (late !== undefined) throw late;
      return observed(context, question.call, async () => judge(await send(question, signal)));
    },
    close: () => connection.close(),
  };
}

/** Names that differ in case would be sent twice. */
function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
