/**
 * The one Kubernetes release all cluster tests run against. `build/kubernetes/go.mod` pins the same one. Binaries from
 * the envtest archive may be of another patch release.
 */
export const kubernetesVersion = 'v1.36.3';

/** The binaries this harness knows how to get. */
export const binaryNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubectl',
  'kubelet',
] as const;

export type BinaryName = (typeof binaryNames)[number];

/** What a control plane with all its parts needs; the kubelet is only for tests with a real node. */
export const controlPlaneBinaries: readonly BinaryName[] = binaryNames.filter((name) => name !== 'kubelet');
