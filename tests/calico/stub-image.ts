import type { Commands } from '../../src/base/commands.ts'
import type { Disk } from '../../src/base/disk.ts'
import { buildImage, type OciImage } from '../../src/runtime/oci-image.ts'
import { busyboxFiles } from '../support/web-image.ts'

/*
 * Stands in for Calico's images in tests: the same paths and arguments, but the programs only write down what they find. No line
 * of Calico is in it.
 */

const upgrade = `#!/bin/sh
echo upgrade-ipam >> /var/lib/cni/networks/order
`

/** Installs a CNI plugin and its configuration on the host, with the three words of the template filled in. */
const install = `#!/bin/sh
set -e
test -s /var/run/secrets/kubernetes.io/serviceaccount/token
test -s /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
cp /opt/cni/bin/fake /host/opt/cni/bin/calico
touch /host/etc/cni/net.d/calico-kubeconfig
echo "$CNI_NETWORK_CONFIG" | sed -e "s/__KUBERNETES_NODE_NAME__/$KUBERNETES_NODE_NAME/" \\
  -e "s/__CNI_MTU__/$CNI_MTU/" -e "s#__KUBECONFIG_FILEPATH__#/etc/cni/net.d/calico-kubeconfig#" > /tmp/conf
mv /tmp/conf /host/etc/cni/net.d/.new
mv /host/etc/cni/net.d/.new "/host/etc/cni/net.d/$CNI_CONF_NAME"
`

/** A CNI plugin on the host: writes down how it was called and lets Debian's bridge plugin do the work. */
const fake = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")/..
config=$(cat)
echo "$CNI_COMMAND $CNI_ARGS $config" >> "$here/calls"
exec /usr/lib/cni/bridge <<EOF
{"cniVersion":"0.3.1","name":"k8s-pod-network","type":"bridge","bridge":"fakecali0","isGateway":true,"ipMasq":true,
 "ipam":{"type":"host-local","dataDir":"$here/addresses","ranges":[[{"subnet":"10.99.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}
EOF
`

const node = `#!/bin/sh
case "$1" in
-init)
  mkdir -p /sys/fs/bpf /var/run/calico/cgroup
  mount -t tmpfs bpffs /sys/fs/bpf
  mount -t tmpfs cgroup2 /var/run/calico/cgroup
  test -e /nodeproc/1/stat ;;
-felix-live|-felix-ready) test -e /run/felix ;;
-shutdown) echo "$NODENAME" > /var/lib/calico/shutdown ;;
*)
  env > /var/lib/calico/env
  cat /proc/self/mountinfo > /var/lib/calico/mounts
  cat /proc/self/status > /var/lib/calico/status
  touch /run/felix
  trap 'exit 0' TERM INT
  while true; do sleep 1 & wait $!; done ;;
esac
`

/** Ready when the API answers at its cluster IP, which takes a working pod network. */
const status = `#!/bin/sh
exec nc -w 3 "$KUBERNETES_SERVICE_HOST" "$KUBERNETES_SERVICE_PORT" </dev/null
`

const controllers = `#!/bin/sh
trap 'exit 0' TERM INT
while true; do sleep 1 & wait $!; done
`

/** What the DaemonSet runs. */
export async function stubNodeImage(disk: Disk, commands: Commands): Promise<OciImage> {
  const programs = { 'calico-ipam': upgrade, install, fake }
  return buildImage({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    layers: [
      await busyboxFiles(disk, commands),
      [
        ...['opt', 'opt/cni', 'opt/cni/bin', 'run'].map(path => ({ path, folder: true as const })),
        ...Object.entries(programs).map(([name, data]) => ({ path: `opt/cni/bin/${name}`, mode: 0o755, data })),
        { path: 'bin/calico-node', mode: 0o755, data: node },
      ],
    ],
    entrypoint: ['/bin/calico-node'],
  })
}

/** What the Deployment runs: as a user that is not root. */
export async function stubControllersImage(disk: Disk, commands: Commands): Promise<OciImage> {
  return buildImage({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    layers: [
      await busyboxFiles(disk, commands),
      [
        ...['usr', 'usr/bin'].map(path => ({ path, folder: true as const })),
        { path: 'usr/bin/check-status', mode: 0o755, data: status },
        { path: 'usr/bin/kube-controllers', mode: 0o755, data: controllers },
      ],
    ],
    user: '999',
    entrypoint: ['/usr/bin/kube-controllers'],
  })
}
