import assert from 'node:assert/strict';
import { Agent, request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, before, beforeEach, describe, it } from 'node:test';
import { issueInWorker } from '../../../../certs/issue.ts';
import { newEntries } from '../../../../certs/rotate.ts';
import { parseCertificateSet, servingCredentials } from '../../../../certs/certificate-set.ts';
import { NotAnAdmissionReview } from '../../../../src/core/admission/review.ts';
import type { ServingCredentials } from '../../../../src/ports/certificate-source.ts';
import { deadlineMs, type MutateHandler } from '../../../../src/webhook/mutate-handler.ts';
import {
  startWebhookServer,
  type ConnectionLimits,
  type WebhookServer,
} from '../../../../src/webhook/webhook-server.ts';
import { createAuthority, createClientCertificate } from '../../../support/latchkey/client-certificate.ts';
import { recordingLogger } from '../../certs/support.ts';

let first: ServingCredentials;
let second: ServingCredentials;
let server: WebhookServer;
let agent: Agent;

before(async () => {
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
  const issue = async (): Promise<ServingCredentials> => {
    const maker = { issue: issueInWorker, names, nowMs: Date.now() };
    return servingCredentials(parseCertificateSet(await newEntries(maker, AbortSignal.timeout(30_000))));
  };
  [first, second] = await Promise.all([issue(), issue()]);
});

afterEach(async () => {
  agent.destroy();
  await server.stop(0);
});

const echo: MutateHandler = async (body, timeout) => ({ echoed: body, timeout }) as never;

async function start(
  handle: MutateHandler = echo,
  logger = recordingLogger(),
  more: { readonly clientAuthorityPem?: string; readonly limits?: ConnectionLimits } = {},
): Promise<void> {
  agent = new Agent({ keepAlive: true, maxSockets: 1, ca: [first.caBundlePem, second.caBundlePem].join('\n') });
  server = await startWebhookServer({ port: 0, host: '127.0.0.1', credentials: first, handle, logger, ...more });
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly fingerprint: string;
}

function post(
  path = `/${first.pathSegment}/mutate?timeout=8s`,
  body = '{}',
  headers: Record<string, string> = { 'content-type': 'application/json' },
  method = 'POST',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: server.port, servername: 'localhost', agent, method, path, headers },
      (incoming) => {
        const fingerprint = (incoming.socket as import('node:tls').TLSSocket).getPeerCertificate().fingerprint256;
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text, fingerprint }));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

describe('the webhook’s port', () => {
  it('hands body and timeout on, and answers what comes back', async () => {
    await start();
    const { status, text } = await post(undefined, '{"ü":1}');
    assert.deepEqual([status, JSON.parse(text)], [200, { echoed: '{"ü":1}', timeout: '8s' }]);
  });

  it('takes a content type with parameters, as the standard allows', async () => {
    await start();
    assert.equal((await post(undefined, '{}', { 'content-type': 'application/json; charset=utf-8' })).status, 200);
  });

  const unknown = ['/mutate', '//mutate', '/%00/mutate', '/x/mutate?timeout=8s', '/', '/healthz', '/metrics'];
  for (const path of unknown) {
    it(`answers 404 and nothing else at ${path}`, async () => {
      await start(() => assert.fail('nobody may be asked'));
      const { status, text } = await post(path);
      assert.deepEqual([status, text], [404, '']);
    });
  }

  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    it(`answers 404 to ${method}`, async () => {
      await start(() => assert.fail('nobody may be asked'));
      assert.equal((await post(undefined, '', {}, method)).status, 404);
    });
  }

  it('says in one line what is wrong with a body, and quotes nothing', async () => {
    await start(() => Promise.reject(new NotAnAdmissionReview('the body is not JSON')));
    const { status, text } = await post(undefined, 'planted');
    assert.deepEqual([status, text], [400, 'the body is not JSON\n']);
  });

  it('answers a bug of ours with 500 and no text, and logs it', async () => {
    const logger = recordingLogger();
    await start(() => Promise.reject(new Error('planted')), logger);
    const { status, text } = await post();
    assert.deepEqual([status, text], [500, '']);
    assert.equal(logger.lines.length, 1);
  });

  it('lives on after a client that hangs up in the middle, and logs nothing', async () => {
    const logger = recordingLogger();
    await start(echo, logger);
    await new Promise<void>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': '1000' };
      const path = `/${first.pathSegment}/mutate`;
      const outgoing = request({
        host: '127.0.0.1',
        port: server.port,
        servername: 'localhost',
        agent,
        method: 'POST',
        path,
        headers,
      });
      outgoing.on('error', () => resolve());
      outgoing.on('response', () => reject(new Error('an answer to half a request')));
      outgoing.write('{"half":', () => setTimeout(() => outgoing.destroy(new Error('hung up')), 20));
    });
    assert.equal((await post()).status, 200);
    assert.deepEqual(logger.lines, []);
  });

  it('lives on after bytes that are no TLS', async () => {
    await start();
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.end('GET / HTTP/1.1\r\n\r\n'));
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
      socket.resume();
    });
    assert.equal((await post()).status, 200);
  });
});

describe('new certificates', () => {
  it('are shown to new connections, while open ones go on', async () => {
    await start();
    const before = await post();
    server.reload({ ...second, pathSegment: first.pathSegment });
    assert.equal((await post()).fingerprint, before.fingerprint, 'the open connection');
    agent.destroy();
    assert.notEqual((await post()).fingerprint, before.fingerprint);
  });

  it('bring their path with them', async () => {
    await start();
    server.reload(second);
    assert.equal((await post()).status, 404);
    assert.equal((await post(`/${second.pathSegment}/mutate`)).status, 200);
  });
});

describe('a drain', () => {
  it('lets a request in flight finish, and takes no new ones', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    await start(async () => {
      arrive();
      await promise;
      return { done: true } as never;
    });
    const inFlight = post();
    await arrived;
    const stopped = server.stop(5_000);
    const refused = new Agent({ ca: first.caBundlePem });
    await assert.rejects(
      new Promise((answered, reject) => {
        request({ host: '127.0.0.1', port: server.port, servername: 'localhost', agent: refused }, answered)
          .on('error', reject)
          .end();
      }),
      /ECONNREFUSED/,
    );
    resolve();
    assert.equal((await inFlight).status, 200);
    await stopped;
  });

  it('cuts what takes longer than the grace', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    await start(() => {
      arrive();
      return new Promise(() => undefined);
    });
    const inFlight = post();
    await arrived;
    await Promise.all([assert.rejects(inFlight, /hang up|ECONNRESET/), server.stop(20)]);
  });
});

describe('the time for the work', () => {
  const cases: readonly [timeout: string | undefined, ms: number][] = [
    ['8s', 6_750],
    ['10s', 8_750],
    ['30s', 28_750],
    ['1m', 28_750],
    [undefined, 8_750],
    ['soon', 8_750],
    ['-1s', 8_750],
    ['0s', 8_750],
    ['1s', 250],
    ['1500ms', 250],
  ];
  for (const [timeout, ms] of cases) {
    it(`is ${ms} ms for a timeout of ${timeout ?? 'nothing'}`, () => assert.equal(deadlineMs(timeout), ms));
  }
});

/** A connection that is only held, and how it ends. */
function hold(): Socket & { readonly ended: Promise<void> } {
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
  return Object.assign(socket, { ended: new Promise<void>((resolve) => socket.once('close', () => resolve())) });
}

describe('a caller who takes its time', () => {
  const limits: ConnectionLimits = { handshakeMs: 200, headersMs: 200, requestMs: 400, mostConnections: 2_048 };

  beforeEach(() => start(echo, recordingLogger(), { limits }));

  it('with the TLS handshake is cut off', async () => {
    await hold().ended;
  });

  it('with the first byte of a request is cut off', async () => {
    const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => undefined).resume();
    await new Promise((resolve) => socket.once('close', resolve));
  });

  for (const [what, head] of [
    ['headers', 'POST / HTTP/1.1\r\nhost: localhost\r\n'],
    [
      'a body',
      'POST /PATH HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n',
    ],
    [
      'a body without end',
      'POST /PATH HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    ],
  ] as const) {
    it(`with ${what}, a byte at a time, is cut off`, async () => {
      const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
      socket.on('error', () => undefined).resume();
      socket.write(head.replace('PATH', `${first.pathSegment}/mutate`));
      const byte = head.includes('chunked') ? '1\r\nx\r\n' : 'x';
      const drip = setInterval(() => socket.write(byte), 20);
      await new Promise((resolve) => socket.once('close', resolve));
      clearInterval(drip);
      assert.equal((await post()).status, 200, 'others are served');
    });
  }
});

describe('more connections than may be', () => {
  const limits: ConnectionLimits = { handshakeMs: 60_000, headersMs: 60_000, requestMs: 60_000, mostConnections: 20 };

  it('cost the oldest of those that asked for nothing, and never the API server’s', async () => {
    await start(echo, recordingLogger(), { limits });
    assert.equal((await post()).status, 200);
    const [connection] = Object.values(agent.freeSockets).flat();
    const held = Array.from({ length: 30 }, hold);
    await Promise.all(held.slice(0, 10).map(({ ended }) => ended));
    assert.equal((await post()).status, 200);
    assert.equal(Object.values(agent.freeSockets).flat()[0], connection, 'it goes on over its old connection');
    const another = new Agent({ ca: first.caBundlePem });
    agent.destroy();
    agent = another;
    assert.equal((await post()).status, 200, 'and a new one finds room');
    for (const socket of held) socket.destroy();
  });
});

describe('a server that verifies its callers', () => {
  const showing = (shown: object): void => {
    agent.destroy();
    agent = new Agent({ maxSockets: 1, ca: first.caBundlePem, ...shown });
  };

  it('hears those with a certificate of its authorities only, and follows a change of them', async () => {
    const [ours, theirs] = await Promise.all([createAuthority(), createAuthority()]);
    const [known, stranger] = [createClientCertificate(ours), createClientCertificate(theirs)];
    let asked = 0;
    const counting: MutateHandler = (...args) => ((asked += 1), echo(...args));
    await start(counting, recordingLogger(), { clientAuthorityPem: ours.certificatePem });
    showing(known);
    assert.equal((await post()).status, 200);
    for (const other of [{}, stranger]) {
      showing(other);
      await assert.rejects(post(), /alert|ECONNRESET|socket hang up/i);
    }
    server.trustCallersOf(theirs.certificatePem);
    showing(stranger);
    assert.equal((await post()).status, 200);
    server.reload(second);
    agent.destroy();
    agent = new Agent({ maxSockets: 1, ca: second.caBundlePem, ...known });
    await assert.rejects(post(`/${second.pathSegment}/mutate`), /alert|ECONNRESET|socket hang up/i);
    assert.equal(asked, 2);
  });
});
