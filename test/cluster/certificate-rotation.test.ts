/** New certificates while pods are created all the time: the API server reaches the webhook for every single one. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { parseCertificateSet, type Entries } from '../../certs/certificate-set.ts';
import { issueInWorker } from '../../certs/issue.ts';
import { rotatedEntries } from '../../certs/rotate.ts';
import type { RotationStep } from '../../certs/rotation.ts';
import { startControlPlane, type ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import { installLatchkey, LATCHKEY_USER } from '../support/latchkey/install.ts';
import { startLatchkey, type LatchkeyProcess } from '../support/latchkey/latchkey-process.ts';
import * as make from '../support/latchkey/manifests.ts';
import { PodClient } from '../support/latchkey/pod-client.ts';
import { readRegistration } from '../support/latchkey/webhook-client.ts';
import { waitUntil } from '../support/process/wait-until.ts';

const CLIENTS = 4;
/** Latchkey looks at the stored set every 10 s. */
const NOTICED_WITHIN_MS = 25_000;
const SECRET = ['secret', 'latchkey-webhook', '-n', 'latchkey-system'];

let controlPlane: ControlPlane;
let latchkey: LatchkeyProcess;

before(async () => {
  controlPlane = await startControlPlane({ users: [LATCHKEY_USER] });
  await installLatchkey(controlPlane);
  latchkey = await startLatchkey(controlPlane);
  const serviceAccount = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'load' } };
  const input = make.toYamlDocuments(
    make.namespace('load'),
    serviceAccount,
    make.fakeStore('store', 'load', { 'prod/db': 'not-a-real-password' }),
    make.externalSecret({ name: 'db', namespace: 'load', data: { password: 'prod/db' } }),
  );
  await kubectlOrThrow(controlPlane, ['apply', '-f', '-'], { input });
});

after(async () => {
  await latchkey?.stop();
  await controlPlane?.stop();
});

async function readEntries(): Promise<Entries> {
  const secret = JSON.parse(await kubectlOrThrow(controlPlane, ['get', ...SECRET, '-o', 'json'])) as {
    data: Record<string, string>;
  };
  return Object.fromEntries(
    Object.entries(secret.data).map(([name, text]) => [name, Buffer.from(text, 'base64').toString()]),
  );
}

async function writeEntries(entries: Entries): Promise<void> {
  const data = Object.fromEntries(
    Object.entries(entries).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
  );
  const patch = JSON.stringify([{ op: 'replace', path: '/data', value: data }]);
  await kubectlOrThrow(controlPlane, ['patch', ...SECRET, '--type=json', '-p', patch]);
}

/** Takes one step of a rotation, as another replica would that found it due. */
async function rotate(step: Exclude<RotationStep, 'none'>): Promise<Entries> {
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
  const maker = { issue: issueInWorker, names, nowMs: Date.now() };
  const entries = await rotatedEntries(
    parseCertificateSet(await readEntries()),
    step,
    maker,
    AbortSignal.timeout(20_000),
  );
  await writeEntries(entries);
  return entries;
}

/** SHA-256 of the certificate that new connections are shown. */
function servedFingerprint(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: latchkey.webhookPort, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

const fingerprintOf = (entries: Entries): string => parseCertificateSet(entries).leaf.fingerprint256;

const served = (fingerprint: string): Promise<void> =>
  waitUntil(async () => (await servedFingerprint()) === fingerprint, {
    what: 'the new certificate to be served',
    timeoutMs: NOTICED_WITHIN_MS,
  });

describe('certificates rotated under load', () => {
  it('cost no admission: leaf, then CA introduced, then CA switched', async () => {
    const creator = new PodClient(controlPlane, CLIENTS);
    const unseen: string[] = [];
    let created = 0;
    const over = new AbortController();
    const client = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const name = `web-${created}`;
        created += 1;
        const body = Buffer.from(JSON.stringify(make.podWith(name, 'load', 'db', ['password'])));
        const { answer } = await creator.create({ namespace: 'load', body });
        const pod = JSON.parse(answer.toString()) as { metadata: { annotations?: Record<string, string> } };
        // failurePolicy is Ignore: a webhook that was not reached leaves a pod without a status, not an error.
        if (pod.metadata.annotations?.['latchkey.dev/status'] !== 'fresh') unseen.push(name);
        // Pauses leave the API server time to open new connections as it likes.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const load = Promise.all(Array.from({ length: CLIENTS }, client));
    try {
      await served(fingerprintOf(await rotate('renew-leaf')));

      await rotate('introduce-ca');
      const bundled = async (): Promise<number> =>
        (await readRegistration(controlPlane)).certificateAuthority.match(/BEGIN CERTIFICATE/g)?.length ?? 0;
      await waitUntil(async () => (await bundled()) === 2, {
        what: 'two CAs in the bundle',
        timeoutMs: NOTICED_WITHIN_MS,
      });
      await waitUntil(async () => 'next-ca-published' in (await readEntries()), {
        what: 'the note that both CAs are published',
        timeoutMs: NOTICED_WITHIN_MS,
      });

      // The wait of a minute after publication is over all at once.
      const before = await servedFingerprint();
      const published = new Date(Date.now() - 120_000).toISOString();
      await writeEntries({ ...(await readEntries()), 'next-ca-published': published });
      await waitUntil(async () => (await servedFingerprint()) !== before, {
        what: 'a leaf under the new CA',
        timeoutMs: NOTICED_WITHIN_MS,
      });
    } finally {
      over.abort();
      await load;
      creator.close();
    }
    assert.ok(created > 100, `only ${created} pods were created`);
    assert.deepEqual(unseen, []);
  });
});
