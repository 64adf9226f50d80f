/**
 * Every provider behind a proxy that does to its traffic what networks and overloaded servers do: each fault has its code,
 * none becomes "does not exist", the next call works, and a thousand of them leave nothing behind.
 */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { issueInWorker } from '../../certs/issue.ts';
import { LatchkeyError, type ErrorCode } from '../../src/core/errors.ts';
import type { ClientContext, SecretsClient } from '../../src/ports/provider.ts';
import type { Backend, Subject } from '../contract/secrets-client.suite.ts';
import { subjects } from '../contract/subjects.ts';
import {
  PROXY_RETRY_AFTER_S,
  startFaultProxy,
  type FaultProxy,
  type ProxyFault,
} from '../support/faults/fault-proxy.ts';
import { randomFrom } from '../support/faults/random.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const VALUE = 'fake-sentinel-value-8c1f';
const KEY = 'behind-the-proxy';
const FAULTS = 1_000;
const SEED = Number(process.env['LATCHKEY_TEST_SEED'] ?? 20_261_124);
/** Long enough for any answer on a busy machine, and short where none comes. */
const PATIENCE_MS = 10_000;
const HANGING_PATIENCE_MS = 30;

const OUTCOMES: Readonly<Record<ProxyFault, ErrorCode | 'success'>> = {
  none: 'success',
  latency: 'success',
  'reset before the answer': 'BackendUnavailable',
  'reset within the answer': 'BackendUnavailable',
  'truncated answer': 'BackendUnavailable',
  'server error': 'BackendUnavailable',
  throttled: 'BackendThrottled',
  'bytes of no protocol': 'BackendResponseInvalid',
  'half-open': 'BackendTimeout',
};
const kinds = Object.keys(OUTCOMES) as readonly ProxyFault[];

/** What keeps a process busy, by type; timers come and go with every deadline. */
function resources(): Readonly<Record<string, number>> {
  const counted = Map.groupBy(process.getActiveResourcesInfo(), (type) => type);
  return Object.fromEntries(
    [...counted]
      .filter(([type]) => type !== 'Timeout' && type !== 'Immediate')
      .map(([type, all]) => [type, all.length]),
  );
}

/** The backend's own address, wherever the context has it. */
function endpointOf({ config, environment }: ClientContext): string {
  const [endpoint] = /https?:\/\/127\.0\.0\.1:\d+/.exec(JSON.stringify({ config, environment })) ?? [];
  assert.ok(endpoint, 'the context names no address to put a proxy before');
  return endpoint;
}

function rerouted(context: ClientContext, from: string, to: string): ClientContext {
  const { config, environment } = context;
  const changed = JSON.parse(JSON.stringify({ config, environment }).replaceAll(from, to)) as Pick<
    ClientContext,
    'config' | 'environment'
  >;
  return { ...context, ...changed };
}

function describeFaults(subject: Subject): void {
  describe(`${subject.name} behind a proxy`, () => {
    let backend: Backend;
    let proxy: FaultProxy;
    let context: ClientContext;
    let client: SecretsClient;
    let fault: ProxyFault = 'none';
    const complaints: string[] = [];
    const complain = (what: unknown): void => void complaints.push(String(what));

    const newClient = async (): Promise<SecretsClient> =>
      (await subject.load()).createProvider().newClient(context, AbortSignal.timeout(PATIENCE_MS));

    /** One read under a fault; its code, or `success` when it gave the value. */
    async function read(kind: ProxyFault, signal = AbortSignal.timeout(PATIENCE_MS)): Promise<string> {
      fault = kind;
      try {
        const document = await client.getSecret({ key: KEY }, signal);
        assert.match(document.reveal().toString(), new RegExp(VALUE));
        return 'success';
      } catch (error) {
        assert.ok(error instanceof LatchkeyError, String(error));
        assert.equal(error.message.includes(VALUE), false, 'a value in a message');
        if (kind === 'throttled') assert.equal(error.retryAfterMs, PROXY_RETRY_AFTER_S * 1_000);
        return error.code;
      }
    }

    const patienceFor = (kind: ProxyFault): AbortSignal =>
      AbortSignal.timeout(kind === 'half-open' ? HANGING_PATIENCE_MS : PATIENCE_MS);

    before(async () => {
      process.on('warning', complain);
      process.on('unhandledRejection', complain);
      backend = await subject.start();
      await backend.put(KEY, Buffer.from(VALUE));
      const direct = backend.context();
      const target = endpointOf(direct);
      proxy = await startFaultProxy({ target, choose: () => fault });
      context = rerouted(direct, target, proxy.url);
      client = await newClient();
    });

    after(async () => {
      process.off('warning', complain);
      process.off('unhandledRejection', complain);
      await client?.close();
      await proxy?.[Symbol.asyncDispose]();
      await backend?.close();
    });

    for (const kind of kinds) {
      it(`${kind}: ${OUTCOMES[kind]}, and the next call works`, async () => {
        assert.equal(await read(kind, patienceFor(kind)), OUTCOMES[kind]);
        assert.equal(await read('none'), 'success');
      });
    }

    it(`${FAULTS} faults have their codes, and leave no handle, socket or listener behind`, async (t) => {
      t.diagnostic(`LATCHKEY_TEST_SEED=${SEED}`);
      await client.close();
      await waitUntil(async () => (await proxy.openConnections()) === 0, {
        what: 'the connections of the first client to be closed',
        timeoutMs: 20_000,
      });
      const before = resources();
      client = await newClient();
      const random = randomFrom(SEED);
      const longLived = new AbortController();
      let mostOpen = 0;
      for (let count = 0; count < FAULTS; count += 1) {
        const kind = kinds[Math.floor(random() * kinds.length)] ?? 'none';
        const signal = kind === 'half-open' ? patienceFor(kind) : longLived.signal;
        assert.equal(await read(kind, signal), OUTCOMES[kind], `number ${count}, ${kind}`);
        if (count % 50 === 0) mostOpen = Math.max(mostOpen, await proxy.openConnections());
      }
      assert.equal(await read('none'), 'success');
      assert.ok(mostOpen <= 4, `${mostOpen} connections were open at once for one call at a time`);
      assert.deepEqual(getEventListeners(longLived.signal, 'abort'), []);
      await client.close();
      await waitUntil(
        async () => (await proxy.openConnections()) === 0 && JSON.stringify(resources()) === JSON.stringify(before),
        { what: 'all handles to be given back', timeoutMs: 20_000 },
      ).catch((error: unknown) => {
        assert.deepEqual(resources(), before, String(error));
        throw error;
      });
      assert.deepEqual(complaints, []);
    });

    it('a server that shows an expired certificate is not asked, and is named', async () => {
      const [dayMs, nowMs] = [86_400_000, Date.now()];
      const validity = { notBeforeMs: nowMs - 2 * dayMs, notAfterMs: nowMs - dayMs };
      const { leaf } = await issueInWorker(
        {
          issuer: { notBeforeMs: nowMs - 2 * dayMs, notAfterMs: nowMs + dayMs },
          leaf: { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], validity },
        },
        AbortSignal.timeout(30_000),
      );
      assert.ok(leaf);
      let asked = 0;
      await using expired = await startFaultProxy({
        target: proxy.url,
        choose: () => ((asked += 1), 'none'),
        tls: { cert: leaf.certificatePem, key: leaf.privateKeyPem },
      });
      context = rerouted(context, proxy.url, expired.url);
      client = await newClient();
      assert.deepEqual([await read('none'), asked], ['BackendUnavailable', 0]);
    });
  });
}

for (const subject of Object.values(subjects).flat()) if (subject.faults.length > 0) describeFaults(subject);
