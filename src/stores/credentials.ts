import { configMaps, secrets, serviceAccounts, type Resource } from '../api/resources.ts';
import type { ConfigMap, KubernetesObject, Secret } from '../api/kubernetes.ts';
import { LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import { SecretValue } from '../core/secret-value.ts';
import type { StoreKey } from '../core/store/store-key.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { CredentialReader, ServiceAccountIdentity, ServiceAccountToken, TokenRequest } from '../ports/provider.ts';
import { versionOf, type ObjectVersion } from './object-versions.ts';

interface Selector {
  readonly name: string;
  readonly namespace?: string;
  readonly key?: string;
}

/**
 * Reads credentials live, by name, within the reach of the store's kind: a SecretStore reads its own namespace whatever
 * the selector says; a ClusterSecretStore reads the namespace the selector names, else the ExternalSecret's own.
 */
export class ScopedCredentials implements CredentialReader {
  readonly #cluster: Cluster;
  readonly #store: StoreKey;
  readonly #namespace: string | undefined;
  readonly #read = new Map<
    string,
    { readonly resource: Resource<KubernetesObject>; readonly object: KubernetesObject }
  >();
  #isReferent = false;

  /** @param externalSecretNamespace undefined: nobody asks yet, the store itself is being looked at. */
  constructor(cluster: Cluster, store: StoreKey, externalSecretNamespace: string | undefined) {
    this.#cluster = cluster;
    this.#store = store;
    this.#namespace = externalSecretNamespace;
  }

  /** Has a credential been asked for that lives in the namespace of whoever uses the store, with nobody there yet? */
  get isReferent(): boolean {
    return this.#isReferent;
  }

  /** What has been read so far. */
  get versions(): readonly ObjectVersion[] {
    return [...this.#read.values()].map(({ resource, object }) => ({
      resource,
      namespace: object.metadata.namespace ?? '',
      name: object.metadata.name,
      version: versionOf(object),
    }));
  }

  async readSecretKey(selector: Selector, field: string, signal: AbortSignal): Promise<SecretValue> {
    return new SecretValue(Buffer.from(await this.#readKey<Secret>(secrets, selector, field, signal), 'base64'));
  }

  async readConfigMapKey(selector: Selector, field: string, signal: AbortSignal): Promise<string> {
    return this.#readKey<ConfigMap>(configMaps, selector, field, signal);
  }

  async readServiceAccount(selector: Selector, field: string, signal: AbortSignal): Promise<ServiceAccountIdentity> {
    const namespace = this.#namespaceOf(selector, field);
    const { metadata } = await this.#object(serviceAccounts, { namespace, name: selector.name }, field, signal);
    return { namespace, name: metadata.name, annotations: metadata.annotations ?? {} };
  }

  async requestToken(request: TokenRequest, field: string, signal: AbortSignal): Promise<ServiceAccountToken> {
    const { serviceAccount, expirationSeconds } = request;
    const namespace = this.#namespaceOf(serviceAccount, field);
    const audiences = [...new Set([...request.audiences, ...(serviceAccount.audiences ?? [])])];
    if (audiences.length === 0) {
      throw new LatchkeyError('InvalidProviderConfig', `${field} names no audience that the token would be for`);
    }
    const key = { namespace, name: serviceAccount.name };
    const token = await this.#cluster.requestToken(key, { audiences, expirationSeconds }, { signal });
    if (token !== undefined) return token;
    throw new LatchkeyError('CredentialsNotFound', `${describe(serviceAccounts, key, field)} does not exist`);
  }

  async #readKey<T extends Secret | ConfigMap>(
    resource: Resource<T>,
    selector: Selector,
    field: string,
    signal: AbortSignal,
  ): Promise<string> {
    const key = { namespace: this.#namespaceOf(selector, field), name: selector.name };
    const { data = {} } = await this.#object(resource, key, field, signal);
    const value = Object.hasOwn(data, selector.key ?? '') ? data[selector.key ?? ''] : undefined;
    if (value !== undefined) return value;
    const what = describe(resource, key, field);
    throw new LatchkeyError('CredentialsNotFound', `${what} has no key "${printable(selector.key ?? '')}"`);
  }

  #namespaceOf({ namespace }: Selector, field: string): string {
    const { kind } = this.#store;
    const own = kind === 'SecretStore' ? this.#store.namespace : this.#namespace;
    if (kind === 'SecretStore' && namespace !== undefined && namespace !== own) {
      throw new LatchkeyError(
        'InvalidProviderConfig',
        `${field}.namespace is "${printable(namespace)}", but a SecretStore reads its own namespace only`,
      );
    }
    const chosen = namespace ?? own;
    if (chosen !== undefined) return chosen;
    this.#isReferent = true;
    throw new LatchkeyError('CredentialsNotFound', `${field} names no namespace: each ExternalSecret brings its own`);
  }

  async #object<T extends KubernetesObject>(
    resource: Resource<T>,
    key: { readonly namespace: string; readonly name: string },
    field: string,
    signal: AbortSignal,
  ): Promise<T> {
    const id = `${resource.kind}/${key.namespace}/${key.name}`;
    const known = this.#read.get(id)?.object as T | undefined;
    if (known !== undefined) return known;
    const object = await this.#cluster.get(resource, key, { signal });
    if (object === undefined) {
      throw new LatchkeyError('CredentialsNotFound', `${describe(resource, key, field)} does not exist`);
    }
    this.#read.set(id, { resource, object });
    return object;
  }
}

/** The store's credentials come from the namespace of whoever uses it, and nobody does yet. */
export class ReferentCredentials extends LatchkeyError {
  constructor() {
    super('CredentialsNotFound', 'the credentials come from the namespace of each ExternalSecret that uses the store');
  }
}

function describe(
  { kind }: Resource<KubernetesObject>,
  key: { namespace: string; name: string },
  field: string,
): string {
  return `${kind} "${printable(key.namespace)}/${printable(key.name)}", named by ${field},`;
}
