/** Manifests that the suites on the real API server are made of. */
export type Manifest = Readonly<Record<string, unknown>>;

export function namespace(
  name: string,
  labels: Readonly<Record<string, string>> = { 'latchkey.dev/injection': 'enabled' },
): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

export function credentialsSecret(name: string, keys: Readonly<Record<string, string>>, inNamespace: string): Manifest {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: inNamespace }, stringData: keys };
}

/** A SecretStore on AWS Secrets Manager with static credentials from the Secret `aws-credentials`. */
export function awsStore(name: string, inNamespace: string, changes: Manifest = {}): Manifest {
  const selector = (key: string): Manifest => ({ name: 'aws-credentials', key });
  const auth = {
    secretRef: { accessKeyIDSecretRef: selector('id'), secretAccessKeySecretRef: selector('key') },
  };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name, namespace: inNamespace },
    spec: { provider: { aws: { service: 'SecretsManager', region: 'eu-central-1', auth, ...changes } } },
  };
}

export function fakeStore(name: string, inNamespace: string, data: Readonly<Record<string, string>>): Manifest {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name, namespace: inNamespace },
    spec: { provider: { fake: { data: Object.entries(data).map(([key, value]) => ({ key, value })) } } },
  };
}

/** A SecretStore on KV v2 at `secret/`, with the token of the Secret `vault-token` unless told otherwise. */
export function vaultStore(name: string, inNamespace: string, server: string, changes: Manifest = {}): Manifest {
  const auth = { tokenSecretRef: { name: 'vault-token', key: 'token' } };
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { name, namespace: inNamespace },
    spec: { provider: { vault: { server, path: 'secret', version: 'v2', auth, ...changes } } },
  };
}

export interface ExternalSecretOptions {
  readonly name: string;
  readonly namespace: string;
  readonly store?: string;
  /** secretKey → remote key, or remote key and property. */
  readonly data: Readonly<Record<string, string | { readonly key: string; readonly property: string }>>;
  readonly spec?: Manifest;
}

export function externalSecret({
  name,
  namespace: inNamespace,
  store = 'store',
  data,
  spec = {},
}: ExternalSecretOptions): Manifest {
  return {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name, namespace: inNamespace },
    spec: {
      secretStoreRef: { name: store },
      data: Object.entries(data).map(([secretKey, remote]) => ({
        secretKey,
        remoteRef: typeof remote === 'string' ? { key: remote } : remote,
      })),
      ...spec,
    },
  };
}

/** A pod whose one container takes each named key of a Secret as an environment variable. */
export function podWith(
  name: string,
  inNamespace: string,
  secretName: string,
  keys: readonly string[],
  metadata: Manifest = {},
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: inNamespace, ...metadata },
    spec: podSpec(secretName, keys),
  };
}

export function podSpec(secretName: string, keys: readonly string[]): Manifest {
  const env = keys.map((key) => ({ name: key.toUpperCase(), valueFrom: { secretKeyRef: { name: secretName, key } } }));
  return { containers: [{ name: 'app', image: 'registry.example/app:1', env }] };
}

export function toYamlDocuments(...manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n');
}
