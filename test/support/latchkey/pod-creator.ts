import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parse } from 'yaml';
import type { ControlPlane } from '../control-plane/control-plane.ts';

const TIMEOUT_MS = 30_000;

export interface PodToCreate {
  readonly namespace: string;
  readonly body: Buffer;
}

export interface CreatedPod {
  /** From the request to the whole answer. */
  readonly durationMs: number;
  /** JSON of the pod as the API server stored it. */
  readonly answer: Buffer;
}

/** Creates pods on a real API server over kept-alive connections, one request at a time per client. */
export class PodCreator {
  readonly #server: URL;
  readonly #agent: Agent;
  readonly #authorization: string;

  constructor(controlPlane: ControlPlane, clients: number) {
    const kubeconfig = parse(readFileSync(controlPlane.kubeconfigFile, 'utf8')) as {
      users: readonly { user: { token: string } }[];
    };
    this.#authorization = `Bearer ${kubeconfig.users[0]?.user.token}`;
    this.#server = new URL(controlPlane.serverUrl);
    this.#agent = new Agent({ keepAlive: true, maxSockets: clients, ca: controlPlane.certificateAuthority });
  }

  /** @throws when the pod was not created. */
  create({ namespace, body }: PodToCreate): Promise<CreatedPod> {
    const startedAtMs = performance.now();
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...{ host: this.#server.hostname, port: this.#server.port, agent: this.#agent, method: 'POST' },
          path: `/api/v1/namespaces/${namespace}/pods`,
          headers: {
            authorization: this.#authorization,
            'content-type': 'application/json',
            'content-length': body.length,
          },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => {
            const durationMs = performance.now() - startedAtMs;
            const answer = Buffer.concat(chunks);
            if (incoming.statusCode === 201) resolve({ durationMs, answer });
            else reject(new Error(`a pod was not created (${incoming.statusCode}): ${answer.toString()}`));
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** All of them, by so many clients at once. @returns each one's time, ms. */
  async createAll(pods: readonly PodToCreate[], clients: number): Promise<readonly number[]> {
    const samples: number[] = [];
    const queue = pods.values();
    const client = async (): Promise<void> => {
      for (const pod of queue) samples.push((await this.create(pod)).durationMs);
    };
    await Promise.all(Array.from({ length: clients }, client));
    return samples;
  }

  close(): void {
    this.#agent.destroy();
  }
}
