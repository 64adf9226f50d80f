import { LatchkeyError } from '../../src/core/errors.ts';
import { printJson } from '../../src/core/json/go-json.ts';
import { printable } from '../../src/core/names.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { DocumentRef, SecretsClient } from '../../src/ports/provider.ts';
import type { BackendAnswer } from '../shared/backend-connection.ts';
import { readDocument, readListing, readMetadata } from './answer.ts';
import type { VaultConfig } from './config.ts';
import { vaultError } from './errors.ts';
import type { VaultCall } from './errors.ts';
import { findIn } from './find.ts';
import type { KvEngine } from './find.ts';
import { metadataPath, secretPath } from './path.ts';
import type { Question, VaultServer } from './server.ts';
import type { Session } from './session.ts';

/** Reads a KV engine as somebody. */
export function createKvClient(config: VaultConfig, server: VaultServer, session: Session): SecretsClient {
  const { version, namespace } = config;
  const backend = server.name;

  /** @param read the part of a 200 that is wanted; `undefined` when it is not there. */
  const ask = <T>(
    question: Pick<Question, 'call' | 'path'>,
    call: VaultCall,
    read: (answer: BackendAnswer) => T | undefined,
    signal: AbortSignal,
  ): Promise<T> =>
    session.use(
      (token) =>
        server.ask(
          { ...question, token, namespace },
          (answer) => {
            if (answer.status !== 200) throw vaultError(answer, call);
            const found = read(answer);
            if (found !== undefined) return found;
            throw new LatchkeyError(
              'BackendResponseInvalid',
              `${backend} gave an answer without a value for ${call.subject}`,
            );
          },
          signal,
        ),
      signal,
    );

  const readAt = (path: string, subject: string, signal: AbortSignal): Promise<SecretValue> => {
    const call: VaultCall = { backend, verb: 'read', subject, version };
    return ask(
      { call: 'ReadSecretData', path },
      call,
      ({ body }) => {
        const document = readDocument(body, version);
        // KV v2 without data: upstream takes a version without any for deleted.
        if (document === null) throw new LatchkeyError('SecretNotFound', `${backend} has no ${subject}`);
        return document && new SecretValue(document);
      },
      signal,
    );
  };

  const metadataAt = (path: string, key: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> => {
    const call: VaultCall = { backend, verb: 'read', subject: `metadata of ${named(key)}`, version };
    return ask({ call: 'ReadMetadata', path }, call, ({ body }) => readMetadata(body), signal);
  };

  const engine: KvEngine = {
    version,
    read: ({ data }, name, signal) => readAt(data, named(name), signal),
    metadata: ({ metadata }, name, signal) => metadataAt(metadata, name, signal),
    list: (folder, name, signal) => {
      const call: VaultCall = { backend, verb: 'list', subject: `folder "${printable(name)}"`, version };
      const path = version === 'v1' ? folder.data : folder.metadata;
      return ask({ call: 'ListSecrets', path }, call, ({ body }) => readListing(body), signal);
    },
  };

  return {
    getSecret: async (ref, signal) => readAt(secretPath(ref, config), describe(ref), signal),
    findSecrets: (query, signal) => findIn(engine, config, query, signal),
    getMetadata: async ({ key }, signal) => asDocument(await metadataAt(metadataPath(key, config), key, signal)),
    validate: (signal) => validate(server, session, config, signal),
    close: async () => {
      try {
        await session.close();
      } finally {
        server.close();
      }
    },
  };
}

/** A token that may not even look itself up is known to Vault, and that is all there is to ask. */
async function validate(
  server: VaultServer,
  session: Session,
  { auth, namespace }: VaultConfig,
  signal: AbortSignal,
): Promise<void> {
  const call: VaultCall = { backend: server.name, verb: 'look up', subject: 'itself', version: 'v2' };
  const question = {
    call: 'LookupSelf',
    path: 'auth/token/lookup-self',
    namespace: auth.namespace ?? namespace,
  } as const;
  const lookUp = (token: string | undefined): Promise<void> =>
    server.ask(
      { ...question, token },
      (answer) => {
        const error = answer.status === 200 ? undefined : vaultError(answer, call);
        if (error !== undefined && error.code !== 'BackendPermissionDenied') throw error;
      },
      signal,
    );
  await session.use(lookUp, signal);
}

function asDocument(metadata: ReadonlyMap<string, string>): SecretValue {
  return SecretValue.fromText(printJson(metadata, true));
}

function describe({ key, version }: DocumentRef): string {
  return version ? `${named(key)} in version "${printable(version)}"` : named(key);
}

function named(key: string): string {
  return `secret "${printable(key)}"`;
}
