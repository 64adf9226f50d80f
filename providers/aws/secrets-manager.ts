import type { Filter, GetSecretValueCommandInput } from '@aws-sdk/client-secrets-manager';
import { LatchkeyError } from '../../src/core/errors.ts';
import { SecretValue } from '../../src/core/secret-value.ts';
import type { ClientContext, DocumentRef, DocumentResult, FindQuery, SecretsClient } from '../../src/ports/provider.ts';
import { lazy } from '../shared/lazy.ts';
import { BatchReader, tellBatchRefused } from './batches.ts';
import type { Wanted } from './batches.ts';
import { serviceCalls } from './calls.ts';
import type { CredentialSource } from './credentials.ts';
import { awsItemError } from './errors.ts';
import { assertSelective, beginningOf, FoundNames, readFound } from './find.ts';
import { OBSERVED_STEP, observing } from './observe.ts';
import { pages } from './pages.ts';
import { ask } from './request.ts';
import { sdkOptions } from './sdk-options.ts';
import type { AwsConfig } from './schema.ts';
import { hasTags, tagsAsDocument } from './tags.ts';

const loadSdk = lazy(() => import('@aws-sdk/client-secrets-manager'));

/** Limits of AWS. */
const MOST_PER_BATCH = 20;
const MOST_PER_PAGE = 100;
const MOST_FILTERS = 10;

/** An identifier of a version begins so in `remoteRef.version`; anything else is a staging label. */
const VERSION_ID_PREFIX = 'uuid/';
const CURRENT = 'AWSCURRENT';
/** What a filter may hold; with `!` before it, it would mean the opposite. */
const FILTERABLE = /^[a-zA-Z0-9 :_@/+=.-]+$/;
/** An ARN ends in six characters that AWS adds, and is accepted without them too. */
const ARN_SUFFIX = /-[^-]{6}$/;

export async function openSecretsManager(
  config: AwsConfig,
  credentials: CredentialSource,
  context: ClientContext,
): Promise<SecretsClient> {
  const sdk = await loadSdk();
  const client = new sdk.SecretsManagerClient(
    sdkOptions(config.region, credentials, 'AWS_SECRETSMANAGER_ENDPOINT', context),
  );
  client.middlewareStack.add(observing(context), OBSERVED_STEP);
  const { prefix = '' } = config;
  const backend = `AWS Secrets Manager in ${config.region}`;
  const calls = serviceCalls(backend, 'secret');
  const wantedOf = (ref: DocumentRef): Wanted => ({ id: `${prefix}${ref.key}`, ref });

  const alone = async ({ id, ref }: Wanted, signal: AbortSignal): Promise<SecretValue> => {
    const command = new sdk.GetSecretValueCommand({ SecretId: id, ...versionInput(ref) });
    const call = calls.read(ref);
    const value = valueOf(await ask((options) => client.send(command, options), call, signal));
    if (value !== undefined) return value;
    throw new LatchkeyError('BackendResponseInvalid', `${backend} gave an answer without a value for ${call.subject}`);
  };

  const together = async (
    wanted: readonly Wanted[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, DocumentResult>> => {
    const SecretIdList = [...new Set(wanted.map(({ id }) => id))];
    const results = new Map<string, DocumentResult>();
    const answers = pages((NextToken) => {
      const command = new sdk.BatchGetSecretValueCommand({ SecretIdList, NextToken });
      return ask((options) => client.send(command, options), calls.readBatch(), signal);
    });
    for await (const { SecretValues = [], Errors = [] } of answers) {
      for (const entry of SecretValues) {
        const document = valueOf(entry);
        if (document !== undefined) for (const id of idsOf(entry)) results.set(id, { document });
      }
      for (const { SecretId = '', ErrorCode = '', Message = '' } of Errors) {
        const ref = wanted.find(({ id }) => id === SecretId)?.ref;
        if (ref !== undefined) results.set(SecretId, { error: awsItemError(ErrorCode, Message, calls.read(ref)) });
      }
    }
    return results;
  };

  const reader = new BatchReader({
    mostPerCall: MOST_PER_BATCH,
    together,
    alone,
    // What a document is refused for stands beside it in the answer.
    isCallRefused: () => true,
    onCallRefused: () => tellBatchRefused('secretsmanager:BatchGetSecretValue', context),
  });

  const find = async (query: FindQuery, signal: AbortSignal): Promise<ReadonlyMap<string, SecretValue>> => {
    assertSelective(query);
    const beginning = beginningOf(prefix, query.path);
    const Filters = filtersOf(beginning, query);
    const found = new FoundNames(query);
    const answers = pages((NextToken) => {
      const command = new sdk.ListSecretsCommand({ Filters, MaxResults: MOST_PER_PAGE, NextToken });
      return ask((options) => client.send(command, options), calls.list(), signal);
    });
    for await (const { SecretList = [] } of answers) {
      const candidates = SecretList.filter(({ Tags }) => hasTags(Tags, query.tags));
      await found.add(candidates.flatMap(({ Name = '' }) => (Name.startsWith(beginning) ? Name : [])));
    }
    return readFound(found.all, reader, signal);
  };

  return {
    getSecret: (ref, signal) => alone(wantedOf(ref), signal),
    getSecrets: (refs, signal) => reader.read(refs.map(wantedOf), signal),
    findSecrets: find,
    getMetadata: async (ref, signal) => {
      const command = new sdk.DescribeSecretCommand({ SecretId: wantedOf(ref).id });
      const { Tags } = await ask((options) => client.send(command, options), calls.readTags(ref), signal);
      return tagsAsDocument(Tags);
    },
    validate: async (signal) => void (await ask(() => client.config.credentials(), calls.use(), signal)),
    close: async () => client.destroy(),
  };
}

function versionInput({ version }: DocumentRef): Pick<GetSecretValueCommandInput, 'VersionId' | 'VersionStage'> {
  if (version?.startsWith(VERSION_ID_PREFIX) === true) return { VersionId: version.slice(VERSION_ID_PREFIX.length) };
  return { VersionStage: version || CURRENT };
}

interface Answer {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: Uint8Array | undefined;
}

function valueOf({ SecretString, SecretBinary }: Answer): SecretValue | undefined {
  if (SecretString !== undefined) return SecretValue.fromText(SecretString);
  return SecretBinary === undefined ? undefined : new SecretValue(SecretBinary);
}

/** Everything under which a secret may have been asked for. */
function idsOf({ Name, ARN }: { readonly Name?: string | undefined; readonly ARN?: string | undefined }): string[] {
  return [Name, ARN, ARN?.replace(ARN_SUFFIX, '')].filter((id) => id !== undefined);
}

/**
 * As much of a search as AWS can do itself: filters look at beginnings, and not whether a tag's key and value belong
 * together. What comes back is looked at again.
 */
function filtersOf(beginning: string, { tags = {} }: FindQuery): Filter[] {
  const filters: readonly (readonly [Filter['Key'], string])[] = [
    ['name', beginning],
    ...Object.entries(tags).flatMap(([key, value]) => [['tag-key', key] as const, ['tag-value', value] as const]),
  ];
  return filters
    .filter(([, value]) => FILTERABLE.test(value))
    .slice(0, MOST_FILTERS)
    .map(([Key, value]) => ({ Key, Values: [value] }));
}
