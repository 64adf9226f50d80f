import type { KubernetesObject } from '../api/kubernetes.ts';
import type { Cluster, WriteOutcome } from '../ports/cluster.ts';

/**
 * A cluster that is read and never written: writes are answered as if they had succeeded, and go nowhere. For commands
 * that ask what would happen.
 */
export function readOnly(cluster: Cluster): Cluster {
  const asWritten = async <T extends KubernetesObject>(_resource: unknown, object: T): Promise<WriteOutcome<T>> => ({
    outcome: 'written',
    object,
  });
  return {
    get: (resource, key, options) => cluster.get(resource, key, options),
    list: (resource, options) => cluster.list(resource, options),
    informer: (resource, options) => cluster.informer(resource, options),
    // Leaves nothing behind in the cluster.
    requestToken: (key, wanted, options) => cluster.requestToken(key, wanted, options),
    // What is there already is told, or a Secret that would be updated would be taken for one that would be created.
    create: async (resource, object, options) =>
      (await cluster.get(resource, object.metadata, options)) === undefined
        ? asWritten(resource, object)
        : { outcome: 'conflict' },
    update: asWritten,
    delete: async () => 'deleted',
    apply: async (_resource, object) => object,
    patchStatus: async () => undefined,
  };
}
