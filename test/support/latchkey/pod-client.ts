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

/** Creates and looks at pods on a real API server over kept-alive connections, at most so many at once. */
export class PodClient {
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
  async create({ namespace, body }: PodToCreate): Promise<CreatedPod> {
    const startedAtMs = performance.now();
    const { status, answer } = await this.#ask('POST', `/api/v1/namespaces/${namespace}/pods`, body);
    const durationMs = performance.now() - startedAtMs;
    if (status !== 201) throw new Error(`a pod was not created (${status}): ${answer.toString()}`);
    return { durationMs, answer };
  }

  /** The pod's phase as the API server has it now. */
  async phase(namespace: string, name: string): Promise<string | undefined> {
    const { answer } = await this.#ask('GET', `/api/v1/namespaces/${namespace}/pods/${name}`);
    return (JSON.parse(answer.toString()) as { status?: { phase?: string } }).status?.phase;
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

  #ask(method: 'GET' | 'POST', path: string, body?: Buffer): Promise<{ status: number; answer: Buffer }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...{ host: this.#server.hostname, port: this.#server.port, agent: this.#agent, method, path },
          headers: {
            authorization: this.#authorization,
            ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
          },
          signal: AbortSignal.timeout(TIMEOUT_MS),
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, answer: Buffer.concat(chunks) }));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}
