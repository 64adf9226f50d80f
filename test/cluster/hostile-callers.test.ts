/** A real Latchkey process against callers who want it to act, to stop, or to fall over; and one that hears its API server only. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl, kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { createAuthority, createClientCertificate } from '../support/latchkey/client-certificate.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { providerCalls, startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { askAboutPod, readRegistration, reviewOf, type Registered } from '../support/latchkey/webhook-client.ts';
import { waitUntil } from '../support/process/wait-until.ts';

let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;
let registered: Registered;
let directory: string;
let caller: { readonly cert: string; readonly key: string };

const pod = make.podWith('web', 'open', 'db', ['password']);
const body = (change: object = {}, top: object = {}): string => {
  const review = reviewOf('open', pod) as { request: object };
  return JSON.stringify({ ...review, ...top, request: { ...review.request, ...change } });
};

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One POST to the webhook's handler, with our certificate unless told otherwise. */
function post(text: string | Buffer, options: RequestOptions = {}): Promise<Answer> {
  const { certificateAuthority: ca, path } = registered;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port: latchkey.webhookPort, servername: 'localhost', path, method: 'POST', ca },
        ...{ headers: { 'content-type': 'application/json' }, signal: AbortSignal.timeout(10_000), agent: false },
        ...caller,
        ...options,
      },
      (incoming) => {
        let answer = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: answer }));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

const create = (name: string, metadata: make.Manifest = {}): Promise<{ exitCode: number | null; stderr: string }> =>
  kubectl(controlPlane, ['create', '-f', '-'], { input: make.podWith(name, 'open', 'db', ['password'], metadata) });

/** Sockets and files that the process has open. */
const openHandles = async (): Promise<number> => (await readdir(`/proc/${latchkey.child.pid}/fd`)).length;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'latchkey-callers-'));
  const authority = await createAuthority();
  caller = createClientCertificate(authority);
  const file = (name: string): string => join(directory, name);
  await writeFile(file('ca.crt'), authority.certificatePem);
  await writeFile(file('client.crt'), caller.cert);
  await writeFile(file('client.key'), caller.key, { mode: 0o600 });
  const user = { 'client-certificate': file('client.crt'), 'client-key': file('client.key') };
  await writeFile(
    file('kubeconfig'),
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: '*', user }] }),
  );
  const plugin = (name: string): object => ({
    name,
    configuration: {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'WebhookAdmissionConfiguration',
      kubeConfigFile: file('kubeconfig'),
    },
  });
  await writeFile(
    file('admission'),
    JSON.stringify({
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AdmissionConfiguration',
      plugins: [plugin('MutatingAdmissionWebhook')],
    }),
  );
  controlPlane = await startControlPlane({
    users: [LATCHKEY_USER],
    apiServerFlags: [`--admission-control-config-file=${file('admission')}`],
  });
  await installLatchkey(controlPlane);
  latchkey = await startLatchkey(controlPlane, { args: ['--client-ca', file('ca.crt')] });
  registered = await readRegistration(controlPlane);
  const inBoth = ['open', 'closed'].flatMap((namespace) => [
    make.namespace(namespace, namespace === 'open' ? { 'latchkey.dev/injection': 'enabled' } : {}),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } },
    make.fakeStore('store', namespace, { 'prod/db': 'not-real' }),
    make.externalSecret({ name: 'db', namespace, data: { password: 'prod/db' } }),
  ]);
  await kubectlOrThrow(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...inBoth) });
  const reserved = ['latchkey-system', 'kube-system'];
  await kubectlOrThrow(controlPlane, ['label', 'namespace', ...reserved, 'latchkey.dev/injection=enabled']);
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true });
});

describe('a webhook that verifies its callers', () => {
  it('serves the pods of an API server that shows its certificate', async () => {
    const { exitCode, stderr } = await create('first');
    assert.deepEqual([exitCode, stderr], [0, '']);
    const made = await kubectlOrThrow(controlPlane, ['get', 'pod', 'first', '-n', 'open', '-o', 'json']);
    assert.ok(made.includes('"latchkey.dev/status": "fresh"'));
  });

  it('does not hear a caller without one, even with the path', async () => {
    await assert.rejects(askAboutPod(registered, latchkey.webhookPort, 'open', pod), /alert|ECONNRESET|hang up/i);
  });

  it('does not hear a caller with one of another authority', async () => {
    await assert.rejects(post(body(), createClientCertificate(await createAuthority())), /alert|ECONNRESET|hang up/i);
  });
});

describe('a review that is not what it should be', () => {
  const untouched = (answer: Answer): void => {
    const { response } = JSON.parse(answer.text) as { response: { allowed: boolean; patch?: string } };
    assert.deepEqual([answer.status, response.allowed, response.patch], [200, true, undefined]);
  };

  const ignored: Readonly<Record<string, () => string>> = {
    'about a Secret': () => body({ resource: { group: '', version: 'v1', resource: 'secrets' } }),
    'about pods of another group': () => body({ resource: { group: 'example.com', version: 'v1', resource: 'pods' } }),
    'about a deletion': () => body({ operation: 'DELETE', object: null }),
    'with an object that is no pod': () => body({ object: ['web'] }),
    'of a namespace that is not labelled': () => body({ namespace: 'closed' }),
    'of no namespace': () => body({ namespace: undefined }),
    'of Latchkey’s own namespace, though somebody has labelled it': () => body({ namespace: 'latchkey-system' }),
    'of the system’s namespace, though somebody has labelled it': () => body({ namespace: 'kube-system' }),
    'of a namespace that does not exist': () => body({ namespace: '../open' }),
    'whose pod says that it belongs to a labelled namespace': () =>
      body({ namespace: 'closed', object: { ...pod, metadata: { name: 'web', namespace: 'open' } } }),
  };
  for (const [what, text] of Object.entries(ignored)) {
    it(`${what} is allowed untouched, and nothing is asked or written`, async () => {
      const callsBefore = await providerCalls(latchkey);
      untouched(await post(text()));
      assert.equal(await providerCalls(latchkey), callsBefore);
      const inClosed = await kubectlOrThrow(controlPlane, ['get', 'secrets', '-n', 'closed', '-o', 'name']);
      assert.equal(inClosed, '');
    });
  }

  it('whose pod says that it belongs elsewhere is judged by the namespace of the request', async () => {
    const object = { ...pod, metadata: { name: 'web', namespace: 'closed' } };
    const { text } = await post(body({ object }));
    assert.match(
      Buffer.from(JSON.parse(text).response.patch as string, 'base64').toString(),
      /"latchkey.dev\/status":"fresh"/,
    );
    assert.equal(await kubectlOrThrow(controlPlane, ['get', 'secrets', '-n', 'closed', '-o', 'name']), '');
  });

  it('is answered with its own uid, whatever that is', async () => {
    for (const uid of ['x', '../../etc', '0'.repeat(10_000)]) {
      assert.equal((JSON.parse((await post(body({ uid }))).text) as { response: { uid: string } }).response.uid, uid);
    }
  });

  const refused: Readonly<Record<string, [text: () => string, status: number, answer: string]>> = {
    'of another kind': [
      () => body({}, { kind: 'TokenReview' }),
      400,
      'the body is not an AdmissionReview of admission.k8s.io/v1\n',
    ],
    'of another version': [
      () => body({}, { apiVersion: 'admission.k8s.io/v1beta1' }),
      400,
      'the body is not an AdmissionReview of admission.k8s.io/v1\n',
    ],
    'without a uid': [() => body({ uid: undefined }), 400, 'request.uid of the AdmissionReview is missing\n'],
    'that is cut': [() => body().slice(0, -20), 400, 'the body is not JSON\n'],
    'of ten mebibytes': [() => body({ padding: 'x'.repeat(10 * 1024 * 1024) }), 413, 'the request body is too large\n'],
    'a hundred thousand levels deep': [
      () => `{"request":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      400,
      'the body is not an AdmissionReview of admission.k8s.io/v1\n',
    ],
  };
  for (const [what, [text, status, answer]] of Object.entries(refused)) {
    it(`${what} is refused in one line`, async () => {
      // Whoever sends more than may be sent can have its connection reset before the answer is read.
      const given = await post(text()).catch((error: unknown) =>
        status === 413 ? String(error) : Promise.reject(error),
      );
      if (typeof given === 'string') assert.match(given, /ECONNRESET|EPIPE/);
      else assert.deepEqual(given, { status, text: answer });
    });
  }
});

describe('annotations that only Latchkey writes', () => {
  it('are made anew on a pod that brings its own', async () => {
    const annotations = { 'latchkey.dev/status': 'fresh', 'latchkey.dev/secrets': '{"db":"0000000000000000"}' };
    const { exitCode } = await create('forged', { annotations });
    assert.equal(exitCode, 0);
    const [forged, honest] = await Promise.all(
      ['forged', 'first'].map(async (name) => {
        const text = await kubectlOrThrow(controlPlane, ['get', 'pod', name, '-n', 'open', '-o', 'json']);
        return (JSON.parse(text) as { metadata: { annotations: Record<string, string> } }).metadata.annotations;
      }),
    );
    assert.deepEqual(forged, honest);
  });

  it('save no pod from waiting for its Secret', async () => {
    const annotations = { 'latchkey.dev/status': 'fresh' };
    const text = body({ object: { ...make.podWith('web', 'open', 'nobody-makes-it', ['key'], { annotations }) } });
    const { response } = JSON.parse((await post(text)).text) as { response: { patch: string } };
    assert.match(Buffer.from(response.patch, 'base64').toString(), /"pending"/);
  });
});

describe('callers who hold connections', () => {
  it('by the thousand keep nobody else waiting, and leave nothing behind', async () => {
    const before = await openHandles();
    const options = { port: latchkey.webhookPort, host: '127.0.0.1' };
    const silent = Array.from({ length: 600 }, (): Socket => connect(options));
    const shaken = Array.from({ length: 400 }, () => connectTls({ ...options, ...caller, rejectUnauthorized: false }));
    const all = [...silent, ...shaken];
    for (const socket of all) socket.on('error', () => undefined).resume();
    for (const socket of shaken) socket.write('POST / HTTP/1.1\r\nhost: localhost\r\n');
    try {
      await waitUntil(async () => (await openHandles()) >= before + 900, {
        what: 'a thousand connections',
        timeoutMs: 30_000,
      });
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        const { exitCode, stderr } = await create(`beside-${name}`);
        assert.deepEqual([exitCode, stderr], [0, '']);
      }
    } finally {
      for (const socket of all) socket.destroy();
    }
    await waitUntil(async () => (await openHandles()) <= before + 5, {
      what: 'the connections to be gone',
      timeoutMs: 30_000,
    });
  });

  it('and never say a word are sent away within seconds', async () => {
    const socket = connect({ port: latchkey.webhookPort, host: '127.0.0.1' });
    socket.on('error', () => undefined).resume();
    await new Promise((resolve) => socket.once('close', resolve));
  });
});

describe('callers who send a request a byte at a time', () => {
  const slow: Readonly<Record<string, [head: () => string, withinMs: number]>> = {
    'in its headers': [() => 'POST / HTTP/1.1\r\nhost: localhost\r\n', 15_000],
    'in its body, knowing the path': [
      () =>
        `POST ${registered.path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`,
      40_000,
    ],
  };
  for (const [where, [head, withinMs]] of Object.entries(slow)) {
    it(`${where} are sent away, and pods go on meanwhile`, async () => {
      const sockets = Array.from({ length: 100 }, () => {
        const options = { port: latchkey.webhookPort, host: '127.0.0.1', ...caller, rejectUnauthorized: false };
        const socket = connectTls(options).on('error', () => undefined);
        socket.resume().write(head());
        return socket;
      });
      const closed = sockets.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
      const drip = setInterval(() => {
        for (const socket of sockets) if (socket.writable) socket.write('x');
      }, 500);
      try {
        const { exitCode, stderr } = await create(`meanwhile-${withinMs}`);
        assert.deepEqual([exitCode, stderr], [0, '']);
        const timeout = new Promise((_, reject) => {
          const tooLate = (): void => reject(new Error(`a connection was still open after ${withinMs} ms`));
          setTimeout(tooLate, withinMs).unref();
        });
        await Promise.race([Promise.all(closed), timeout]);
      } finally {
        clearInterval(drip);
        for (const socket of sockets) socket.destroy();
      }
    });
  }
});

describe('after all of this', () => {
  it('the process is the same, and has logged no bug', async () => {
    assert.equal(latchkey.child.running, true);
    const { exitCode } = await create('last');
    assert.equal(exitCode, 0);
    const bugs = (await latchkey.output()).split('\n').filter((line) => line.includes('"level":50'));
    assert.deepEqual(bugs, []);
  });
});
