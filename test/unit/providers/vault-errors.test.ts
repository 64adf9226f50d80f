import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProvider } from '../../../providers/vault/index.ts';
import type { ErrorCode } from '../../../src/core/errors.ts';
import { SENTINEL } from '../../contract/faults.ts';
import { assertNothingLeaks, failure } from '../../contract/secrets-client.suite.ts';
import type { StubReply } from '../../contract/stub-server.ts';
import { vaultContext } from '../../contract/vault.subject.ts';
import { startVaultStub, vaultErrorReply, vaultReply } from '../../contract/vault-stub.ts';

const signal = new AbortController().signal;
const subject = 'secret "prod/db"';

/** `message` without the backend's name, which has the stub's port. */
type Case = { reply: StubReply; code: ErrorCode; message: string; version?: 'v1'; retryAfterMs?: number };

const page = (status: number): StubReply => ({ status, body: `<html>${SENTINEL}` });
const garbled = { code: 'BackendResponseInvalid', message: "gave an answer that is not Vault's" } as const;
const failing = { code: 'BackendUnavailable', message: 'is failing' } as const;
const absent = { code: 'SecretNotFound', message: `has no ${subject}` } as const;
const deleted = { code: 'SecretNotFound', message: `has no ${subject}: it is deleted` } as const;
const unmounted = {
  code: 'InvalidProviderConfig',
  message: `has no secrets engine where ${subject} would be: check spec.provider.vault.path, namespace and the key`,
} as const;
const refused = { code: 'BackendAuthFailed', message: "refused the store's token" } as const;
const forbidden = {
  code: 'BackendPermissionDenied',
  message: `does not let the store's token read ${subject}`,
} as const;
const throttled = { code: 'BackendThrottled', message: 'asks to slow down' } as const;
const empty = { code: 'BackendResponseInvalid', message: `gave an answer without a value for ${subject}` } as const;

const cases: Record<string, Case> = {
  '404 without words': { reply: vaultErrorReply(404, []), ...absent },
  '404 of a version that is deleted': {
    reply: vaultReply(`{"data":null,"metadata":{"deletion_time":"2026-01-01T00:00:00Z","destroyed":false}}`, {
      status: 404,
    }),
    ...deleted,
  },
  '404 of a version that is destroyed': {
    reply: vaultReply(`{"data":null,"metadata":{"deletion_time":"","destroyed":true}}`, { status: 404 }),
    ...deleted,
  },
  '404 of a path without an engine': {
    reply: vaultErrorReply(404, [`no handler for route "${SENTINEL}". route entry not found.`]),
    ...unmounted,
  },
  '404 of an unknown namespace': { reply: vaultErrorReply(404, ['namespace not found']), ...unmounted },
  '404 with a warning, KV v1 being asked of a KV v2 mount': {
    reply: vaultReply('null', { status: 404, warnings: [`Invalid path for a versioned K/V ${SENTINEL}`] }),
    version: 'v1',
    code: 'InvalidProviderConfig',
    message: `keeps ${subject} in KV v2, but spec.provider.vault.version is v1`,
  },
  '404 with the page of a proxy': { reply: page(404), ...garbled },
  '404 without a body': { reply: { status: 404, body: '' }, ...garbled },
  '404 with JSON of something else': { reply: { status: 404, body: `{"message":"${SENTINEL}"}` }, ...garbled },
  '403 of a token that OpenBao does not know': { reply: vaultErrorReply(403, ['permission denied']), ...refused },
  '403 of a token that Vault does not know': {
    reply: vaultErrorReply(403, ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n']),
    ...refused,
  },
  '403 by a policy': { reply: vaultErrorReply(403, ['1 error occurred:\n\t* permission denied\n\n']), ...forbidden },
  '403 in other words': { reply: vaultErrorReply(403, [SENTINEL]), ...forbidden },
  '403 with the page of a proxy': { reply: page(403), ...garbled },
  '400 without a token': { reply: vaultErrorReply(400, ['missing client token']), ...refused },
  '400 in other words': {
    reply: vaultErrorReply(400, [SENTINEL]),
    code: 'InvalidExternalSecret',
    message: `does not accept the request for ${subject}`,
  },
  '400 in plain text': { reply: { status: 400, body: SENTINEL }, ...garbled },
  '405': {
    reply: vaultErrorReply(405, ['1 error occurred:\n\t* unsupported operation\n\n']),
    code: 'InvalidProviderConfig',
    message: `keeps nothing that can be read at ${subject}`,
  },
  '412 of a replica that is behind': {
    reply: vaultErrorReply(412, [SENTINEL]),
    code: 'BackendUnavailable',
    message: 'is not up to date',
  },
  '418': {
    reply: vaultErrorReply(418, [SENTINEL]),
    code: 'BackendResponseInvalid',
    message: 'gave an answer that cannot be understood',
  },
  '429 with Retry-After in seconds': {
    reply: vaultErrorReply(429, [SENTINEL], { 'retry-after': '3' }),
    ...throttled,
    retryAfterMs: 3000,
  },
  '429 with the page of a proxy': { reply: page(429), ...throttled },
  '500': { reply: vaultErrorReply(500, [SENTINEL]), ...failing },
  '502 with the page of a proxy': { reply: page(502), ...failing },
  '503 of a sealed Vault': {
    reply: vaultErrorReply(503, ['Vault is sealed']),
    code: 'BackendUnavailable',
    message: 'is sealed',
  },
  '503 of another kind': { reply: vaultErrorReply(503, [SENTINEL]), ...failing },
  'a redirect of a standby': {
    reply: { status: 307, body: '', headers: { location: `http://127.0.0.1:1/${SENTINEL}` } },
    code: 'BackendResponseInvalid',
    message: 'redirects to another address, which Latchkey does not follow',
  },
  'a 200 without data': { reply: { status: 200, body: '{}' }, ...empty },
  'a 200 with data of another engine': { reply: vaultReply(`{"password":"${SENTINEL}"}`), ...empty },
  'a 200 that is no JSON': { reply: { status: 200, body: `{"data": "${SENTINEL}` }, ...empty },
  'a 200 with null for data': { reply: vaultReply('{"data":null,"metadata":{}}'), ...absent },
};

describe('what Vault answers', () => {
  for (const [sentence, { reply, code, message, version, retryAfterMs }] of Object.entries(cases)) {
    it(`${sentence} is ${code}`, async () => {
      const stub = await startVaultStub(() => reply);
      const context = vaultContext(stub.endpoint, { version: version ?? 'v2' });
      const client = await createProvider().newClient(context, signal);
      const error = await failure(client.getSecret({ key: 'prod/db' }, signal));
      const backend = `Vault at ${new URL(stub.endpoint).host}`;
      assert.deepEqual({ code: error.code, message: error.message }, { code, message: `${backend} ${message}` });
      assert.equal(error.retryAfterMs, retryAfterMs);
      assertNothingLeaks(error);
      assert.equal(stub.requests.length, 1, 'retries are not this layer’s');
      await client.close();
      await stub.close();
    });
  }

  it('beyond 4 MiB is BackendResponseInvalid', async () => {
    const stub = await startVaultStub(() => vaultReply(`{"data":{"a":"${'a'.repeat(4 * 1024 * 1024)}"}}`));
    const client = await createProvider().newClient(vaultContext(stub.endpoint), signal);
    const error = await failure(client.getSecret({ key: 'large' }, signal));
    assert.equal(error.code, 'BackendResponseInvalid');
    assert.match(error.message, /gave an answer of more than 4 MiB$/);
    await client.close();
    await stub.close();
  });
});
