import { LRUCache } from 'lru-cache';
import type { KubernetesObject, OwnerReference, Pod } from '../api/kubernetes.ts';
import { jobs, replicaSets, type Resource } from '../api/resources.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Subject } from './event-series.ts';

/** The controllers that are themselves made by another, which is the one that people know. */
const INTERMEDIATE: Readonly<Record<string, Resource<KubernetesObject>>> = {
  'apps/v1/ReplicaSet': replicaSets,
  'batch/v1/Job': jobs,
};

const OWNERS_REMEMBERED = 5_000;

/** Finds whom people know a pod by: the Deployment behind its ReplicaSet, the CronJob behind its Job, else its controller. */
export class TopmostOwner {
  readonly #cluster: Cluster;
  readonly #known = new LRUCache<string, Subject>({ max: OWNERS_REMEMBERED });

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** `undefined` for a pod that no controller made. @throws LatchkeyError the cluster's. */
  async find(pod: Pod, namespace: string, signal: AbortSignal): Promise<Subject | undefined> {
    const direct = controllerOf(pod);
    if (direct === undefined) return undefined;
    const known = this.#known.get(direct.uid);
    if (known !== undefined) return known;
    const resource = INTERMEDIATE[`${direct.apiVersion}/${direct.kind}`];
    const object = resource && (await this.#cluster.get(resource, { namespace, name: direct.name }, { signal }));
    // Another object of that name says nothing about this one's owner.
    const above = object?.metadata.uid === direct.uid ? controllerOf(object) : undefined;
    const { apiVersion, kind, name, uid } = above ?? direct;
    const owner: Subject = { apiVersion, kind, namespace, name, uid };
    this.#known.set(direct.uid, owner);
    return owner;
  }
}

function controllerOf({ metadata }: { readonly metadata: Pod['metadata'] }): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}
