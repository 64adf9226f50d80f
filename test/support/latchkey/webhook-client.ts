import { request } from 'node:https';
import type { AdmissionResponse } from '../../../src/api/admission.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { kubectlOrThrow } from '../control-plane/kubectl.ts';
import type { Manifest } from './manifests.ts';

const TIMEOUT_MS = 30_000;

/** What the API server knows of the webhook. */
export interface Registered {
  readonly certificateAuthority: string;
  /** With the secret segment. */
  readonly path: string;
}

export async function readRegistration(controlPlane: ControlPlane): Promise<Registered> {
  const configuration = JSON.parse(
    await kubectlOrThrow(controlPlane, ['get', 'mutatingwebhookconfiguration', 'latchkey', '-o', 'json']),
  ) as { webhooks: { clientConfig: { url: string; caBundle: string } }[] };
  const clientConfig = configuration.webhooks[0]?.clientConfig;
  return {
    certificateAuthority: Buffer.from(clientConfig?.caBundle ?? '', 'base64').toString(),
    path: new URL(clientConfig?.url ?? '').pathname,
  };
}

/** Asks one process about one new pod, as the API server would, whichever process is registered. */
export function askAboutPod(
  { certificateAuthority, path }: Registered,
  port: number,
  namespace: string,
  pod: Manifest,
): Promise<AdmissionResponse> {
  const body = JSON.stringify(reviewOf(namespace, pod));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port, path: `${path}?timeout=8s`, method: 'POST', ca: certificateAuthority },
        headers: { 'content-type': 'application/json' },
        servername: 'localhost',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          if (incoming.statusCode === 200) resolve((JSON.parse(text) as { response: AdmissionResponse }).response);
          else reject(new Error(`the webhook answered ${incoming.statusCode}: ${text}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export function reviewOf(namespace: string, pod: Manifest): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'b0a7c1de-0000-4000-8000-000000000000',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      operation: 'CREATE',
      namespace,
      object: pod,
    },
  };
}
