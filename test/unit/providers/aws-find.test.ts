import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/aws/index.ts';
import type { Json } from '../../../src/api/kubernetes.ts';
import type { FindQuery } from '../../../src/ports/provider.ts';
import { awsErrorReply, startAwsStub } from '../../contract/aws-stub.ts';
import type { AwsRequest } from '../../contract/aws-stub.ts';
import { awsContext } from '../../contract/aws.subject.ts';
import { SENTINEL } from '../../contract/faults.ts';
import { assertNothingLeaks, failure } from '../../contract/secrets-client.suite.ts';
import type { StubReply } from '../../contract/stub-server.ts';

const signal = new AbortController().signal;
const json = (answer: object): StubReply => ({ status: 200, body: JSON.stringify(answer) });
const denied = awsErrorReply(400, 'AccessDeniedException', SENTINEL);
const everything: FindQuery = { matchNames: async (names) => names.map(() => true) };

interface Search {
  readonly found: Readonly<Record<string, string>>;
  readonly requests: readonly AwsRequest[];
}

/** One search over a stub. */
async function search(
  reply: (request: AwsRequest) => StubReply,
  query: FindQuery,
  section: Record<string, Json> = {},
): Promise<Search> {
  const stub = await startAwsStub(reply);
  const client = await createProvider().newClient(awsContext(stub.endpoint, {}, section), signal);
  try {
    const found = (await client.findSecrets?.(query, signal)) ?? new Map();
    const texts = [...found].map(([name, value]) => [name, value.reveal().toString()] as const);
    return { found: Object.fromEntries(texts), requests: [...stub.requests] };
  } finally {
    await client.close();
    await stub.close();
  }
}

const inputs = ({ requests }: Search, action: string): readonly Readonly<Record<string, unknown>>[] =>
  requests.filter((request) => request.action === action).map(({ input }) => input);

/** A Secrets Manager that has these, and hands out names as values. */
const secretsManager =
  (pages: readonly (readonly object[])[], gone: readonly string[] = []) =>
  ({ action, input }: AwsRequest): StubReply => {
    if (action === 'ListSecrets') {
      const page = Number(input['NextToken'] ?? 0);
      return json({ SecretList: pages[page], ...(page + 1 < pages.length && { NextToken: String(page + 1) }) });
    }
    if (action === 'GetSecretValue') {
      const name = String(input['SecretId']);
      return gone.includes(name)
        ? awsErrorReply(400, 'ResourceNotFoundException', SENTINEL)
        : json({ SecretString: name });
    }
    const ids = input['SecretIdList'] as string[];
    return json({
      SecretValues: ids.filter((id) => !gone.includes(id)).map((id) => ({ Name: id, SecretString: id })),
      Errors: gone.map((SecretId) => ({ SecretId, ErrorCode: 'ResourceNotFoundException', Message: SENTINEL })),
    });
  };

describe('a search in Secrets Manager', () => {
  it('lists page by page and reads only what matches', async () => {
    const pages = [[{ Name: 'a1' }, { Name: 'b1' }], [{ Name: 'a2' }]];
    const asked: (readonly string[])[] = [];
    const matchNames = async (names: readonly string[]): Promise<readonly boolean[]> => {
      asked.push(names);
      return names.map((name) => name.startsWith('a'));
    };
    const result = await search(secretsManager(pages), { matchNames });
    assert.deepEqual(result.found, { a1: 'a1', a2: 'a2' });
    assert.deepEqual(asked, [['a1', 'b1'], ['a2']]);
    assert.deepEqual(inputs(result, 'ListSecrets'), [
      { Filters: [], MaxResults: 100 },
      { Filters: [], MaxResults: 100, NextToken: '1' },
    ]);
    assert.deepEqual(inputs(result, 'BatchGetSecretValue'), [{ SecretIdList: ['a1', 'a2'] }]);
  });

  it('puts the prefix before the path unless it is there already, and never before a name', async () => {
    const reply = secretsManager([[{ Name: 'team/app/x' }, { Name: 'team/app/y' }, { Name: 'other/app' }]]);
    for (const path of ['app/', 'team/app/']) {
      const result = await search(reply, { ...everything, path }, { prefix: 'team/' });
      assert.deepEqual(Object.keys(result.found), ['team/app/x', 'team/app/y']);
      assert.deepEqual(inputs(result, 'ListSecrets')[0]?.['Filters'], [{ Key: 'name', Values: ['team/app/'] }]);
    }
  });

  it('looks at tags itself: AWS compares their beginnings, and keys apart from values', async () => {
    const Tags = (key: string, value: string): object => ({ Tags: [{ Key: key, Value: value }] });
    const page = [
      { Name: 'right', ...Tags('team', 'a') },
      { Name: 'longer', ...Tags('team', 'ab') },
      { Name: 'untagged' },
    ];
    const result = await search(secretsManager([page]), { tags: { team: 'a' } });
    assert.deepEqual(result.found, { right: 'right' });
    assert.deepEqual(inputs(result, 'ListSecrets')[0]?.['Filters'], [
      { Key: 'tag-key', Values: ['team'] },
      { Key: 'tag-value', Values: ['a'] },
    ]);
  });

  it('keeps from AWS what a filter would not take, or take for something else', async () => {
    const Tags = [
      { Key: 'a', Value: '!b' },
      { Key: 'ä', Value: '' },
    ];
    const result = await search(secretsManager([[{ Name: 'x', Tags }]]), { tags: { a: '!b', ä: '' } });
    assert.deepEqual(result.found, { x: 'x' });
    assert.deepEqual(inputs(result, 'ListSecrets')[0]?.['Filters'], [{ Key: 'tag-key', Values: ['a'] }]);
  });

  it('leaves out what is deleted meanwhile', async () => {
    const result = await search(
      secretsManager([[{ Name: 'a' }, { Name: 'gone' }, { Name: 'b' }]], ['gone']),
      everything,
    );
    assert.deepEqual(result.found, { a: 'a', b: 'b' });
  });

  it('fails when one of what it found may not be read', async () => {
    const list = secretsManager([[{ Name: 'a' }]]);
    const error = await failure(
      search((request) => (request.action === 'ListSecrets' ? list(request) : denied), everything),
    );
    assert.equal(
      error.message,
      `AWS Secrets Manager in eu-central-1 does not let the store's identity read secret "a"`,
    );
    assertNothingLeaks(error);
  });

  it('names the right that it lacks', async () => {
    const error = await failure(search(() => denied, everything));
    assert.equal(error.message, `AWS Secrets Manager in eu-central-1 does not let the store's identity list secrets`);
  });

  it('ends as soon as it has more than a thousand, before reading any', async () => {
    const page = Array.from({ length: 100 }, (_, index) => ({ Name: `s${index}` }));
    const seen: string[] = [];
    const endless = ({ action }: AwsRequest): StubReply => {
      seen.push(action);
      return json({ SecretList: page, NextToken: 'on' });
    };
    const error = await failure(search(endless, everything));
    assert.equal(error.code, 'InvalidExternalSecret');
    assert.equal(error.message, 'find gives more than 1000 secrets: make it narrower');
    assert.deepEqual(
      seen,
      Array.from({ length: 11 }, () => 'ListSecrets'),
    );
  });

  it('needs a name or tags', async () => {
    for (const query of [{}, { path: 'a' }, { tags: {} }]) {
      const error = await failure(search(() => assert.fail('something was asked'), query));
      assert.deepEqual([error.code, error.message], ['InvalidExternalSecret', 'find must have a name or tags']);
    }
  });
});

/** A Parameter Store that hands out names as values. */
const parameterStore =
  (names: readonly string[], canReadPaths = true) =>
  ({ action, input }: AwsRequest): StubReply => {
    const values = (some: readonly string[]): object[] => some.map((Name) => ({ Name, Value: Name }));
    switch (action) {
      case 'GetParametersByPath':
        return canReadPaths ? json({ Parameters: values(names) }) : denied;
      case 'DescribeParameters':
        return json({ Parameters: names.map((Name) => ({ Name })) });
      case 'GetParameters':
        return json({ Parameters: values(input['Names'] as string[]) });
      default:
        return json({ Parameter: values([String(input['Name'])])[0] });
    }
  };
const service = 'ParameterStore';

describe('a search in Parameter Store', () => {
  it('takes names and values from the pages below the path, all of them without one', async () => {
    const result = await search(parameterStore(['/a/1', '/b/1']), everything, { service });
    assert.deepEqual(result.found, { '/a/1': '/a/1', '/b/1': '/b/1' });
    assert.deepEqual(
      result.requests.map(({ action, input }) => [action, input]),
      [['GetParametersByPath', { Path: '/', Recursive: true, WithDecryption: true, MaxResults: 10 }]],
    );
    const below = await search(parameterStore(['/a/1']), { ...everything, path: '/a' }, { service });
    assert.equal(inputs(below, 'GetParametersByPath')[0]?.['Path'], '/a');
  });

  it('stays below the prefix', async () => {
    const folders = { '/team/': '/team', '/team/app-': '/team', 'team.': '/' };
    for (const [prefix, folder] of Object.entries(folders)) {
      const names = [`${prefix}x`, '/other/x'];
      const result = await search(parameterStore(names), everything, { service, prefix });
      assert.deepEqual(Object.keys(result.found), [`${prefix}x`]);
      assert.equal(inputs(result, 'GetParametersByPath')[0]?.['Path'], folder);
    }
  });

  it('describes parameters when it may not read whole paths', async () => {
    const query: FindQuery = { path: '/a', matchNames: async (names) => names.map((name) => name !== '/a/2') };
    const result = await search(parameterStore(['/a/1', '/a/2', '/a/3'], false), query, { service });
    assert.deepEqual(Object.keys(result.found), ['/a/1', '/a/3']);
    assert.deepEqual(
      result.requests.map(({ action }) => action),
      ['GetParametersByPath', 'DescribeParameters', 'GetParameters'],
    );
    assert.deepEqual(inputs(result, 'DescribeParameters')[0]?.['ParameterFilters'], [
      { Key: 'Path', Option: 'Recursive', Values: ['/a'] },
    ]);
  });

  it('asks for tags with the path', async () => {
    const query: FindQuery = { path: '/a', tags: { team: 'a', tier: 'web' } };
    const result = await search(parameterStore(['/a/1']), query, { service });
    assert.deepEqual(result.found, { '/a/1': '/a/1' });
    assert.deepEqual(inputs(result, 'DescribeParameters')[0]?.['ParameterFilters'], [
      { Key: 'Path', Option: 'Recursive', Values: ['/a'] },
      { Key: 'tag:team', Option: 'Equals', Values: ['a'] },
      { Key: 'tag:tier', Option: 'Equals', Values: ['web'] },
    ]);
  });

  it('ends as soon as it has more than a thousand', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `/p${index}`);
    let calls = 0;
    const endless = (): StubReply => {
      calls += 1;
      return json({ Parameters: names.map((Name) => ({ Name: `${Name}/${calls}`, Value: 'v' })), NextToken: 'on' });
    };
    assert.equal((await failure(search(endless, everything, { service }))).code, 'InvalidExternalSecret');
    assert.equal(calls, 101);
  });
});
