import type { ParameterStringFilter } from '@aws-sdk/client-ssm';
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
import { tagsAsDocument } from './tags.ts';

const loadSdk = lazy(() => import('@aws-sdk/client-ssm'));

/** Limits of AWS. */
const MOST_PER_BATCH = 10;
const MOST_PER_PATH_PAGE = 10;
const MOST_PER_LIST_PAGE = 50;
const ROOT = '/';

export async function openParameterStore(
  config: AwsConfig,
  credentials: CredentialSource,
  context: ClientContext,
): Promise<SecretsClient> {
  const sdk = await loadSdk();
  const client = new sdk.SSMClient(sdkOptions(config.region, credentials, 'AWS_SSM_ENDPOINT', context));
  client.middlewareStack.add(observing(context), OBSERVED_STEP);
  const { prefix = '' } = config;
  const backend = `AWS Parameter Store in ${config.region}`;
  const calls = serviceCalls(backend, 'parameter');
  const wantedOf = (ref: DocumentRef): Wanted => ({ id: `${prefix}${ref.key}`, ref });

  const alone = async ({ id, ref }: Wanted, signal: AbortSignal): Promise<SecretValue> => {
    // A number is a version, anything else a label.
    const Name = ref.version ? `${id}:${ref.version}` : id;
    const command = new sdk.GetParameterCommand({ Name, WithDecryption: true });
    const call = calls.read(ref);
    const { Parameter } = await ask((options) => client.send(command, options), call, signal);
    if (Parameter?.Value !== undefined) return SecretValue.fromText(Parameter.Value);
    throw new LatchkeyError('BackendResponseInvalid', `${backend} gave an answer without a value for ${call.subject}`);
  };

  const together = async (
    wanted: readonly Wanted[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, DocumentResult>> => {
    const Names = [...new Set(wanted.map(({ id }) => id))];
    const command = new sdk.GetParametersCommand({ Names, WithDecryption: true });
    const answer = await ask((options) => client.send(command, options), calls.readBatch(), signal);
    const { Parameters = [], InvalidParameters = [] } = answer;
    const results = new Map<string, DocumentResult>();
    for (const { Name, ARN, Value } of Parameters) {
      if (Value === undefined) continue;
      const document = SecretValue.fromText(Value);
      for (const id of [Name, ARN]) if (id !== undefined) results.set(id, { document });
    }
    for (const { id, ref } of wanted) {
      if (InvalidParameters.includes(id))
        results.set(id, { error: awsItemError('ParameterNotFound', '', calls.read(ref)) });
    }
    return results;
  };

  const reader = new BatchReader({
    mostPerCall: MOST_PER_BATCH,
    together,
    alone,
    // AWS refuses the whole call also when one of its parameters may not be read.
    isCallRefused: (results) => !results.some((result) => 'error' in result && isRefusal(result.error)),
    onCallRefused: () => tellBatchRefused('ssm:GetParameters', context),
  });

  /** Values come with the names, ten at a time. */
  const findBelow = async (
    Path: string,
    query: FindQuery,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SecretValue>> => {
    const names = new FoundNames(query);
    const found = new Map<string, SecretValue>();
    const input = { Path, Recursive: true, WithDecryption: true, MaxResults: MOST_PER_PATH_PAGE };
    const answers = pages((NextToken) => {
      const command = new sdk.GetParametersByPathCommand({ ...input, NextToken });
      return ask((options) => client.send(command, options), calls.list(), signal);
    });
    for await (const { Parameters = [] } of answers) {
      const values = new Map(Parameters.map(({ Name = '', Value = '' }) => [Name, Value]));
      for (const name of await names.add([...values.keys()].filter((candidate) => candidate.startsWith(prefix)))) {
        found.set(name, SecretValue.fromText(values.get(name) ?? ''));
      }
    }
    return found;
  };

  /** Names first, and then the values of those that are wanted. */
  const findDescribed = async (
    path: string,
    query: FindQuery,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SecretValue>> => {
    const found = new FoundNames(query);
    const ParameterFilters = filtersOf(path, query);
    const answers = pages((NextToken) => {
      const command = new sdk.DescribeParametersCommand({
        ParameterFilters,
        MaxResults: MOST_PER_LIST_PAGE,
        NextToken,
      });
      return ask((options) => client.send(command, options), calls.list(), signal);
    });
    for await (const { Parameters = [] } of answers) {
      await found.add(Parameters.flatMap(({ Name = '' }) => (Name.startsWith(prefix) ? Name : [])));
    }
    return readFound(found.all, reader, signal);
  };

  const find = async (query: FindQuery, signal: AbortSignal): Promise<ReadonlyMap<string, SecretValue>> => {
    assertSelective(query);
    const path = query.path ? beginningOf(prefix, query.path) : folderOf(prefix);
    // Only descriptions can be asked for by tag.
    if (Object.keys(query.tags ?? {}).length > 0) return findDescribed(path, query, signal);
    try {
      return await findBelow(path, query, signal);
    } catch (error) {
      // Also when a parameter below the path cannot be decrypted, which need not be a wanted one.
      if (!isRefusal(error)) throw error;
      return findDescribed(path, query, signal);
    }
  };

  return {
    getSecret: (ref, signal) => alone(wantedOf(ref), signal),
    getSecrets: (refs, signal) => reader.read(refs.map(wantedOf), signal),
    findSecrets: find,
    getMetadata: async (ref, signal) => {
      const input = { ResourceType: 'Parameter', ResourceId: wantedOf(ref).id } as const;
      const command = new sdk.ListTagsForResourceCommand(input);
      const { TagList } = await ask((options) => client.send(command, options), calls.readTags(ref), signal);
      return tagsAsDocument(TagList);
    },
    validate: async (signal) => void (await ask(() => client.config.credentials(), calls.use(), signal)),
    close: async () => client.destroy(),
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof LatchkeyError && error.code === 'BackendPermissionDenied';
}

/** The hierarchy that everything with this beginning is in. */
function folderOf(beginning: string): string {
  return beginning.slice(0, Math.max(0, beginning.lastIndexOf(ROOT))) || ROOT;
}

function filtersOf(path: string, { tags = {} }: FindQuery): ParameterStringFilter[] {
  return [
    ...(path === ROOT ? [] : [{ Key: 'Path', Option: 'Recursive', Values: [path] }]),
    ...Object.entries(tags).map(([key, value]) => ({ Key: `tag:${key}`, Option: 'Equals', Values: [value] })),
  ];
}
