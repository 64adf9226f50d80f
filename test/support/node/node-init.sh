# The first process of the node's own mount, network and PID namespaces: when it dies, so does everything in them.
# Environment: NODE_DIRECTORY NODE_BIN NODE_LIB KUBELET NODE_ADDRESS HOST_ADDRESS API_PORT IMAGES
set -eu
export PATH="$NODE_BIN:/usr/sbin:/usr/bin:/sbin:/bin"
cd "$NODE_DIRECTORY"

# What kubelet and containerd write to fixed places stays in memory, here.
mount --make-rprivate /
for directory in /run /var/lib /var/log; do mount -t tmpfs tmpfs "$directory"; done
mkdir -p /run/netns /var/lib/cni /var/lib/kubelet /var/log/containers

# The kubelet finds the values that it wants, so it does not change the machine's kernel settings.
present() { mkdir -p sysctl; echo "$2" > "sysctl/$1"; mount --bind "sysctl/$1" "/proc/sys/$(echo "$1" | tr . /)"; }
present vm.overcommit_memory 1
present vm.panic_on_oom 0
present kernel.panic 10
present kernel.panic_on_oops 1

ip link set lo up
until ip link show node0 > /dev/null 2>&1; do sleep 0.01; done
ip address add "$NODE_ADDRESS/24" dev node0
ip link set node0 up
ip route add default via "$HOST_ADDRESS"
sysctl -qw net.ipv4.ip_forward=1

# There is no kube-proxy: the one Service that every pod needs is the API server's.
iptables() { LD_LIBRARY_PATH="$(dirname "$(find "$NODE_LIB" -name 'libxtables.so.12' | head -n 1)")" XTABLES_LIBDIR="$(find "$NODE_LIB" -type d -name xtables | head -n 1)" "$NODE_BIN/xtables-nft-multi" iptables "$@"; }
for chain in PREROUTING OUTPUT; do
  iptables -t nat -A "$chain" -d 10.96.0.1/32 -p tcp --dport 443 -j DNAT --to-destination "$HOST_ADDRESS:$API_PORT"
done

containerd -c containerd.toml > logs/containerd.log 2>&1 &
until ctr -a "$NODE_DIRECTORY/containerd.sock" version > /dev/null 2>&1; do sleep 0.02; done
for image in $IMAGES; do ctr -a "$NODE_DIRECTORY/containerd.sock" -n k8s.io images import "$image"; done

# A kubelet that is killed comes back, as it would under a service manager.
while :; do
  "$KUBELET" --config=kubelet.yaml --kubeconfig=kubeconfig --hostname-override=node --node-ip="$NODE_ADDRESS" \
    --root-dir="$NODE_DIRECTORY/kubelet" --cert-dir="$NODE_DIRECTORY/kubelet-certificates" --v=2 >> logs/kubelet.log 2>&1 || true
  sleep 0.2
done
