/** Two Latchkey processes over one API server: whichever writes last, an older value never replaces a newer one. */
import assert from 'node:assert/strict';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { CreateSecretCommand, PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { askAboutPod, readRegistration, type Registered } from '../support/latchkey/webhook-client.ts';
import { AWS_KEYS, awsWriter } from '../support/moto/aws-writer.ts';
import { startMoto, type Moto } from '../support/moto/moto.ts';
import { waitUntil } from '../support/process/wait-until.ts';

/** Stands between a process and moto, and keeps moto's answers back while it is told to. */
class HoldingProxy {
  readonly #target: string;
  readonly #server: Server;
  readonly #held: (() => void)[] = [];
  #isHolding = false;
  #answers = 0;

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, outgoing) => this.#forward(incoming, outgoing));
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get heldAnswers(): number {
    return this.#held.length;
  }

  get answers(): number {
    return this.#answers;
  }

  hold(): void {
    this.#isHolding = true;
  }

  release(): void {
    this.#isHolding = false;
    for (const send of this.#held.splice(0)) send();
  }

  stop(): void {
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url = '/', headers } = incoming;
    const onward = request(
      `${this.#target}${url}`,
      { method, headers, signal: AbortSignal.timeout(10_000) },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const send = (): void => {
            this.#answers += 1;
            outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(chunks));
          };
          if (this.#isHolding) this.#held.push(send);
          else send();
        });
      },
    );
    onward.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(onward);
  }
}

let controlPlane: ControlPlane;
let moto: Moto;
let aws: SecretsManagerClient;
let proxy: HoldingProxy;
let slow: LatchkeyProcess;
let quick: LatchkeyProcess;
let registered: Registered;

const ask = ({ webhookPort }: LatchkeyProcess, pod: make.Manifest) => askAboutPod(registered, webhookPort, 'race', pod);
const create = (name: string, value: string) => aws.send(new CreateSecretCommand({ Name: name, SecretString: value }));
const change = (name: string, value: string) =>
  aws.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }));

async function storedValue(name: string): Promise<string> {
  const secret = JSON.parse(
    await kubectlOrThrow(controlPlane, ['get', 'secret', name, '-n', 'race', '-o', 'json']),
  ) as {
    data: Record<string, string>;
  };
  return Buffer.from(secret.data['key'] ?? '', 'base64').toString();
}

before(async () => {
  [controlPlane, moto] = await Promise.all([startControlPlane({ users: [LATCHKEY_USER] }), startMoto()]);
  await installLatchkey(controlPlane);
  proxy = new HoldingProxy(moto.endpoint);
  const proxyUrl = await proxy.start();
  aws = awsWriter(moto.endpoint);
  slow = await startLatchkey(controlPlane, { name: 'slow', env: { AWS_SECRETSMANAGER_ENDPOINT: proxyUrl } });
  quick = await startLatchkey(controlPlane, {
    name: 'quick',
    args: ['--no-register'],
    env: { AWS_SECRETSMANAGER_ENDPOINT: moto.endpoint },
  });
  registered = await readRegistration(controlPlane);
  const input = make.toYamlDocuments(
    make.namespace('race'),
    make.credentialsSecret('aws-credentials', AWS_KEYS, 'race'),
    make.awsStore('store', 'race'),
    make.externalSecret({ name: 'made', namespace: 'race', data: { key: 'race/made' } }),
    make.externalSecret({ name: 'changed', namespace: 'race', data: { key: 'race/changed' } }),
  );
  await kubectlOrThrow(controlPlane, ['apply', '-f', '-'], { input });
});

after(async () => {
  proxy?.stop();
  await Promise.all([slow?.stop(), quick?.stop()]);
  aws?.destroy();
  await Promise.all([controlPlane?.stop(), moto?.stop()]);
});

describe('two processes that materialise one Secret at once, one of them with an older value', () => {
  async function race(name: string, pod: make.Manifest): Promise<void> {
    proxy.hold();
    const older = ask(slow, pod);
    await waitUntil(() => proxy.heldAnswers > 0, { what: 'the older value to be on its way', timeoutMs: 5_000 });
    await change(`race/${name}`, 'not-real-newer');
    assert.equal((await ask(quick, pod)).allowed, true);
    assert.equal(await storedValue(name), 'not-real-newer');
    const answersBefore = proxy.answers;
    proxy.release();
    assert.equal((await older).allowed, true);
    assert.equal(await storedValue(name), 'not-real-newer');
    assert.ok(proxy.answers >= answersBefore + 2, 'the loser fetched again');
  }

  it('leave the newer one when both make it', async () => {
    await create('race/made', 'not-real-older');
    await race('made', make.podWith('web', 'race', 'made', ['key']));
  });

  it('leave the newer one when both change it', async () => {
    await create('race/changed', 'not-real-first');
    const pod = make.podWith('web', 'race', 'changed', ['key'], { annotations: { 'latchkey.dev/max-age': '0s' } });
    assert.equal((await ask(quick, pod)).allowed, true);
    await change('race/changed', 'not-real-older');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await race('changed', pod);
  });
});
