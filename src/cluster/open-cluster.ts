import { systemClock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Logger } from '../ports/logger.ts';

export interface ClusterChoice {
  readonly kubeconfig?: string;
  /** Files and folders of manifests; given, they are the cluster. */
  readonly manifests?: readonly string[];
}

/** The cluster to work on; each adapter is loaded only when it is the one. Manifests are followed until `signal` aborts. */
export async function openCluster(choice: ClusterChoice, logger: Logger, signal: AbortSignal): Promise<Cluster> {
  if (choice.manifests === undefined) {
    const { connectToCluster } = await import('./kubernetes/connect.ts');
    return connectToCluster(choice.kubeconfig, logger);
  }
  const { FolderCluster } = await import('./folder/folder-cluster.ts');
  const cluster = new FolderCluster(systemClock);
  await cluster.loadPaths(choice.manifests);
  cluster.follow(choice.manifests, logger, signal);
  return cluster;
}
