import { KubeConfig } from '@kubernetes/client-node';
import { LatchkeyError } from '../../core/errors.ts';
import type { Logger } from '../../ports/logger.ts';
import { KubernetesCluster } from './kubernetes-cluster.ts';

/**
 * The cluster that a kubeconfig names; without one, the cluster this pod runs in, then KUBECONFIG and ~/.kube/config.
 * @throws LatchkeyError `ClusterRejected` when the file cannot be used.
 */
export function connectToCluster(kubeconfigFile: string | undefined, logger: Logger): KubernetesCluster {
  const kubeConfig = new KubeConfig();
  try {
    if (kubeconfigFile === undefined) kubeConfig.loadFromDefault();
    else kubeConfig.loadFromFile(kubeconfigFile);
  } catch (error) {
    const file = kubeconfigFile ?? 'the default place';
    throw new LatchkeyError('ClusterRejected', `no kubeconfig could be read from ${file}`, { cause: error });
  }
  return new KubernetesCluster(kubeConfig, logger);
}
