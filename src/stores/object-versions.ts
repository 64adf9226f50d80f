import type { Resource } from '../api/resources.ts';
import type { KubernetesObject } from '../api/kubernetes.ts';
import type { Cluster } from '../ports/cluster.ts';

/** One object that something was made of, in the version that was read. */
export interface ObjectVersion {
  readonly resource: Resource<KubernetesObject>;
  readonly namespace: string;
  readonly name: string;
  /** See {@link versionOf}. */
  readonly version: string;
}

/** `uid@resourceVersion`; empty for an object that was not there. */
export function versionOf(object: KubernetesObject | undefined): string {
  return object === undefined ? '' : `${object.metadata.uid ?? ''}@${object.metadata.resourceVersion ?? ''}`;
}

/** Whether every object still is what it was when it was read. */
export async function areCurrent(
  cluster: Cluster,
  versions: readonly ObjectVersion[],
  signal: AbortSignal,
): Promise<boolean> {
  const checks = versions.map(
    async ({ resource, namespace, name, version }) =>
      versionOf(await cluster.get(resource, { namespace, name }, { signal })) === version,
  );
  return (await Promise.all(checks)).every(Boolean);
}
