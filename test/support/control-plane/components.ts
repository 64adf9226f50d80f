import type { ServiceAccountKeys } from './service-account-keys.ts';

/** Flags of etcd with a data directory that it makes, on two loopback ports. */
export function etcdFlags(dataDirectory: string, clientPort: number, peerPort: number): string[] {
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  return [
    `--data-dir=${dataDirectory}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--unsafe-no-fsync', // Nothing here outlives the test.
    '--log-level=warn',
  ];
}

export interface ApiServerSettings {
  readonly etcdUrl: string;
  readonly port: number;
  /** Where the API server keeps the self-signed certificate it makes on its first start. */
  readonly certificateDirectory: string;
  readonly tokenFile: string;
  readonly keys: ServiceAccountKeys;
  /** Of this machine on a node's network; undefined: loopback only. */
  readonly nodeNetworkAddress: string | undefined;
  readonly extraFlags: readonly string[];
}

/** Flags of an API server with real authentication and RBAC on one loopback port. */
export function apiServerFlags(settings: ApiServerSettings): string[] {
  return [
    `--etcd-servers=${settings.etcdUrl}`,
    ...listenFlags(settings.nodeNetworkAddress),
    `--secure-port=${settings.port}`,
    `--cert-dir=${settings.certificateDirectory}`,
    '--endpoint-reconciler-type=none', // Loopback may not be an endpoint.
    `--token-auth-file=${settings.tokenFile}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement',
    '--enable-aggregator-routing=true',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${settings.keys.publicKeyFile}`,
    `--service-account-signing-key-file=${settings.keys.privateKeyFile}`,
    '--allow-privileged=true',
    ...settings.extraFlags,
  ];
}

function listenFlags(nodeNetworkAddress: string | undefined): string[] {
  if (nodeNetworkAddress === undefined) return ['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1'];
  const nodeFlags = ['--kubelet-preferred-address-types=InternalIP'];
  return ['--bind-address=0.0.0.0', `--advertise-address=${nodeNetworkAddress}`, ...nodeFlags];
}

/** Flags of a controller-manager with all its default controllers and no port. */
export function controllerManagerFlags(kubeconfig: string, keys: ServiceAccountKeys, rootCaFile: string): string[] {
  return [
    ...clientFlags(kubeconfig),
    '--secure-port=0', // Nobody asks for its metrics; that the default ServiceAccount appears shows that it works.
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${keys.privateKeyFile}`,
    `--root-ca-file=${rootCaFile}`,
    // The defaults (20/30) would make suites that create and delete many namespaces wait.
    '--kube-api-qps=300',
    '--kube-api-burst=600',
  ];
}

/** The scheduler keeps its port: its `/readyz` is the only sign that it works. */
export function schedulerFlags(kubeconfig: string, port: number, certificateDirectory: string): string[] {
  return [
    ...clientFlags(kubeconfig),
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${certificateDirectory}`,
  ];
}

function clientFlags(kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--leader-elect=false',
  ];
}
