import { secrets } from '../api/resources.ts';
import type { Secret } from '../api/kubernetes.ts';
import { LatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import { SecretValue } from '../core/secret-value.ts';
import type { StoreKey } from '../core/store/store-access.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { CredentialReader } from '../ports/provider.ts';

/** One Secret that a client was built from, in the version that was read. */
export interface CredentialVersion {
  readonly namespace: string;
  readonly name: string;
  /** `uid@resourceVersion`. */
  readonly version: string;
}

/**
 * Reads credentials live, by name, within the reach of the store's kind: a SecretStore reads its own namespace whatever
 * the selector says; a ClusterSecretStore reads the namespace the selector names, else the ExternalSecret's own.
 */
export class ScopedCredentials implements CredentialReader {
  readonly #cluster: Cluster;
  readonly #store: StoreKey;
  readonly #namespace: string;
  readonly #read = new Map<string, Secret>();

  constructor(cluster: Cluster, store: StoreKey, externalSecretNamespace: string) {
    this.#cluster = cluster;
    this.#store = store;
    this.#namespace = externalSecretNamespace;
  }

  /** What has been read so far. */
  get versions(): readonly CredentialVersion[] {
    return [...this.#read.values()].map(({ metadata }) => ({
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      version: versionOf(metadata),
    }));
  }

  async readSecretKey(
    selector: { readonly name: string; readonly namespace?: string; readonly key?: string },
    field: string,
    signal: AbortSignal,
  ): Promise<SecretValue> {
    const namespace = this.#store.kind === 'SecretStore' ? this.#namespace : (selector.namespace ?? this.#namespace);
    if (this.#store.kind === 'SecretStore' && (selector.namespace ?? namespace) !== namespace) {
      throw new LatchkeyError(
        'InvalidProviderConfig',
        `${field}.namespace is "${printable(selector.namespace ?? '')}", but a SecretStore reads its own namespace only`,
      );
    }
    const what = `Secret "${printable(namespace)}/${printable(selector.name)}", named by ${field},`;
    const secret = await this.#secret(namespace, selector.name, signal);
    if (secret === undefined) throw new LatchkeyError('CredentialsNotFound', `${what} does not exist`);
    const { data = {} } = secret;
    const value = Object.hasOwn(data, selector.key ?? '') ? data[selector.key ?? ''] : undefined;
    if (value === undefined) {
      throw new LatchkeyError('CredentialsNotFound', `${what} has no key "${printable(selector.key ?? '')}"`);
    }
    return new SecretValue(Buffer.from(value, 'base64'));
  }

  async #secret(namespace: string, name: string, signal: AbortSignal): Promise<Secret | undefined> {
    const known = this.#read.get(`${namespace}/${name}`);
    if (known !== undefined) return known;
    const secret = await this.#cluster.get(secrets, { namespace, name }, { signal });
    if (secret !== undefined) this.#read.set(`${namespace}/${name}`, secret);
    return secret;
  }
}

/** Whether every Secret still is what it was when it was read. */
export async function areCurrent(
  cluster: Cluster,
  versions: readonly CredentialVersion[],
  signal: AbortSignal,
): Promise<boolean> {
  const checks = versions.map(async ({ namespace, name, version }) => {
    const secret = await cluster.get(secrets, { namespace, name }, { signal });
    return secret !== undefined && versionOf(secret.metadata) === version;
  });
  return (await Promise.all(checks)).every(Boolean);
}

function versionOf(metadata: Secret['metadata']): string {
  return `${metadata.uid ?? ''}@${metadata.resourceVersion ?? ''}`;
}
