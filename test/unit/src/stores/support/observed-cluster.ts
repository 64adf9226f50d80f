import type { KubernetesObject } from '../../../../../src/api/kubernetes.ts';
import { serviceAccounts, type Resource } from '../../../../../src/api/resources.ts';
import { LatchkeyError } from '../../../../../src/core/errors.ts';
import type { Cluster } from '../../../../../src/ports/cluster.ts';

export interface ObservedCluster extends Cluster {
  /** Calls in order, `get Secret`, `create Secret` …; informers are not calls. */
  readonly calls: readonly string[];
  forget(): void;
  /** Called before each call with its name; may write, wait, or throw. */
  before: (call: string) => void | Promise<void>;
}

/** Another cluster, with every call noted and open to interference. */
export function observed(cluster: Cluster): ObservedCluster {
  const calls: string[] = [];
  const note = async (verb: string, { kind }: Resource<KubernetesObject>): Promise<void> => {
    calls.push(`${verb} ${kind}`);
    await self.before(`${verb} ${kind}`);
  };
  const self: ObservedCluster = {
    calls,
    forget: () => void calls.splice(0),
    before: () => undefined,
    get: async (resource, ...rest) => (await note('get', resource), cluster.get(resource, ...rest)),
    list: async (resource, ...rest) => (await note('list', resource), cluster.list(resource, ...rest)),
    create: async (resource, ...rest) => (await note('create', resource), cluster.create(resource, ...rest)),
    update: async (resource, ...rest) => (await note('update', resource), cluster.update(resource, ...rest)),
    delete: async (resource, ...rest) => (await note('delete', resource), cluster.delete(resource, ...rest)),
    apply: async (resource, ...rest) => (await note('apply', resource), cluster.apply(resource, ...rest)),
    patchStatus: async (resource, ...rest) => (await note('status', resource), cluster.patchStatus(resource, ...rest)),
    requestToken: async (...args) => (await note('token', serviceAccounts), cluster.requestToken(...args)),
    informer: (resource, options) => cluster.informer(resource, options),
  };
  return self;
}

export function clusterIsDown(): never {
  throw new LatchkeyError('ClusterUnavailable', 'the API server could not be asked (ECONNREFUSED)');
}
