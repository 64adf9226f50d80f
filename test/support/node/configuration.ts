import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cable } from './cable.ts';

export interface NodeConfiguration {
  readonly directory: string;
  readonly cgroupPath: string;
  readonly cable: Cable;
  readonly runcFile: string;
  readonly cniDirectory: string;
}

/** KubeletConfiguration, as JSON. Reachable over the private cable only, so it asks nobody who they are. */
export function kubeletConfiguration({ directory, cgroupPath, cable }: NodeConfiguration): object {
  const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    // By default it refuses to run where there is only cgroup v1.
    ...(isV2 ? {} : { failCgroupV1: false }),
    cgroupDriver: 'cgroupfs',
    cgroupRoot: cgroupPath,
    containerRuntimeEndpoint: `unix://${directory}/containerd.sock`,
    // Must be the node's InternalIP, or logs and exec are refused.
    address: cable.nodeAddress,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    podLogsDir: join(directory, 'pod-logs'),
    volumePluginDir: join(directory, 'volume-plugins'),
    makeIPTablesUtilChains: false,
    enforceNodeAllocatable: [],
    // Images that came with the node can be had nowhere else.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '10Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    // Tests look at what the kubelet does about changed Secrets, and wait for it.
    configMapAndSecretChangeDetectionStrategy: 'Watch',
    syncFrequency: '5s',
    nodeStatusUpdateFrequency: '2s',
    maxPods: 240,
    registryPullQPS: 0,
    serializeImagePulls: false,
    shutdownGracePeriod: '0s',
  };
}

/** containerd reads version 2 of its format and migrates it. */
export function containerdConfiguration({ directory, runcFile, cniDirectory }: NodeConfiguration): string {
  return `version = 2
root = "${directory}/containerd-root"
state = "${directory}/containerd-state"
oom_score = 0
[grpc]
  address = "${directory}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  # Root here may lack CAP_SYS_RESOURCE.
  restrict_oom_score_adj = true
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniDirectory}"
    conf_dir = "${directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${directory}/registries"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "${runcFile}"
`;
}

/** One bridge, no masquerading: pods reach this machine and it reaches them, and nobody else. */
export function cniConfiguration({ directory, cable }: NodeConfiguration): object {
  const ipam = {
    type: 'host-local',
    dataDir: join(directory, 'ipam'),
    ranges: [[{ subnet: cable.podRange }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  return {
    cniVersion: '0.4.0',
    name: 'latchkey-test',
    plugins: [{ type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ipam }],
  };
}
