import { type Resource, secrets } from '../src/api/resources.ts';
import type { ObjectKey, Secret } from '../src/api/kubernetes.ts';
import type { Cluster } from '../src/ports/cluster.ts';
import { type CertificateSourceOptions, createCertificateSource } from './certificate-source.ts';
import type { RotatingCertificateSource } from './certificate-source.ts';
import type { Entries } from './certificate-set.ts';
import type { CertificateStore } from './certificate-store.ts';

export interface SecretSourceOptions extends CertificateSourceOptions {
  readonly cluster: Cluster;
  /** The one Secret that all replicas share, in Latchkey's own namespace. */
  readonly secret: { readonly namespace: string; readonly name: string };
}

const resource: Resource<Secret> = secrets;
const fieldManager = 'latchkey';

/** Serving credentials in a Secret. An existing Secret without data is filled, so that a chart may make it beforehand. */
export function createSecretSource(options: SecretSourceOptions): RotatingCertificateSource {
  return createCertificateSource(secretStore(options.cluster, options.secret), options);
}

function secretStore(cluster: Cluster, key: SecretSourceOptions['secret']): CertificateStore {
  async function create(entries: Entries, signal: AbortSignal): Promise<boolean> {
    const present = await cluster.get(resource, key, { signal });
    if (present !== undefined) return isEmpty(present) && put(present, entries, signal);
    const secret: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        ...key,
        labels: { 'app.kubernetes.io/name': 'latchkey', 'app.kubernetes.io/managed-by': 'latchkey' },
      },
      // TLS Secrets may hold further keys, and tools that look for certificates find them.
      type: 'kubernetes.io/tls',
      data: encode(entries),
    };
    return (await cluster.create(resource, secret, { signal, fieldManager })).outcome === 'written';
  }

  async function put(present: Secret, entries: Entries, signal: AbortSignal): Promise<boolean> {
    const secret = { ...present, data: encode(entries) };
    return (await cluster.update(resource, secret, { signal, fieldManager })).outcome === 'written';
  }

  async function replace(entries: Entries, revision: string, signal: AbortSignal): Promise<boolean> {
    const present = await cluster.get(resource, key, { signal });
    if (present?.metadata.resourceVersion !== revision) return false;
    return put(present, entries, signal);
  }

  return {
    name: `Secret ${key.namespace}/${key.name}`,
    async read(signal) {
      const secret = await cluster.get(resource, key satisfies ObjectKey, { signal });
      if (secret === undefined || isEmpty(secret)) return undefined;
      return { entries: decode(secret.data ?? {}), revision: secret.metadata.resourceVersion ?? '' };
    },
    create,
    replace,
  };
}

/** A TLS Secret cannot be made without its two keys, so empty ones count as no data. */
function isEmpty(secret: Secret): boolean {
  return Object.values(secret.data ?? {}).every((value) => value === '');
}

function encode(entries: Entries): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
  );
}

function decode(data: Readonly<Record<string, string>>): Entries {
  return Object.fromEntries(
    Object.entries(data).map(([name, text]) => [name, Buffer.from(text, 'base64').toString('utf8')]),
  );
}
