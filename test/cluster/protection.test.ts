/** What happens to those who should not get in, and to everybody else when Latchkey or a backend is down. */
import assert from 'node:assert/strict';
import { request as plainRequest } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectl } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { providerCalls, startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { readRegistration, reviewOf } from '../support/latchkey/webhook-client.ts';
import { findFreePort } from '../support/process/free-port.ts';
import { waitUntil } from '../support/process/wait-until.ts';

let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;
let path: string;
let certificateAuthority: string;

const apply = (...manifests: readonly make.Manifest[]) =>
  kubectl(controlPlane, ['apply', '-f', '-'], { input: make.toYamlDocuments(...manifests) });

const review = (namespace: string, pod: make.Manifest): string => JSON.stringify(reviewOf(namespace, pod));

/** Status and body of one POST to the webhook's port. */
function post(to: string, body: string, options: RequestOptions = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port: latchkey.webhookPort, path: to, method: 'POST', ca: certificateAuthority },
        headers: { 'content-type': 'application/json' },
        servername: 'localhost',
        signal: AbortSignal.timeout(5_000),
        ...options,
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

before(async () => {
  controlPlane = await startControlPlane({ controllerManager: true, users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  // A port where nothing listens: the backend that is down.
  const downPort = await findFreePort();
  latchkey = await startLatchkey(controlPlane, {
    env: { AWS_SECRETSMANAGER_ENDPOINT: `http://127.0.0.1:${downPort}` },
  });
  ({ path, certificateAuthority } = await readRegistration(controlPlane));
  await apply(
    make.namespace('open'),
    make.namespace('closed', {}),
    ...['open', 'closed'].flatMap((ns) => [
      make.fakeStore('store', ns, { 'prod/db': 'not-a-real-password' }),
      make.externalSecret({ name: 'db', namespace: ns, data: { password: 'prod/db' } }),
    ]),
  );
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
});

describe('a caller who is not the API server', () => {
  const pod = make.podWith('web', 'open', 'db', ['password']);

  it('gets 404 without the path segment, and nothing is asked or written', async () => {
    const callsBefore = await providerCalls(latchkey);
    for (const guess of ['/mutate', '/x/mutate', `${path}/`, '/', path.replace('/mutate', '')]) {
      const { status, text } = await post(guess, review('open', pod));
      assert.deepEqual({ guess, status, text }, { guess, status: 404, text: '' });
    }
    assert.equal(await providerCalls(latchkey), callsBefore);
  });

  it('moves nothing for a namespace that is not opted in, even with the path', async () => {
    const callsBefore = await providerCalls(latchkey);
    const { status, text } = await post(path, review('closed', make.podWith('web', 'closed', 'db', ['password'])));
    assert.equal(status, 200);
    const { response } = JSON.parse(text) as { response: { allowed: boolean; patch?: string } };
    assert.deepEqual({ allowed: response.allowed, patch: response.patch }, { allowed: true, patch: undefined });
    assert.equal(await providerCalls(latchkey), callsBefore);
    assert.equal((await kubectl(controlPlane, ['get', 'secret', 'db', '-n', 'closed'])).exitCode, 1);
  });

  const bodies: Readonly<Record<string, { body: string; type?: string; status: number }>> = {
    'not JSON': { body: '{"password": "not-a-real-password', status: 400 },
    'JSON of another kind': { body: '{"kind":"Pod"}', status: 400 },
    'a review without a request': {
      body: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
      status: 400,
    },
    'a form': { body: 'a=b', type: 'application/x-www-form-urlencoded', status: 415 },
    '10 MiB': { body: `"${'x'.repeat(10 * 1024 * 1024)}"`, status: 413 },
  };
  for (const [what, { body, type = 'application/json', status }] of Object.entries(bodies)) {
    it(`is told so in one line for a body that is ${what}`, async () => {
      const answer = await post(path, body, { headers: { 'content-type': type } });
      assert.equal(answer.status, status);
      assert.doesNotMatch(answer.text, /not-a-real-password|xxxx/);
      assert.equal((await post(path, review('closed', pod))).status, 200, 'the process lives');
    });
  }

  it('is refused when it speaks plain HTTP', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const outgoing = plainRequest({ host: '127.0.0.1', port: latchkey.webhookPort, method: 'POST', path });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
    outgoing.on('response', (incoming) => resolve(`answered ${incoming.statusCode}`));
    outgoing.end(review('open', pod));
    assert.match(await promise, /ECONNRESET|EPIPE|HPE/);
  });

  it('finds a certificate that only the registered CA vouches for', async () => {
    await assert.rejects(post(path, review('open', pod), { ca: [controlPlane.certificateAuthority] }), /certificate/i);
  });

  it('cannot keep the webhook from others by holding connections open', async () => {
    const held = Array.from({ length: 50 }, () => connect(latchkey.webhookPort, '127.0.0.1'));
    try {
      const applied = await apply(make.podWith('beside-held', 'open', 'db', ['password']));
      assert.equal(applied.exitCode, 0, applied.stderr);
    } finally {
      for (const socket of held) socket.destroy();
    }
  });
});

describe('a backend that cannot be reached', () => {
  it('denies the pod within the deadline and leaves no Secret behind', async () => {
    await apply(
      make.credentialsSecret('aws-credentials', { id: 'fake-id', key: 'fake-key' }, 'open'),
      make.awsStore('down', 'open'),
      make.externalSecret({ name: 'unreachable', namespace: 'open', store: 'down', data: { key: 'prod/db' } }),
    );
    const startedAtMs = performance.now();
    const applied = await apply(make.podWith('waits', 'open', 'unreachable', ['key']));
    assert.ok(performance.now() - startedAtMs < 10_000);
    assert.match(
      applied.stderr,
      /ExternalSecret "unreachable" from SecretStore "down": .* \[Backend(Unavailable|Timeout)\]/,
    );
    assert.equal((await kubectl(controlPlane, ['get', 'secret', 'unreachable', '-n', 'open'])).exitCode, 1);
  });
});

describe('with Latchkey killed', () => {
  before(() => latchkey.child.stop(0));

  it('a pod that asks for injection is denied by the API server itself, with what to check', async () => {
    const annotations = { annotations: { 'latchkey.dev/max-age': '0s' } };
    const applied = await apply(make.podWith('injected', 'open', 'db', ['password'], annotations));
    assert.equal(applied.exitCode, 1);
    assert.match(applied.stderr, /ValidatingAdmissionPolicy 'latchkey-guard'.* denied request: .*kubectl/s);
  });

  it('an inline reference is denied, on a pod that opted out and one with a forged status too', async () => {
    const pods = {
      'opted-out': { labels: { 'latchkey.dev/injection': 'disabled' } },
      forged: { annotations: { 'latchkey.dev/status': 'fresh' } },
    };
    for (const [name, metadata] of Object.entries(pods)) {
      const pod = make.podWith(name, 'open', 'db', [], metadata);
      const env = [{ name: 'PASSWORD', value: 'latchkey://store/prod/db' }];
      const spec = { containers: [{ name: 'app', image: 'registry.example/app:1', env }] };
      const applied = await apply({ ...pod, spec });
      assert.equal(applied.exitCode, 1, name);
      assert.match(applied.stderr, /ValidatingAdmissionPolicy 'latchkey-guard'.* latchkey:\/\//s);
    }
  });

  it('an opted-out pod goes on whatever its annotations say', async () => {
    const metadata = {
      labels: { 'latchkey.dev/injection': 'disabled' },
      annotations: { 'latchkey.dev/max-age': '0s' },
    };
    const applied = await apply(make.podWith('opted-out-plain', 'open', 'db', ['password'], metadata));
    assert.equal(applied.exitCode, 0, applied.stderr);
  });

  it('breaking the glass lifts every denial', async () => {
    await apply(make.namespace('glass', { 'latchkey.dev/injection': 'enabled', 'latchkey.dev/break-glass': 'yes' }));
    const annotations = { annotations: { 'latchkey.dev/max-age': '0s' } };
    const create = () => apply(make.podWith('injected', 'glass', 'db', ['password'], annotations));
    await waitUntil(async () => (await create()).exitCode === 0, {
      what: 'the API server to know the namespace’s label and its ServiceAccount',
      timeoutMs: 10_000,
    });
  });

  it('an ordinary pod goes on, with a warning that the kubelet will wait', async () => {
    const applied = await apply(make.podWith('ordinary', 'open', 'db', ['password']));
    assert.equal(applied.exitCode, 0, applied.stderr);
    assert.match(applied.stderr, /Warning/);
  });

  it('pods of other namespaces notice nothing', async () => {
    const applied = await apply(make.podWith('elsewhere', 'closed', 'db', ['password']));
    assert.equal(applied.exitCode, 0, applied.stderr);
    assert.equal(applied.stderr, '');
  });
});

describe('failure mode', () => {
  const pods: Readonly<Record<string, (name: string) => make.Manifest>> = {
    ordinary: (name) => make.podWith(name, 'open', 'db', ['password']),
    demanding: (name) => make.podWith(name, 'open', 'db', [], { annotations: { 'latchkey.dev/max-age': '0s' } }),
    'without Secrets': (name) => make.podWith(name, 'open', 'db', []),
    'of an excluded namespace': (name) =>
      make.podWith(name, 'excluded', 'db', [], { annotations: { 'latchkey.dev/max-age': '0s' } }),
    'of another namespace': (name) => make.podWith(name, 'closed', 'db', []),
  };
  const denied: Readonly<Record<string, readonly string[]>> = {
    closed: ['demanding'],
    open: [],
    'closed-all': ['ordinary', 'demanding', 'without Secrets'],
    strict: ['ordinary', 'demanding', 'without Secrets'],
  };

  before(async () => {
    await apply(make.namespace('excluded'));
    await kubectl(controlPlane, ['wait', '--for=create', 'serviceaccount/default', '-n', 'excluded', '--timeout=20s']);
  });

  for (const [mode, kinds] of Object.entries(denied)) {
    it(`${mode} denies ${kinds.length === 0 ? 'no pod' : `pods that are ${kinds.join(', ')}`} while Latchkey is away`, async () => {
      const args = ['--failure-mode', mode, '--excluded-namespaces', 'excluded'];
      const away = await startLatchkey(controlPlane, { name: `mode-${mode}`, args });
      await away.stop();
      let round = 0;
      const decisions = async (): Promise<readonly string[]> => {
        round += 1;
        const answers = await Promise.all(
          Object.entries(pods).map(async ([kind, podOf], index) => {
            const args = ['create', '--dry-run=server', '-f', '-'];
            const { exitCode } = await kubectl(controlPlane, args, { input: podOf(`mode-${mode}-${round}-${index}`) });
            return exitCode === 0 ? [] : [kind];
          }),
        );
        return answers.flat();
      };
      // The API server follows the registration and the policies' parameter through caches of its own.
      await waitUntil(
        async () => {
          assert.deepEqual(await decisions(), kinds);
          return true;
        },
        { what: `mode ${mode} to be in force`, timeoutMs: 20_000, intervalMs: 500 },
      );
    });
  }

  it('nothing of which stands over a broken glass: Latchkey itself denies no pod there either', async () => {
    const back = await startLatchkey(controlPlane, { name: 'back' });
    try {
      const annotations = { annotations: { 'latchkey.dev/env-from': 'no-such', 'latchkey.dev/max-age': 'soon' } };
      const applied = await apply(make.podWith('emergency', 'glass', 'db', ['password'], annotations));
      assert.equal(applied.exitCode, 0, applied.stderr);
      assert.match(
        applied.stderr,
        /Warning: latchkey: admitted although pod "glass\/emergency".* \[InvalidAnnotation\]/,
      );
    } finally {
      await back.stop();
    }
  });
});
