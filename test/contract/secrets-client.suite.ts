/**
 * What every provider promises through `SecretsClient` and `DocumentReader`, whatever backend is behind it. A provider's
 * test brings a {@link Subject}; what its backend cannot be made to do is left out of the subject's lists, not skipped.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { LatchkeyError } from '../../src/core/errors.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { SecretValue } from '../../src/core/secret-value.ts';
import type {
  ClientContext,
  DocumentReader,
  DocumentResult,
  FindQuery,
  Provider,
  ProviderModule,
  SecretsClient,
} from '../../src/ports/provider.ts';
import { FAULTS, RETRY_AFTER_SECONDS, SENTINEL } from './faults.ts';
import type { Fault } from './faults.ts';

/** A backend that is running, with a way to fill it. */
export interface Backend {
  /** A context whose store reads what has been put so far. */
  context(overrides?: Partial<ClientContext>): ClientContext;
  /** The bytes as the secret's value: the whole document, or its {@link Subject.valueProperty}. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** A JSON object as the whole document. */
  putDocument(key: string, json: string): Promise<void>;
  /** A secret with what the backend calls tags, labels or metadata; there where {@link Subject.keepsTags}. */
  putTagged?(key: string, bytes: Uint8Array, tags: Readonly<Record<string, string>>): Promise<void>;
  /** A secret that is `current`, and `other` in a version that is not the current one. @returns that version's name. */
  putVersions(key: string, current: Uint8Array, other: Uint8Array): Promise<string>;
  /** A context whose backend does this to every request, until the backend is closed. */
  faulty(fault: Fault): Promise<ClientContext>;
  close(): Promise<void>;
}

export interface Subject {
  readonly name: string;
  readonly load: () => Promise<ProviderModule>;
  readonly start: () => Promise<Backend>;
  /** The faults that the backend can be made to show. A backend without a network has none. */
  readonly faults: readonly Fault[];
  /** The largest value that the backend takes, if that is less than 64 KiB. */
  readonly largestBytes?: number;
  /** Can values hold bytes that are not UTF-8? */
  readonly isBinarySafe: boolean;
  /** Where secrets are maps and nothing else: the member under which `put` keeps its bytes. */
  readonly valueProperty?: string;
  /** A version that no secret has; `undefined` when the backend keeps no versions. */
  readonly absentVersion: string | undefined;
  /** Does its client have `getSecrets`? */
  readonly takesBatches: boolean;
  /** `undefined` when its client has no `findSecrets`. */
  readonly search?: {
    /** What a name with folders has to begin with: `/` or nothing. */
    readonly root: string;
    /** Does a query's `path` mean anything? */
    readonly knowsPaths: boolean;
    /** What a search gives for a secret with versions, where that is not the current one. */
    readonly versionFound?: string;
    /** So many secrets do not fit into one page of a listing, where there are pages. */
    readonly moreThanOnePage: number;
  };
  /** Are there tags, to be found by and to be read as metadata? */
  readonly keepsTags?: boolean;
}

const never = (): AbortSignal => new AbortController().signal;
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

export function describeSecretsClient(subject: Subject): void {
  describe(`${subject.name} as a SecretsClient`, () => {
    // Filled before the first test; the tests below close over it.
    const running = {} as Running;
    before(async () => {
      const module = await subject.load();
      running.backend = await subject.start();
      running.provider = module.createProvider();
    });
    after(() => running.backend.close());

    /** A client over what has been put so far; closed after the body. */
    const withClient = async <T>(
      body: (client: SecretsClient) => Promise<T>,
      context: ClientContext = running.backend.context(),
    ): Promise<T> => {
      const client = await running.provider.newClient(context, never());
      try {
        return await body(client);
      } finally {
        await client.close();
      }
    };

    describeBytes(subject, running, withClient);
    describeAbsence(subject, running, withClient);
    describeReading(subject, running, withClient);
    describeSearch(subject, running, withClient);
    describeLifetime(running, withClient);
    describeFaults(subject, running, withClient);
  });
}

type Running = { backend: Backend; provider: Provider };
type WithClient = <T>(body: (client: SecretsClient) => Promise<T>, context?: ClientContext) => Promise<T>;

function describeBytes(subject: Subject, running: Running, withClient: WithClient): void {
  const texts = {
    'plain text': bytes('fake-value'),
    'text with a NUL and control characters': bytes('fake\u0000\u0001\u001f\u007fvalue'),
    'text with line breaks and a byte order mark': bytes('\ufefffirst\r\nsecond\n'),
    'text beyond the basic plane': bytes('pässwörd-🔑-\u2028'),
    'text that looks like JSON': bytes('{"a": 1.50}'),
    'as much as it may be': Buffer.alloc(subject.largestBytes ?? 65_536, 'fake'),
  };
  const binary = { 'bytes that are not UTF-8': Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28, 0x80]) };
  for (const [what, given] of Object.entries(subject.isBinarySafe ? { ...texts, ...binary } : texts)) {
    it(`hands out ${what} byte for byte`, async () => {
      const key = `bytes-${what.replaceAll(/\W/g, '-')}`;
      await running.backend.put(key, given);
      const document = await withClient((client) => client.getSecret({ key }, never()));
      assert.ok(valueOf(document, subject, running)?.reveal().equals(given), 'the bytes differ');
    });
  }
}

function describeAbsence({ absentVersion }: Subject, running: Running, withClient: WithClient): void {
  it('says SecretNotFound, naming the key, for a secret that does not exist', async () => {
    const error = await withClient((client) => failure(client.getSecret({ key: 'no/such-secret' }, never())));
    assert.equal(error.code, 'SecretNotFound');
    assert.match(error.message, /"no\/such-secret"/);
  });

  if (absentVersion === undefined) return;
  it('says SecretNotFound, naming the version, for a version that does not exist', async () => {
    await running.backend.put('one-version', bytes(SENTINEL));
    const ref = { key: 'one-version', version: absentVersion };
    const error = await withClient((client) => failure(client.getSecret(ref, never())));
    assert.equal(error.code, 'SecretNotFound');
    assert.ok(error.message.includes(`"${absentVersion}"`));
    assertNothingLeaks(error);
  });
}

function describeReading(subject: Subject, running: Running, withClient: WithClient): void {
  const { absentVersion, takesBatches, valueProperty } = subject;
  const textOf = (document: SecretValue): string | undefined => revealed(valueOf(document, subject, running));
  const told = (result: DocumentResult): string | undefined =>
    'document' in result ? textOf(result.document) : result.error.code;

  if (absentVersion !== undefined) {
    it('reads the current version by default and another when asked', async () => {
      const version = await running.backend.putVersions('versions', bytes('now'), bytes('other'));
      const [now, empty, other] = await withClient((client) =>
        Promise.all([
          client.getSecret({ key: 'versions' }, never()),
          client.getSecret({ key: 'versions', version: '' }, never()),
          client.getSecret({ key: 'versions', version }, never()),
        ]),
      );
      assert.deepEqual([now, empty, other].map(textOf), ['now', 'now', 'other']);
    });
  }

  it('serves two properties and the map of a document from one request', async () => {
    await running.backend.putDocument('document', '{"port": 5432, "user": "fake-user"}');
    const requests: string[] = [];
    const context = running.backend.context({ onRequest: (call, status) => requests.push(`${call} ${status}`) });
    const document = await withClient((client) => client.getSecret({ key: 'document' }, never()), context);
    const { documents } = running.provider;
    assert.equal(revealed(read(documents, document, 'user')), 'fake-user');
    assert.equal(revealed(read(documents, document, 'port')), '5432');
    assert.equal(read(documents, document, 'absent'), undefined);
    assert.deepEqual([...documents.map(document).keys()], ['port', 'user']);
    assert.equal(requests.length, 1);
    assert.match(requests[0] ?? '', / success$/);
  });

  if (valueProperty === undefined) {
    it('says InvalidData, quoting nothing, when a map is asked of what is no JSON object', async () => {
      await running.backend.put('no-object', bytes(`{"a": ${SENTINEL}`));
      const document = await withClient((client) => client.getSecret({ key: 'no-object' }, never()));
      const error = await failure((async () => running.provider.documents.map(document))());
      assert.equal(error.code, 'InvalidData');
      assertNothingLeaks(error);
    });
  }

  it(takesBatches ? 'answers a batch in order, each error its own' : 'takes no batches', async () => {
    await running.backend.put('batch-1', bytes('first'));
    await running.backend.put('batch-3', bytes('third'));
    await withClient(async (client) => {
      assert.equal(client.getSecrets !== undefined, takesBatches);
      const refs = ['batch-3', 'batch-2', 'batch-1'].map((key) => ({ key }));
      const results = await client.getSecrets?.(refs, never());
      assert.deepEqual(results?.map(told), takesBatches ? ['third', 'SecretNotFound', 'first'] : undefined);
    });
  });

  if (!takesBatches) return;
  it('answers more than fits into one call, with versions among it, in fewer calls than documents', async () => {
    const keys = Array.from({ length: 25 }, (_, index) => `many-${index}`);
    for (const key of keys) await running.backend.put(key, bytes(key));
    const version = await running.backend.putVersions('many-versions', bytes('now'), bytes('other'));
    const refs = [
      { key: 'many-versions', version },
      ...keys.map((key) => ({ key })),
      { key: 'many-versions' },
      { key: 'many-none' },
    ];
    let requests = 0;
    const context = running.backend.context({ onRequest: () => void (requests += 1) });
    const results = await withClient(async (client) => client.getSecrets?.(refs, never()), context);
    assert.deepEqual(results?.map(told), ['other', ...keys, 'now', 'SecretNotFound']);
    assert.ok(requests < 8, `${requests} calls`);
  });
}

function describeSearch(subject: Subject, running: Running, withClient: WithClient): void {
  const { search, keepsTags = false } = subject;
  if (search === undefined) return;
  const { root, knowsPaths, moreThanOnePage } = search;

  const find = (query: FindQuery, context?: ClientContext): Promise<Record<string, string | undefined>> =>
    withClient(async (client) => {
      const found = await client.findSecrets?.(query, never());
      assert.ok(found, 'the client has no findSecrets');
      const texts = [...found].map(
        ([name, document]) => [name, revealed(valueOf(document, subject, running))] as const,
      );
      return Object.fromEntries(texts.toSorted(([one], [other]) => (one < other ? -1 : 1)));
    }, context);
  const named = (expression: RegExp): Pick<Required<FindQuery>, 'matchNames'> => ({
    matchNames: async (names) => names.map((name) => expression.test(name)),
  });

  it('finds by full name, with the current value, and leaves the rest', async () => {
    await running.backend.put(`${root}found/app/one`, bytes('1'));
    await running.backend.put(`${root}found/app/two`, bytes('2'));
    await running.backend.put(`${root}found/web/one`, bytes('3'));
    await running.backend.putVersions(`${root}found/app/versions`, bytes('now'), bytes('other'));
    assert.deepEqual(await find(named(/found\/app\/./)), {
      [`${root}found/app/one`]: '1',
      [`${root}found/app/two`]: '2',
      [`${root}found/app/versions`]: subject.search?.versionFound ?? 'now',
    });
    assert.deepEqual(await find(named(/^found$/)), {}, 'nothing found is no error');
  });

  it(knowsPaths ? 'looks below a path only' : 'looks everywhere, whatever the path', async () => {
    await running.backend.put(`${root}paths/app/one`, bytes('1'));
    await running.backend.put(`${root}paths/web/one`, bytes('2'));
    const found = await find({ path: `${root}paths/web`, ...named(/paths.*one$/) });
    assert.deepEqual(Object.values(found), knowsPaths ? ['2'] : ['1', '2']);
  });

  it('goes on after the first page', async () => {
    const keys = Array.from(
      { length: moreThanOnePage },
      (_, index) => `${root}paged/${String(index).padStart(3, '0')}`,
    );
    for (const key of keys) await running.backend.put(key, bytes(key));
    assert.deepEqual(Object.keys(await find(named(/paged\//))), keys);
  });

  it('hands out nothing that its caller has given up waiting for', async () => {
    const search = withClient(async (client) => client.findSecrets?.(named(/./), AbortSignal.abort()));
    assert.equal((await failure(search)).code, 'BackendTimeout');
  });

  if (!keepsTags) {
    it('refuses to search by tags, which it does not have', async () => {
      assert.equal((await failure(find({ tags: { team: 'a' } }))).code, 'InvalidExternalSecret');
    });
    return;
  }
  it('finds what has all the tags, and the name', async () => {
    const put = running.backend.putTagged?.bind(running.backend);
    assert.ok(put, 'the backend cannot put tags');
    await put(`${root}tagged/both`, bytes('1'), { team: 'a', tier: 'web' });
    await put(`${root}tagged/one`, bytes('2'), { team: 'a' });
    await put(`${root}tagged/crossed`, bytes('3'), { team: 'web', tier: 'a' });
    await put(`${root}tagged/longer`, bytes('4'), { team: 'a', tier: 'website' });
    assert.deepEqual(await find({ tags: { team: 'a', tier: 'web' } }), { [`${root}tagged/both`]: '1' });
    assert.deepEqual(await find({ tags: { team: 'a' }, ...named(/one$/) }), { [`${root}tagged/one`]: '2' });
  });

  it('hands out tags as a JSON object', async () => {
    await running.backend.putTagged?.('tags', bytes(SENTINEL), { team: 'a', cost: '12' });
    const read = (key: string) => withClient(async (client) => client.getMetadata?.({ key }, never()));
    const { team, cost } = JSON.parse(revealed(await read('tags')) ?? '') as Record<string, string>;
    assert.deepEqual({ team, cost }, { team: 'a', cost: '12' });
    assert.equal((await failure(read('no-such-secret'))).code, 'SecretNotFound');
  });
}

function describeLifetime(running: Running, withClient: WithClient): void {
  it('sends nothing and says BackendTimeout when the caller has already given up', async () => {
    await running.backend.put('given-up', bytes(SENTINEL));
    const requests: string[] = [];
    const context = running.backend.context({ onRequest: (call) => requests.push(call) });
    const error = await withClient(
      (client) => failure(client.getSecret({ key: 'given-up' }, AbortSignal.abort())),
      context,
    );
    assert.equal(error.code, 'BackendTimeout');
    assert.deepEqual(requests, []);
  });

  it('may be closed twice', async () => {
    await withClient((client) => client.close());
  });

  it('refuses a store with a field that it does not act on, naming the field', async () => {
    const { config } = running.backend.context();
    assert.ok(typeof config === 'object' && config !== null && !Array.isArray(config));
    const context = running.backend.context({ config: Object.assign({}, config, { noSuchField: SENTINEL }) });
    const error = await failure(running.provider.newClient(context, never()));
    assert.equal(error.code, 'Unsupported');
    assert.match(error.message, /spec\.provider\.\w+\.noSuchField/);
    assertNothingLeaks(error);
  });
}

function describeFaults(subject: Subject, running: Running, withClient: WithClient): void {
  const expected: Readonly<Record<Fault, ErrorCode>> = { ...FAULTS, 'never answers': 'BackendTimeout' };
  for (const fault of subject.faults) {
    it(`says ${expected[fault]} when the backend ${fault}`, { timeout: 20_000 }, async () => {
      const context = await running.backend.faulty(fault);
      const signal = fault === 'never answers' ? AbortSignal.timeout(150) : never();
      const error = await failure(withClient((client) => client.getSecret({ key: 'faulty' }, signal), context));
      assert.equal(error.code, expected[fault]);
      if (fault === 'asks to slow down') assert.equal(error.retryAfterMs, RETRY_AFTER_SECONDS * 1000);
      assertNothingLeaks(error);
    });
  }
}

/** What {@link Backend.put} stored. */
function valueOf(document: SecretValue, { valueProperty }: Subject, { provider }: Running): SecretValue | undefined {
  return valueProperty === undefined ? document : read(provider.documents, document, valueProperty);
}

/** A property that is a plain name. */
function read(documents: DocumentReader, document: SecretValue, property: string): SecretValue | undefined {
  const reading = documents.property(document, property);
  if ('value' in reading) return reading.value;
  assert.deepEqual(reading.paths, [], `"${property}" is left to gjson`);
  return undefined;
}

function revealed(value: { reveal(): Buffer } | undefined): string | undefined {
  return value?.reveal().toString('utf8');
}

/** The LatchkeyError that a promise ends in. Anything else, an outcome included, fails the test. */
export async function failure(promise: Promise<unknown>): Promise<LatchkeyError> {
  const error: unknown = await promise.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof LatchkeyError, `expected a LatchkeyError, got ${inspect(error)}`);
  return error;
}

/** Every way in which a log or a crash could print an error, its causes and hidden properties included. */
export function assertNothingLeaks(error: LatchkeyError, secret = SENTINEL): void {
  const printed = [String(error), error.stack, JSON.stringify(error), inspect(error, { depth: 12, showHidden: true })];
  assert.ok(!printed.join('\n').includes(secret), 'the error shows a value');
}
