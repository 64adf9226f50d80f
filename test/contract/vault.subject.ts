import { providers } from '../../providers/index.ts';
import type { Json } from '../../src/api/kubernetes.ts';
import type { ClientContext } from '../../src/ports/provider.ts';
import { startOpenBao } from '../support/openbao/openbao.ts';
import { clientContext, credentialsFrom } from './context.ts';
import { RETRY_AFTER_SECONDS, SENTINEL } from './faults.ts';
import type { Fault } from './faults.ts';
import type { Backend, Subject } from './secrets-client.suite.ts';
import { unusedEndpoint } from './stub-server.ts';
import type { StubReply } from './stub-server.ts';
import { startVaultStub, vaultErrorReply } from './vault-stub.ts';

/** Obviously fake; a stub takes any. */
export const VAULT_TOKEN = 'fake-vault-token';

const MOUNT = 'team/kv';
const VALUE = 'value';

const REPLIES: Readonly<Record<Exclude<Fault, 'refuses connections'>, StubReply>> = {
  'resets the connection': 'reset',
  'never answers': 'hang',
  'answers with a server error': vaultErrorReply(500, [SENTINEL]),
  'answers with a page that is not of its protocol': { status: 200, body: `<html>${SENTINEL}` },
  'cuts its answer short': { cutShort: JSON.stringify({ data: { data: { value: SENTINEL.repeat(200) } } }) },
  'refuses the credentials': vaultErrorReply(403, ['permission denied']),
  'forbids reading': vaultErrorReply(403, ['1 error occurred:\n\t* permission denied\n\n']),
  'asks to slow down': vaultErrorReply(429, [SENTINEL], { 'retry-after': `${RETRY_AFTER_SECONDS}` }),
};

/** A context of a store with a token, whose server at loopback the operator allows. `section` is laid over the store's. */
export function vaultContext(
  server: string,
  section: Record<string, Json> = {},
  overrides: Partial<ClientContext> = {},
): ClientContext {
  return clientContext({
    config: { server, path: MOUNT, auth: { tokenSecretRef: { name: 'vault', key: 'token' } }, ...section },
    credentials: credentialsFrom({ 'vault/token': VAULT_TOKEN }),
    allowedBackendHosts: ['127.0.0.1'],
    ...overrides,
  });
}

/** What succeeds is tried against OpenBao, what fails against a stub: OpenBao cannot be made to fail at will. */
export const vaultSubjects: readonly Subject[] = (['v1', 'v2'] as const).map((version) => ({
  name: `vault (KV ${version})`,
  load: providers.vault,
  faults: ['refuses connections', ...(Object.keys(REPLIES) as (keyof typeof REPLIES)[])],
  isBinarySafe: false,
  valueProperty: VALUE,
  absentVersion: version === 'v2' ? '99' : undefined,
  takesBatches: false,
  search: { root: '', knowsPaths: true, moreThanOnePage: 3 },
  keepsTags: version === 'v2',
  start: () => startBackend(version),
}));

async function startBackend(version: 'v1' | 'v2'): Promise<Backend> {
  const bao = await startOpenBao();
  const closers = [() => bao.stop()];
  await bao.writer.enableKv(MOUNT, version === 'v1' ? 1 : 2);
  const credentials = credentialsFrom({ 'vault/token': bao.rootToken });
  const put = async (key: string, json: string): Promise<void> => {
    if (version === 'v1') await bao.writer.call('POST', `${MOUNT}/${key}`, json);
    else await bao.writer.call('POST', `${MOUNT}/data/${key}`, `{"data":${json}}`);
  };
  const putValue = (key: string, bytes: Uint8Array): Promise<void> =>
    put(key, JSON.stringify({ [VALUE]: Buffer.from(bytes).toString('utf8') }));
  return {
    context: (overrides) => vaultContext(bao.endpoint, { version }, { credentials, ...overrides }),
    put: putValue,
    putDocument: put,
    putTagged: async (key, bytes, tags) => {
      await putValue(key, bytes);
      await bao.writer.call('POST', `${MOUNT}/metadata/${key}`, { custom_metadata: tags });
    },
    putVersions: async (key, current, other) => {
      await putValue(key, other);
      await putValue(key, current);
      return '1';
    },
    faulty: async (fault) => {
      if (fault === 'refuses connections') return vaultContext(await unusedEndpoint(), { version });
      const stub = await startVaultStub(() => REPLIES[fault]);
      closers.push(() => stub.close());
      return vaultContext(stub.endpoint, { version });
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  };
}
