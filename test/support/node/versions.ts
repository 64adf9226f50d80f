/** What a node is made of beside the kubelet; each is pinned with its dependencies by `build/<module>/go.mod` and `go.sum`. */
export const containerdVersion = 'v2.2.1';
export const runcVersion = 'v1.3.4';
export const cniPluginsVersion = 'v1.9.1';
