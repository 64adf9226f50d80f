import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { AdmissionResponse } from '../../src/api/admission.ts';
import type { Pod } from '../../src/api/kubernetes.ts';
import type { RunningServer } from '../../src/serve.ts';

const TIMEOUT_MS = 8_000;

/** Asks about the creation of a pod the way an API server does: HTTPS, the registered CA and path, `?timeout=8s`. */
export function sendReview(server: RunningServer, pod: Pod): Promise<AdmissionResponse> {
  const { caBundlePem, pathSegment } = server.credentials();
  const body = JSON.stringify(reviewOf(pod));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port: server.webhookPort, method: 'POST', ca: caBundlePem, servername: 'localhost' },
        path: `/${pathSegment}/mutate?timeout=8s`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (incoming) => void readAnswer(incoming).then(resolve, reject),
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function readAnswer(incoming: IncomingMessage): Promise<AdmissionResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  if (incoming.statusCode !== 200) throw new Error(`the webhook answered ${incoming.statusCode}: ${text}`);
  return (JSON.parse(text) as { response: AdmissionResponse }).response;
}

function reviewOf(pod: Pod): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: randomUUID(),
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      name: pod.metadata.name,
      namespace: pod.metadata.namespace,
      operation: 'CREATE',
      object: pod,
      dryRun: false,
    },
  };
}
