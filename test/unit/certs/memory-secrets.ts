import type { Secret } from '../../../src/api/kubernetes.ts';
import type { Cluster } from '../../../src/ports/cluster.ts';
import { LatchkeyError } from '../../../src/core/errors.ts';

/** The part of a cluster that a secret source uses, for one Secret; resourceVersions are judged as the API server does. */
export interface MemorySecret {
  readonly cluster: Cluster;
  current: Secret | undefined;
  /** While true every call fails as if the API server were away. */
  isDown: boolean;
}

export function memorySecret(): MemorySecret {
  let version = 0;
  const stamp = (secret: Secret): Secret => ({
    ...secret,
    metadata: { ...secret.metadata, resourceVersion: String(++version) },
  });
  const memory: { current: Secret | undefined; isDown: boolean } = { current: undefined, isDown: false };
  async function answer<T>(work: () => T): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve));
    if (memory.isDown) throw new LatchkeyError('ClusterUnavailable', 'the API server is away');
    return work();
  }
  const cluster = {
    get: () => answer(() => memory.current),
    create: (_: unknown, secret: Secret) =>
      answer(() => {
        if (memory.current !== undefined) return { outcome: 'conflict' };
        memory.current = stamp(secret);
        return { outcome: 'written', object: memory.current };
      }),
    update: (_: unknown, secret: Secret) =>
      answer(() => {
        if (memory.current?.metadata.resourceVersion !== secret.metadata.resourceVersion)
          return { outcome: 'conflict' };
        memory.current = stamp(secret);
        return { outcome: 'written', object: memory.current };
      }),
  };
  return Object.assign(memory, { cluster: cluster as unknown as Cluster });
}
