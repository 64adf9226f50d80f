import { EXTERNAL_SECRETS_VERSION } from './keys.ts';
import type { ClusterSecretStore, ExternalSecret, SecretStore } from './external-secrets.ts';
import type { ConfigMap, Event, KubernetesObject, Lease, Namespace, Secret } from './kubernetes.ts';

/** How a kind is addressed on the API server. `T` ties the object's type to its address. */
export interface Resource<T extends KubernetesObject> {
  readonly apiVersion: string;
  readonly kind: T['kind'];
  readonly plural: string;
  readonly isNamespaced: boolean;
}

export const secrets: Resource<Secret> = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', isNamespaced: true };

export const namespaces: Resource<Namespace> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  isNamespaced: false,
};

export const externalSecrets: Resource<ExternalSecret> = {
  apiVersion: EXTERNAL_SECRETS_VERSION,
  kind: 'ExternalSecret',
  plural: 'externalsecrets',
  isNamespaced: true,
};

export const configMaps: Resource<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  isNamespaced: true,
};

export const serviceAccounts: Resource<KubernetesObject> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  isNamespaced: true,
};

export const secretStores: Resource<SecretStore> = {
  apiVersion: EXTERNAL_SECRETS_VERSION,
  kind: 'SecretStore',
  plural: 'secretstores',
  isNamespaced: true,
};

export const clusterSecretStores: Resource<ClusterSecretStore> = {
  apiVersion: EXTERNAL_SECRETS_VERSION,
  kind: 'ClusterSecretStore',
  plural: 'clustersecretstores',
  isNamespaced: false,
};

export const events: Resource<Event> = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  plural: 'events',
  isNamespaced: true,
};

export const leases: Resource<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  isNamespaced: true,
};

export const replicaSets: Resource<KubernetesObject> = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  isNamespaced: true,
};

export const jobs: Resource<KubernetesObject> = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  plural: 'jobs',
  isNamespaced: true,
};

export const mutatingWebhookConfigurations: Resource<KubernetesObject> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  isNamespaced: false,
};

export const validatingAdmissionPolicies: Resource<KubernetesObject> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  isNamespaced: false,
};

export const validatingAdmissionPolicyBindings: Resource<KubernetesObject> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  isNamespaced: false,
};

/** Path of a collection or, with a name, of one object, below the API server's root. */
export function resourcePath(resource: Resource<KubernetesObject>, key: { namespace?: string; name?: string }): string {
  const root = resource.apiVersion.includes('/') ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  const scope =
    resource.isNamespaced && key.namespace !== undefined ? `/namespaces/${encodeURIComponent(key.namespace)}` : '';
  const name = key.name === undefined ? '' : `/${encodeURIComponent(key.name)}`;
  return `${root}${scope}/${resource.plural}${name}`;
}
