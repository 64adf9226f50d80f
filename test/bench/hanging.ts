/** Pods of one namespace while the backend of another namespace's store hangs, against the same while it answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startVaultStub, vaultErrorReply } from '../contract/vault-stub.ts';
import type { ControlPlane } from '../support/control-plane/control-plane.ts';
import { kubectlOrThrow } from '../support/control-plane/kubectl.ts';
import * as make from '../support/latchkey/manifests.ts';
import { PodClient, type PodToCreate } from '../support/latchkey/pod-client.ts';
import { waitUntil } from '../support/process/wait-until.ts';
import { median, percentile } from './statistics.ts';

const NAMESPACE = 'bench-tenant';
const TENANT_CLIENTS = 32;
/** Between two pods of one of them: controllers wait longer. */
const TENANT_PAUSE_MS = 1_000;
const ROUNDS = 4;

export interface HangingResult {
  readonly clients: number;
  readonly pods: number;
  readonly answers: Latency;
  readonly hangs: Latency;
}

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface HangingOptions {
  readonly controlPlane: ControlPlane;
  /** Unrelated pods, in all, for each of the two. */
  readonly pods: number;
  readonly clients: number;
  /** The unrelated pod of this number. */
  readonly podOf: (index: number) => PodToCreate;
}

/** The tenant asks at the same pace in both, and is denied in both: only what its backend does is different. */
export async function benchHanging({ controlPlane, pods, clients, podOf }: HangingOptions): Promise<HangingResult> {
  let isHanging = false;
  const backend = await startVaultStub(() => (isHanging ? 'hang' : vaultErrorReply(404, [])));
  const secrets = Array.from({ length: TENANT_CLIENTS }, (_, index) => `db-${index}`);
  await kubectlOrThrow(controlPlane, ['apply', '--server-side', '-f', '-'], {
    input: make.toYamlDocuments(
      make.namespace(NAMESPACE),
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: NAMESPACE } },
      make.credentialsSecret('vault-token', { token: 'not-a-token' }, NAMESPACE),
      make.vaultStore('store', NAMESPACE, backend.endpoint),
      ...secrets.map((name) => make.externalSecret({ name, namespace: NAMESPACE, data: { password: name } })),
    ),
  });
  const tenant = new PodClient(controlPlane, TENANT_CLIENTS);
  const creator = new PodClient(controlPlane, clients);
  const samples: Record<'answers' | 'hangs', number[]> = { answers: [], hangs: [] };
  const count = Math.ceil(pods / ROUNDS);
  let index = 0;
  const block = (size: number): readonly PodToCreate[] => Array.from({ length: size }, () => podOf((index += 1)));
  // Uncounted: opens the connections.
  await creator.createAll(block(clients), clients);
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? (['answers', 'hangs'] as const) : (['hangs', 'answers'] as const);
    for (const mode of order) {
      isHanging = mode === 'hangs';
      const over = new AbortController();
      const denials = Promise.all(secrets.map((name) => keepAsking(tenant, name, over.signal)));
      const asked = backend.requests.length;
      await waitUntil(() => backend.requests.length > asked, {
        what: 'the tenant to have its backend asked',
        timeoutMs: 60_000,
      });
      samples[mode].push(...(await creator.createAll(block(count), clients)));
      over.abort();
      await denials;
    }
  }
  tenant.close();
  creator.close();
  await backend.close();
  const latency = (all: readonly number[]): Latency => ({ p50Ms: median(all), p99Ms: percentile(all, 0.99) });
  return {
    ...{ clients, pods: count * ROUNDS },
    answers: latency(samples.answers),
    hangs: latency(samples.hangs),
  };
}

/** Creates pods that are denied, until told to stop. */
async function keepAsking(client: PodClient, secretName: string, signal: AbortSignal): Promise<void> {
  const body = Buffer.from(JSON.stringify(make.podWith(`of-${secretName}`, NAMESPACE, secretName, ['password'])));
  while (!signal.aborted) {
    const said = await client.create({ namespace: NAMESPACE, body }).then(() => 'made', String);
    if (!said.includes('denied the request: latchkey: ')) throw new Error(`the tenant's pod was not denied: ${said}`);
    await sleep(TENANT_PAUSE_MS);
  }
}
