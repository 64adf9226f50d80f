import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { issueInWorker } from '../../../certs/issue.ts';
import type { Issued } from '../../../certs/issuing.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { kubectlOrThrow } from '../control-plane/kubectl.ts';

const DAY_MS = 86_400_000;

/** How something that stands at the webhook's address behaves. */
export interface Behaviour {
  /** What it answers, after `delayMs`; given the request's uid. */
  readonly answer: (uid: string) => string;
  readonly delayMs?: number;
  readonly hasExpired?: boolean;
}

export interface Imposter extends AsyncDisposable {
  /** Reviews that it was asked for. */
  readonly asked: () => number;
}

/** Puts something else in the place of the registered webhook, with certificates of its own. Latchkey must be dead: it would repair it. */
export async function startImposter(controlPlane: ControlPlane, behaviour: Behaviour): Promise<Imposter> {
  const issued = await issue(behaviour.hasExpired === true);
  let asked = 0;
  const sockets = new Set<Duplex>();
  const server = createServer(
    { cert: issued.leaf?.certificatePem, key: issued.leaf?.privateKeyPem },
    (incoming, outgoing) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      incoming.on('end', () => {
        asked += 1;
        const { uid } = (JSON.parse(body) as { request: { uid: string } }).request;
        setTimeout(() => {
          outgoing.writeHead(200, { 'content-type': 'application/json' }).end(behaviour.answer(uid));
        }, behaviour.delayMs ?? 0).unref();
      });
    },
  );
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await register(controlPlane, server, issued.issuer.certificatePem);
  return {
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function issue(hasExpired: boolean): Promise<Issued> {
  const nowMs = Date.now();
  const valid = { notBeforeMs: nowMs - 2 * DAY_MS, notAfterMs: nowMs + DAY_MS };
  const validity = hasExpired ? { ...valid, notAfterMs: nowMs - DAY_MS } : valid;
  const leaf = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], validity };
  return issueInWorker({ issuer: valid, leaf }, AbortSignal.timeout(30_000));
}

async function register(controlPlane: ControlPlane, server: Server, certificateAuthority: string): Promise<void> {
  const clientConfig = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/mutate`,
    caBundle: Buffer.from(certificateAuthority).toString('base64'),
  };
  const patch = JSON.stringify([{ op: 'replace', path: '/webhooks/0/clientConfig', value: clientConfig }]);
  await kubectlOrThrow(controlPlane, ['patch', 'mutatingwebhookconfiguration', 'latchkey', '--type=json', '-p', patch]);
}
