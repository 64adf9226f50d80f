import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/vault/index.ts';
import type { Json } from '../../../src/api/kubernetes.ts';
import { SecretValue } from '../../../src/core/secret-value.ts';
import type { ClientContext, SecretsClient, TokenRequest } from '../../../src/ports/provider.ts';
import { credentialsFrom } from '../../contract/context.ts';
import { assertNothingLeaks, failure } from '../../contract/secrets-client.suite.ts';
import type { Stub, StubReply } from '../../contract/stub-server.ts';
import { vaultContext } from '../../contract/vault.subject.ts';
import { startVaultStub, vaultErrorReply, vaultReply } from '../../contract/vault-stub.ts';
import type { VaultRequest } from '../../contract/vault-stub.ts';

const { signal } = new AbortController();
const SECRET = { name: 'vault', key: 'secret' };
const PASSWORD = 'fake-password ';
const APP_ROLE = { appRole: { roleId: 'fake-role-id', secretRef: SECRET } };
const denied = vaultErrorReply(403, ['1 error occurred:\n\t* permission denied\n\n']);
const unknown = vaultErrorReply(403, ['permission denied']);
const value = vaultReply('{"data":{"a":"fake"}}');

interface Granted {
  readonly seconds?: number;
  readonly renewable?: boolean;
  readonly type?: 'service' | 'batch';
  readonly headers?: Record<string, string>;
}

function grant(
  token: string,
  { seconds = 3600, renewable = true, type = 'service', headers = {} }: Granted = {},
): StubReply {
  const auth = { client_token: token, lease_duration: seconds, renewable, token_type: type };
  return { status: 200, headers, body: JSON.stringify({ request_id: 'fake', data: null, auth }) };
}

const isLogIn = ({ path }: VaultRequest): boolean => /^auth\/.*\/login(\/|$)/.test(path);

interface Asked {
  readonly stub: Stub<VaultRequest>;
  readonly client: SecretsClient;
  /** `POST auth/approle/login` … */
  readonly calls: () => string[];
}

/** A store with a way to log in, before a Vault that answers so; its client is closed after the body. */
async function asked(
  auth: Json,
  reply: (request: VaultRequest, count: number) => StubReply,
  body: (asked: Asked) => Promise<void>,
  section: Record<string, Json> = {},
  overrides: Partial<ClientContext> = {},
): Promise<readonly VaultRequest[]> {
  const stub = await startVaultStub(reply);
  const credentials = credentialsFrom({ 'vault/secret': `${PASSWORD}\n` });
  const context = vaultContext(stub.endpoint, { auth, ...section }, { credentials, ...overrides });
  const client = await createProvider().newClient(context, signal);
  try {
    await body({ stub, client, calls: () => stub.requests.map(({ method, path }) => `${method} ${path}`) });
  } finally {
    await client.close();
    await client.close();
    await stub.close();
  }
  return stub.requests;
}

const read = async ({ client }: Asked, key = 'db'): Promise<string> =>
  String((await client.getSecret({ key }, signal)).reveal());

describe('a log-in at Vault', { timeout: 30_000 }, () => {
  const tokens: TokenRequest[] = [];
  const credentials = {
    ...credentialsFrom({ 'vault/secret': `${PASSWORD}\r\n`, 'vault/token': 'fake-jwt\n', 'vault/id': 'fake-id\n' }),
    requestToken: async (request: TokenRequest) => {
      tokens.push(request);
      return { token: SecretValue.fromText('fake-sa-token'), expiresAtMs: Date.now() + 600_000 };
    },
  };
  const methods: Record<string, { auth: Json; path: string; body: object }> = {
    'an AppRole': {
      auth: APP_ROLE,
      path: 'auth/approle/login',
      body: { role_id: 'fake-role-id', secret_id: PASSWORD },
    },
    'an AppRole whose id is in a Secret': {
      auth: { appRole: { path: '/team/approle/', roleRef: { name: 'vault', key: 'id' }, secretRef: SECRET } },
      path: 'auth/team/approle/login',
      body: { role_id: 'fake-id', secret_id: PASSWORD },
    },
    'a Kubernetes token out of a Secret': {
      auth: { kubernetes: { role: 'app', secretRef: { name: 'vault' } } },
      path: 'auth/kubernetes/login',
      body: { role: 'app', jwt: 'fake-jwt' },
    },
    'a service account’s token': {
      auth: { kubernetes: { mountPath: 'k8s', role: ' app ', serviceAccountRef: { name: 'app' } } },
      path: 'auth/k8s/login',
      body: { role: 'app', jwt: 'fake-sa-token' },
    },
    'an LDAP user': {
      auth: { ldap: { username: 'Jörg/A', secretRef: SECRET } },
      path: 'auth/ldap/login/J%C3%B6rg%2FA',
      body: { password: PASSWORD },
    },
    'a user and password': {
      auth: { userPass: { path: 'people', username: 'app', secretRef: SECRET } },
      path: 'auth/people/login/app',
      body: { password: PASSWORD },
    },
    'a JWT': {
      auth: { jwt: { role: 'app', secretRef: { name: 'vault', key: 'token' } } },
      path: 'auth/jwt/login',
      body: { role: 'app', jwt: 'fake-jwt' },
    },
    'a JWT of a service account': {
      auth: { jwt: { kubernetesServiceAccountToken: { serviceAccountRef: { name: 'app' } } } },
      path: 'auth/jwt/login',
      body: { jwt: 'fake-sa-token' },
    },
    'the first of several, in upstream’s order': {
      auth: { ...APP_ROLE, userPass: { username: 'app', secretRef: SECRET }, namespace: 'a' },
      path: 'auth/approle/login',
      body: { role_id: 'fake-role-id', secret_id: PASSWORD },
    },
  };
  for (const [what, { auth, path, body }] of Object.entries(methods)) {
    it(`by ${what} is one write, whose token reads and is revoked at the end`, async () => {
      const requests = await asked(
        auth,
        (request) => (isLogIn(request) ? grant('fake-granted') : value),
        async (it) => assert.equal(await read(it), '{"a":"fake"}'),
        {},
        { credentials },
      );
      assert.deepEqual(
        requests.map(({ method, path: asks, token, body: sent }) => [method, asks, token, sent]),
        [
          ['POST', path, undefined, body],
          ['GET', 'team/kv/data/db', 'fake-granted', undefined],
          ['POST', 'auth/token/revoke-self', 'fake-granted', {}],
        ],
      );
    });
  }

  it('names an audience for every service account’s token', async () => {
    const sa = { name: 'app', audiences: ['https://vault.example'] };
    for (const [auth, audiences, seconds] of [
      [{ kubernetes: { role: 'a', serviceAccountRef: { name: 'app' } } }, ['vault'], 600],
      [{ kubernetes: { role: 'a', serviceAccountRef: sa } }, [], 600],
      [{ jwt: { kubernetesServiceAccountToken: { serviceAccountRef: sa, expirationSeconds: 900 } } }, ['vault'], 900],
      [{ jwt: { kubernetesServiceAccountToken: { serviceAccountRef: sa, audiences: ['b'] } } }, ['b'], 600],
    ] as const) {
      tokens.length = 0;
      await asked(
        auth,
        () => grant('fake'),
        async () => undefined,
        {},
        { credentials },
      );
      assert.deepEqual(
        tokens.map((token) => [token.audiences, token.expirationSeconds]),
        [[audiences, seconds]],
      );
    }
  });

  it('happens where auth.namespace says, and reading where the store’s namespace is', async () => {
    const requests = await asked(
      { ...APP_ROLE, namespace: 'team' },
      (request) => (isLogIn(request) ? grant('fake') : value),
      async (it) => {
        await read(it);
        await it.client.validate?.(signal);
      },
      { namespace: 'team/app' },
    );
    assert.deepEqual(
      requests.map(({ path, headers }) => `${path} ${String(headers['x-vault-namespace'])}`),
      [
        'auth/approle/login team',
        'team/kv/data/db team/app',
        'auth/token/lookup-self team',
        'auth/token/revoke-self team',
      ],
    );
  });

  const refusals: Record<string, readonly [reply: StubReply, code: string, words: string]> = {
    'refused with 400': [
      vaultErrorReply(400, ['invalid role or secret ID fake-password']),
      'BackendAuthFailed',
      'refused the log-in of spec.provider.vault.auth.appRole',
    ],
    'refused with 403': [unknown, 'BackendAuthFailed', 'refused the log-in of spec.provider.vault.auth.appRole'],
    'not mounted': [
      vaultErrorReply(404, ['no handler for route "fake-password"']),
      'InvalidProviderConfig',
      'has no way to log in where spec.provider.vault.auth.appRole says: check its path and namespace',
    ],
    'answered without a token': [
      vaultReply('{}'),
      'BackendResponseInvalid',
      'gave an answer that cannot be understood',
    ],
    'answered by a proxy': [
      { status: 200, body: '<html>fake-password' },
      'BackendResponseInvalid',
      "gave an answer that is not Vault's",
    ],
    'asked of a sealed Vault': [vaultErrorReply(503, ['Vault is sealed']), 'BackendUnavailable', 'is sealed'],
    'asked too often': [vaultErrorReply(429, []), 'BackendThrottled', 'asks to slow down'],
    redirected: [
      { status: 307, body: '', headers: { location: 'http://127.0.0.1:1/' } },
      'BackendResponseInvalid',
      'redirects to another address, which Latchkey does not follow',
    ],
  };
  for (const [what, [reply, code, words]] of Object.entries(refusals)) {
    it(`that is ${what} is ${code}, tried once`, async () => {
      const stub = await startVaultStub(() => reply);
      const context = vaultContext(stub.endpoint, { auth: APP_ROLE }, { credentials });
      const error = await failure(createProvider().newClient(context, signal));
      assert.deepEqual([error.code, error.message], [code, `Vault at ${new URL(stub.endpoint).host} ${words}`]);
      assertNothingLeaks(error, 'fake-password');
      assert.equal(stub.requests.length, 1);
      await stub.close();
    });
  }
});

describe('a token of Vault', { timeout: 30_000 }, () => {
  it('serves a thousand reads from one log-in, also when they come at once', async () => {
    const requests = await asked(
      APP_ROLE,
      (request) => (isLogIn(request) ? grant('fake') : value),
      async (it) => {
        for (let round = 0; round < 10; round += 1) {
          await Promise.all(Array.from({ length: 100 }, (_, index) => read(it, `${round}-${index}`)));
        }
      },
    );
    assert.equal(requests.filter(isLogIn).length, 1);
    assert.equal(requests.length, 1_002);
    assert.deepEqual([...new Set(requests.slice(1).map(({ token }) => token))], ['fake']);
  });

  it('is renewed when a third of its life is left, once for all who wait', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    await asked(
      APP_ROLE,
      (request) => (isLogIn(request) || request.path.endsWith('renew-self') ? grant('fake', { seconds: 300 }) : value),
      async (it) => {
        t.mock.timers.setTime(1_000_000 + 199_000);
        await read(it);
        assert.equal(it.calls().includes('POST auth/token/renew-self'), false);
        t.mock.timers.setTime(1_000_000 + 201_000);
        await Promise.all(Array.from({ length: 20 }, () => read(it)));
        t.mock.timers.setTime(1_000_000 + 400_000);
        await read(it);
        const [logIns, renewals] = [/login/, /renew-self/].map((call) => it.calls().filter((made) => call.test(made)));
        assert.deepEqual([logIns?.length, renewals?.length], [1, 1]);
      },
    );
  });

  it('is obtained anew when Vault does not let it live longer, or will not renew it', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    for (const [renewal, granted] of [
      [grant('fake-1', { seconds: 90 }), {}],
      [denied, {}],
      [unknown, {}],
      [value, { renewable: false }],
      [value, { type: 'batch', renewable: false }],
    ] as const) {
      let logIns = 0;
      const requests = await asked(
        APP_ROLE,
        (request) => {
          if (isLogIn(request)) return grant(`fake-${(logIns += 1)}`, { seconds: 300, ...granted });
          return request.path.endsWith('renew-self') ? renewal : value;
        },
        async (it) => {
          t.mock.timers.setTime(Date.now() + 201_000);
          await read(it);
          assert.equal(it.stub.requests.at(-1)?.token, 'fake-2');
        },
      );
      assert.equal(logIns, 2);
      const revoked = requests.filter(({ path }) => path.endsWith('revoke-self')).map(({ token }) => token);
      assert.deepEqual(revoked, 'type' in granted ? [] : ['fake-2'], 'batch tokens cannot be revoked');
    }
  });

  it('is used for as long as it lasts while Vault is failing, without a try for each read', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    let isDown = false;
    await asked(
      APP_ROLE,
      (request) => {
        if (!isLogIn(request) && !request.path.endsWith('renew-self')) return value;
        return isDown ? vaultErrorReply(500, []) : grant('fake', { seconds: 300 });
      },
      async (it) => {
        isDown = true;
        t.mock.timers.setTime(1_000_000 + 201_000);
        await read(it);
        await read(it);
        assert.equal(it.calls().filter((call) => call.endsWith('renew-self')).length, 1);
        t.mock.timers.setTime(1_000_000 + 301_000);
        assert.equal((await failure(read(it))).code, 'BackendUnavailable');
        isDown = false;
        assert.equal(await read(it), '{"a":"fake"}');
      },
    );
  });

  it('that Vault has forgotten is replaced once for all readers, and each read repeated', async () => {
    let logIns = 0;
    await asked(
      APP_ROLE,
      (request) => {
        if (isLogIn(request)) return grant(`fake-${(logIns += 1)}`);
        return request.token === 'fake-1' && request.method === 'GET' ? unknown : value;
      },
      async (it) => {
        const values = await Promise.all(Array.from({ length: 30 }, (_, index) => read(it, `key-${index}`)));
        assert.deepEqual([...new Set(values)], ['{"a":"fake"}']);
        assert.equal(logIns, 2);
        assert.equal(it.stub.requests.filter(({ method }) => method === 'GET').length, 60);
      },
    );
  });

  it('is replaced once only: a second refusal is the outcome', async () => {
    let logIns = 0;
    await asked(
      APP_ROLE,
      (request) => (isLogIn(request) ? grant(`fake-${(logIns += 1)}`) : request.method === 'GET' ? unknown : value),
      async (it) => {
        assert.equal((await failure(read(it))).code, 'BackendAuthFailed');
        assert.equal(logIns, 2);
      },
    );
  });

  it('is not asked for again with what Vault has just refused, since that locks accounts', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    let logIns = 0;
    let isLocked = false;
    await asked(
      APP_ROLE,
      (request) => {
        if (!isLogIn(request)) return request.method === 'GET' && isLocked ? unknown : value;
        logIns += 1;
        return isLocked ? vaultErrorReply(400, ['invalid role or secret ID']) : grant(`fake-${logIns}`);
      },
      async (it) => {
        isLocked = true;
        for (let count = 0; count < 20; count += 1) {
          const error = await failure(read(it));
          assert.match(error.message, /refused the log-in of/);
        }
        assert.equal(logIns, 2);
        isLocked = false;
        t.mock.timers.setTime(1_000_000 + 31_000);
        assert.equal(await read(it), '{"a":"fake"}');
      },
    );
  });

  it('that a policy refuses is replaced only when it is older than 30 s, and then revoked', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    let logIns = 0;
    await asked(
      APP_ROLE,
      (request) => {
        if (isLogIn(request)) return grant(`fake-${(logIns += 1)}`);
        return request.method === 'GET' && request.token === 'fake-1' ? denied : value;
      },
      async (it) => {
        assert.equal((await failure(read(it))).code, 'BackendPermissionDenied');
        assert.equal(logIns, 1);
        t.mock.timers.setTime(1_000_000 + 31_000);
        assert.equal(await read(it), '{"a":"fake"}');
        const revoked = it.stub.requests.filter(({ path }) => path.endsWith('revoke-self'));
        assert.deepEqual(
          revoked.map(({ token }) => token),
          ['fake-1'],
        );
      },
    );
  });

  it('out of a Secret is neither renewed nor revoked', async () => {
    const requests = await asked(
      { tokenSecretRef: { name: 'vault', key: 'token' } },
      () => value,
      async (it) => void (await read(it)),
      {},
      { credentials: credentialsFrom({ 'vault/token': 'fake-static' }) },
    );
    assert.deepEqual(
      requests.map(({ path, token }) => [path, token]),
      [['team/kv/data/db', 'fake-static']],
    );
  });

  it('that cannot be revoked is said to whoever closes, unless it is gone', async () => {
    for (const [reply, want] of [
      [vaultErrorReply(500, []), 'BackendUnavailable'],
      [unknown, undefined],
    ] as const) {
      const stub = await startVaultStub((request) => (isLogIn(request) ? grant('fake') : reply));
      const credentials = credentialsFrom({ 'vault/secret': PASSWORD });
      const client = await createProvider().newClient(
        vaultContext(stub.endpoint, { auth: APP_ROLE }, { credentials }),
        signal,
      );
      const outcome = client.close();
      if (want === undefined) await outcome;
      else assert.equal((await failure(outcome)).code, want);
      await stub.close();
    }
  });

  it('is waited for no longer than the caller can', async () => {
    const stub = await startVaultStub(() => 'hang');
    const credentials = credentialsFrom({ 'vault/secret': PASSWORD });
    const context = vaultContext(stub.endpoint, { auth: APP_ROLE }, { credentials });
    const error = await failure(createProvider().newClient(context, AbortSignal.timeout(50)));
    assert.equal(error.code, 'BackendTimeout');
    await stub.close();
  });

  it('is asked about to validate a store; that it may not ask is no fault', async () => {
    for (const [reply, want] of [
      [value, undefined],
      [denied, undefined],
      [unknown, 'BackendAuthFailed'],
      [vaultErrorReply(500, []), 'BackendUnavailable'],
    ] as const) {
      await asked(
        APP_ROLE,
        (request) => (request.path.endsWith('lookup-self') ? reply : grant('fake')),
        async ({ client }) => {
          const outcome = client.validate?.(signal) ?? Promise.reject(new Error('nothing to validate with'));
          if (want === undefined) await outcome;
          else assert.equal((await failure(outcome)).code, want);
        },
      );
    }
  });
});

describe('a Vault of several servers', () => {
  const INDEX = 'djE6ZmFrZQ==';
  async function headersOfReads(section: Record<string, Json>): Promise<readonly (readonly unknown[])[]> {
    const requests = await asked(
      APP_ROLE,
      (request) => (isLogIn(request) ? grant('fake', { headers: { 'x-vault-index': INDEX } }) : value),
      async (it) => void (await read(it)),
      section,
    );
    return requests
      .slice(0, 2)
      .map(({ headers }) => [headers['x-vault-index'], headers['x-vault-inconsistent']] as const);
  }

  it('is told how far it was at the log-in, when the store asks for its own writes', async () => {
    assert.deepEqual(await headersOfReads({}), [
      [undefined, undefined],
      [undefined, undefined],
    ]);
    assert.deepEqual(await headersOfReads({ readYourWrites: true }), [
      [undefined, undefined],
      [INDEX, undefined],
    ]);
    assert.deepEqual(await headersOfReads({ forwardInconsistent: true }), [
      [undefined, 'forward-active-node'],
      [INDEX, 'forward-active-node'],
    ]);
  });

  it('takes checkAndSet, which is for writing, as read', async () => {
    await asked(
      APP_ROLE,
      () => grant('fake'),
      async () => undefined,
      { checkAndSet: { required: true } },
    );
  });
});
