import { hostname } from 'node:os'
import type { Command } from 'commander'
import { containerdInstalled } from '../../main/preflight.ts'
import { resolveSettings, type Settings } from '../../main/settings.ts'
import { readConfigFile, readConfigFolder } from '../../main/settings-file.ts'
import type { Outside } from '../command.ts'

const flags: Record<string, [flag: string, help: string]> = {
  'data-dir': ['--data-dir <dir>', 'folder of all state (/var/lib/optiflow as root, else ~/.local/share/optiflow)'],
  listen: ['--listen <host:port>', 'address of the API (127.0.0.1:6443)'],
  store: ['--store <engine>', 'sqlite, memory, or etcd=URL,…'],
  runtime: ['--runtime <name>', 'containerd or simulated'],
  'container-runtime-endpoint': [
    '--container-runtime-endpoint <socket>',
    'your own containerd or CRI-O instead of an instance of ours',
  ],
  nodes: ['--nodes <n>', 'simulated nodes in this process'],
  'node-name': ['--node-name <name>', "the node's name (host name)"],
  kubeconfig: ['--kubeconfig <file>', 'where to write the kubeconfig (context "optiflow" in ~/.kube/config)'],
  'cluster-cidr': ['--cluster-cidr <cidr,…>', 'network of all pods, or one of each family (10.244.0.0/16)'],
  'service-cidr': ['--service-cidr <cidr,…>', 'network of Services, or one of each family (10.96.0.0/16)'],
  'cluster-domain': ['--cluster-domain <name>', 'DNS zone (cluster.local)'],
  network: ['--network <who>', 'builtin, or cni when another plugin gives pods their network (builtin)'],
  'network-encapsulation': [
    '--network-encapsulation <how>',
    "between nodes' pods: vxlan-cross-subnet, vxlan or none (vxlan-cross-subnet)",
  ],
  'non-masquerade-cidr': [
    '--non-masquerade-cidr <cidr,…>',
    'networks outside that see addresses of pods, not of nodes (none)',
  ],
  'cni-conf-dir': ['--cni-conf-dir <dir>', "with --network cni: the plugin's configuration (/etc/cni/net.d)"],
  'cni-bin-dir': ['--cni-bin-dir <dir>', 'with --network cni: its programs (/opt/cni/bin)'],
  'network-policy': ['--network-policy <who>', 'builtin, or off when another network plugin enforces it (builtin)'],
  'load-balancer': ['--load-balancer <who>', 'gives Services of type LoadBalancer addresses: nodes, or off (nodes)'],
  'load-balancer-pool': [
    '--load-balancer-pool <addresses,…>',
    'addresses of the LAN for them, announced by a node each: 192.0.2.100-192.0.2.120,… (none: those of the nodes)',
  ],
  gateway: ['--gateway <http,https>', 'where Ingress is served, or off (:80,:443 with real containers, while wanted)'],
  'gateway-engine': ['--gateway-engine <program>', 'what carries its requests: embedded, or haproxy (embedded)'],
  'acme-directory': [
    '--acme-directory <url>',
    'who gives the gateway certificates: letsencrypt, letsencrypt-staging or a URL (letsencrypt, with --acme-email)',
  ],
  'acme-email': [
    '--acme-email <address>',
    "obtains certificates, agrees to the authority's terms and is told of trouble",
  ],
  'oidc-issuer-url': [
    '--oidc-issuer-url <url>',
    'OpenID Connect issuer whose tokens are believed, with --oidc-client-id',
  ],
  'oidc-client-id': ['--oidc-client-id <id>', 'audience that its tokens must have'],
  'oidc-username-claim': ['--oidc-username-claim <claim>', 'who somebody is (sub)'],
  'oidc-username-prefix': ['--oidc-username-prefix <text>', 'before every name; - for none (<issuer>#)'],
  'oidc-groups-claim': ['--oidc-groups-claim <claim>', 'what somebody belongs to'],
  'oidc-groups-prefix': ['--oidc-groups-prefix <text>', 'before every group'],
  'oidc-required-claim': ['--oidc-required-claim <claim=value,…>', 'what a token must say besides'],
  'oidc-ca-file': ['--oidc-ca-file <file>', "the issuer's authority, if it is not a public one"],
  'authentication-config': [
    '--authentication-config <file>',
    'issuers whose tokens are believed: an AuthenticationConfiguration, instead of --oidc-…',
  ],
  'admission-control-config-file': [
    '--admission-control-config-file <file>',
    'settings of admission plugins: an AdmissionConfiguration (docs/admission.md)',
  ],
  'authorization-config': [
    '--authorization-config <file>',
    'who is asked what somebody may do: an AuthorizationConfiguration (Node and RBAC)',
  ],
  'authorization-policy-file': ['--authorization-policy-file <file>', 'policies, where that configuration names ABAC'],
  'token-auth-file': [
    '--token-auth-file <file>',
    'tokens and whose they are: token,name,uid,"group,group" on each line',
  ],
  'audit-policy-file': ['--audit-policy-file <file>', 'what is recorded of requests (docs/audit.md has the default)'],
  'audit-log-path': ['--audit-log-path <file>', 'where it is recorded; - for standard output (nowhere)'],
  'audit-log-maxage': ['--audit-log-maxage <days>', 'how long old files are kept (0: for ever)'],
  'audit-log-maxbackup': ['--audit-log-maxbackup <n>', 'how many old files are kept (0: all)'],
  'audit-log-maxsize': ['--audit-log-maxsize <MB>', 'how large a file becomes before it is put aside (100)'],
  'audit-webhook-config-file': ['--audit-webhook-config-file <file>', 'kubeconfig of a server that events are sent to'],
  'audit-webhook-batch-max-size': ['--audit-webhook-batch-max-size <n>', 'events in one request to it (400)'],
  'audit-webhook-batch-max-wait': ['--audit-webhook-batch-max-wait <time>', 'how long an event waits for others (30s)'],
  'scheduler-config': [
    '--scheduler-config <file>',
    'profiles, plugins and extenders of the scheduler (KubeSchedulerConfiguration)',
  ],
  'log-level': ['--log-level <level>', 'debug, info, warn, error or silent'],
  'history-age': ['--history-age <age>', 'how long the past is kept (7d; with etcd 1h)'],
  'history-size': ['--history-size <size>', 'how large the store may become for it (2Gi)'],
  'event-age': ['--event-age <age>', 'how long Events are kept (7d)'],
  'etcd-ca': ['--etcd-ca <file>', "authority of etcd's certificates (PEM)"],
  'etcd-cert': ['--etcd-cert <file>', 'our certificate for etcd (PEM)'],
  'etcd-key': ['--etcd-key <file>', 'its key (PEM)'],
  'etcd-user': ['--etcd-user <name>', 'user in etcd'],
  'etcd-password-file': ['--etcd-password-file <file>', "file with the user's password"],
  'backup-dir': ['--backup-dir <dir>', 'where regular backups go (none are made)'],
  'backup-every': ['--backup-every <age>', 'how often they are made (24h)'],
  'backup-keep': ['--backup-keep <n>', 'how many of them are kept (7)'],
  'backup-key-file': ['--backup-key-file <file>', 'encrypts them with what is in this file'],
  'pod-manifest-path': [
    '--pod-manifest-path <dir>',
    'pods that this node runs by itself (manifests in the data folder)',
  ],
  'allowed-unsafe-sysctls': [
    '--allowed-unsafe-sysctls <names,…>',
    'kernel settings that pods may change: kernel.msg*,…',
  ],
  'eviction-hard': [
    '--eviction-hard <list>',
    'when pods must go at once: memory.available<100Mi,nodefs.available<10%,…',
  ],
  'eviction-soft': ['--eviction-soft <list>', 'when they must go if it lasts'],
  'eviction-soft-grace-period': ['--eviction-soft-grace-period <list>', 'how long: memory.available=1m30s'],
  'eviction-minimum-reclaim': ['--eviction-minimum-reclaim <list>', 'how much more must be free: nodefs.available=1Gi'],
  'eviction-max-pod-grace-period': [
    '--eviction-max-pod-grace-period <seconds>',
    'the longest that a pod may take which a soft threshold ends (-1: as long as it asked for)',
  ],
  'eviction-pressure-transition-period': [
    '--eviction-pressure-transition-period <duration>',
    'how long the node says that it is short after it no longer is (5m)',
  ],
  'resolv-conf': ['--resolv-conf <file>', 'how the node resolves names, which pods are told (/etc/resolv.conf)'],
  'system-reserved': ['--system-reserved <list>', 'what pods may not request (cpu=100m,memory=256Mi)'],
  'kube-reserved': ['--kube-reserved <list>', 'what they may not request besides, for the node’s own programs (none)'],
  'system-reserved-cgroup': ['--system-reserved-cgroup <group>', 'the control group of the system: /system.slice'],
  'kube-reserved-cgroup': ['--kube-reserved-cgroup <group>', 'the control group of the node’s own programs'],
  'cgroups-per-qos': ['--cgroups-per-qos <choice>', 'control groups of pods as kubelet has them: true or false (true)'],
  'cgroup-root': ['--cgroup-root <group>', 'the control group below which kubepods is (/)'],
  'cgroup-driver': ['--cgroup-driver <name>', 'who makes control groups: cgroupfs, this node itself (cgroupfs)'],
  'enforce-node-allocatable': [
    '--enforce-node-allocatable <who>',
    'pods, system-reserved, kube-reserved (each also -compressible: only processors), or none (pods)',
  ],
  'pod-max-pids': ['--pod-max-pids <n>', 'processes that one pod may have (-1: any number)'],
  'qos-reserved': ['--qos-reserved <list>', 'requested memory that lesser classes of pods cannot take (memory=50%)'],
  'cpu-manager-policy': ['--cpu-manager-policy <name>', 'none, or static: whole processors for Guaranteed pods (none)'],
  'cpu-manager-policy-options': ['--cpu-manager-policy-options <list>', 'full-pcpus-only=true: only whole cores'],
  'reserved-cpus': ['--reserved-cpus <list>', 'processors kept for the system: 0-1 (none by name)'],
  'memory-manager-policy': [
    '--memory-manager-policy <name>',
    'None, or Static: Guaranteed pods have memory of few NUMA nodes (None)',
  ],
  'reserved-memory': ['--reserved-memory <list>', 'what each NUMA node keeps of it: 0:memory=356Mi;1:memory=1Gi'],
  'topology-manager-policy': [
    '--topology-manager-policy <name>',
    'what a container gets is near to each other: none, best-effort, restricted or single-numa-node (none)',
  ],
  'topology-manager-scope': ['--topology-manager-scope <name>', 'container, or pod: all of its containers (container)'],
  'topology-manager-policy-options': [
    '--topology-manager-policy-options <list>',
    'prefer-closest-numa-nodes=true, max-allowable-numa-nodes=16',
  ],
  'node-labels': ['--node-labels <list>', 'labels of this node: topology.kubernetes.io/zone=a,team=core'],
  'register-with-taints': [
    '--register-with-taints <list>',
    'taints at its first registration: dedicated=gpu:NoSchedule',
  ],
  'max-pods': ['--max-pods <n>', 'pods that this node takes (110)'],
  'serialize-image-pulls': ['--serialize-image-pulls <choice>', 'one image after the other: true or false (false)'],
  'max-parallel-image-pulls': ['--max-parallel-image-pulls <n>', 'images pulled at once (5)'],
  'image-gc-high-threshold': ['--image-gc-high-threshold <percent>', 'of the disk: above it unused images go (85)'],
  'image-gc-low-threshold': ['--image-gc-low-threshold <percent>', 'of the disk: down to it (80)'],
  'minimum-image-ttl-duration': [
    '--minimum-image-ttl-duration <duration>',
    'an image that was unused for less stays (2m)',
  ],
  'image-maximum-gc-age': [
    '--image-maximum-gc-age <duration>',
    'an image that was unused for longer goes in any case (0s: none)',
  ],
  'container-log-max-size': ['--container-log-max-size <size>', 'of a log file before another one is begun (10Mi)'],
  'container-log-max-files': ['--container-log-max-files <n>', 'log files of a container, the last included (5)'],
  'memory-swap-behavior': [
    '--memory-swap-behavior <name>',
    'NoSwap, or LimitedSwap: Burstable pods may be swapped out (NoSwap)',
  ],
  'single-process-oom-kill': [
    '--single-process-oom-kill <choice>',
    'true: out of memory one process of a container ends, not the container (false)',
  ],
  'shutdown-grace-period': [
    '--shutdown-grace-period <duration>',
    'time for pods when the machine is switched off (30s)',
  ],
  'shutdown-grace-period-critical-pods': [
    '--shutdown-grace-period-critical-pods <duration>',
    'of that, kept for critical pods (10s)',
  ],
  'shutdown-grace-period-by-pod-priority': [
    '--shutdown-grace-period-by-pod-priority <list>',
    'instead of both: time for pods of a priority and above: 0=20s,100000=10s',
  ],
  'seccomp-default': ['--seccomp-default <bool>', 'bounds of the runtime for pods that say nothing of seccomp (true)'],
  'kubelet-dir': [
    '--kubelet-dir <dir>',
    'where plugins of nodes are (/var/lib/kubelet with the usual data folder, else DATA/kubelet)',
  ],
  'share-devices': ['--share-devices <resource>', 'devices that pods may share by thousandths: nvidia.com/gpu (none)'],
  'csi-driver': [
    '--csi-driver <name=socket,…>',
    'CSI drivers on this machine whose volumes are made and attached without sidecars',
  ],
  'node-eviction-rate': ['--node-eviction-rate <n>', 'nodes a second whose pods leave, in a healthy zone (0.1)'],
  'secondary-node-eviction-rate': [
    '--secondary-node-eviction-rate <n>',
    'the same in a large zone that is disrupted (0.01); in a small one none do',
  ],
  'unhealthy-zone-threshold': [
    '--unhealthy-zone-threshold <share>',
    'so many nodes not ready, and three at least, are a disruption of their zone (0.55)',
  ],
  'large-cluster-size-threshold': ['--large-cluster-size-threshold <n>', 'a zone of more nodes is a large one (50)'],
  'node-monitor-grace-period': [
    '--node-monitor-grace-period <time>',
    'a node that is silent for longer is unreachable (50s)',
  ],
  'node-startup-grace-period': ['--node-startup-grace-period <time>', 'the same for one that never reported (60s)'],
  'terminated-pod-gc-threshold': ['--terminated-pod-gc-threshold <n>', 'finished pods that may stay; 0: all (12500)'],
  'cluster-signing-duration': ['--cluster-signing-duration <time>', 'no signed certificate holds for longer (8760h)'],
  'horizontal-pod-autoscaler-sync-period': [
    '--horizontal-pod-autoscaler-sync-period <time>',
    'how often autoscalers look at what is measured (15s)',
  ],
  'horizontal-pod-autoscaler-downscale-stabilization': [
    '--horizontal-pod-autoscaler-downscale-stabilization <time>',
    'how long less must be wanted before they shrink their target (5m)',
  ],
  'horizontal-pod-autoscaler-tolerance': [
    '--horizontal-pod-autoscaler-tolerance <share>',
    'how far off may be what is measured before they do anything (0.1)',
  ],
  'horizontal-pod-autoscaler-cpu-initialization-period': [
    '--horizontal-pod-autoscaler-cpu-initialization-period <time>',
    "how long after its start a pod's use of processors may not count (5m)",
  ],
  'horizontal-pod-autoscaler-initial-readiness-delay': [
    '--horizontal-pod-autoscaler-initial-readiness-delay <time>',
    'within it a pod becomes ready for the first time (30s)',
  ],
  'image-credential-provider-config': [
    '--image-credential-provider-config <file>',
    'programs that know what registries want to see: a CredentialProviderConfig',
  ],
  'image-credential-provider-bin-dir': ['--image-credential-provider-bin-dir <dir>', 'where those programs are'],
  'image-peers': ['--image-peers <bool>', 'have images from other nodes when their registry does not answer (true)'],
  'registry-mirror': [
    '--registry-mirror <host=url,…>',
    'where a registry is really reached: registry.local=http://10.0.0.9:5000',
  ],
}

/** Of the controllers. */
export const controllerFlags = [
  'node-eviction-rate',
  'secondary-node-eviction-rate',
  'unhealthy-zone-threshold',
  'large-cluster-size-threshold',
  'node-monitor-grace-period',
  'node-startup-grace-period',
  'terminated-pod-gc-threshold',
  'cluster-signing-duration',
  'horizontal-pod-autoscaler-sync-period',
  'horizontal-pod-autoscaler-downscale-stabilization',
  'horizontal-pod-autoscaler-tolerance',
  'horizontal-pod-autoscaler-cpu-initialization-period',
  'horizontal-pod-autoscaler-initial-readiness-delay',
]

/** Of a node with real containers. */
export const nodeFlags = [
  'network-encapsulation',
  'non-masquerade-cidr',
  'pod-manifest-path',
  'allowed-unsafe-sysctls',
  'eviction-hard',
  'eviction-soft',
  'eviction-soft-grace-period',
  'eviction-minimum-reclaim',
  'eviction-max-pod-grace-period',
  'eviction-pressure-transition-period',
  'resolv-conf',
  'system-reserved',
  'kube-reserved',
  'system-reserved-cgroup',
  'kube-reserved-cgroup',
  'cgroups-per-qos',
  'cgroup-root',
  'cgroup-driver',
  'enforce-node-allocatable',
  'pod-max-pids',
  'qos-reserved',
  'cpu-manager-policy',
  'cpu-manager-policy-options',
  'reserved-cpus',
  'memory-manager-policy',
  'reserved-memory',
  'topology-manager-policy',
  'topology-manager-scope',
  'topology-manager-policy-options',
  'node-labels',
  'register-with-taints',
  'max-pods',
  'serialize-image-pulls',
  'max-parallel-image-pulls',
  'image-gc-high-threshold',
  'image-gc-low-threshold',
  'minimum-image-ttl-duration',
  'image-maximum-gc-age',
  'container-log-max-size',
  'container-log-max-files',
  'memory-swap-behavior',
  'single-process-oom-kill',
  'shutdown-grace-period',
  'shutdown-grace-period-critical-pods',
  'shutdown-grace-period-by-pod-priority',
  'seccomp-default',
  'kubelet-dir',
  'share-devices',
  'image-credential-provider-config',
  'image-credential-provider-bin-dir',
  'image-peers',
  'registry-mirror',
]

/** Log-in elsewhere. */
export const oidcFlags = Object.keys(flags).filter(name => name.startsWith('oidc-'))

/** Who asked for what. */
export const auditFlags = Object.keys(flags).filter(name => name.startsWith('audit-'))

/** How etcd lets us in. */
export const etcdFlags = Object.keys(flags).filter(name => name.startsWith('etcd-'))

/** Of whoever opens the store: what it keeps, how it is reached, how it is backed up. */
export const storeFlags = [
  'history-age',
  'history-size',
  'event-age',
  'etcd-ca',
  'etcd-cert',
  'etcd-key',
  'etcd-user',
  'etcd-password-file',
  'backup-dir',
  'backup-every',
  'backup-keep',
  'backup-key-file',
] as const

/** Adds these settings as flags, and the files that more are in. */
export function withSettings(command: Command, names: (keyof typeof flags)[]): Command {
  for (const name of names) {
    const [flag, help] = flags[name]!
    if (/(,\u2026|list)>$/.test(flag)) command.option(flag, help, joined)
    else command.option(flag, help)
  }
  return command
    .option('--config <file>', 'YAML file of settings, by the names of the flags')
    .option('--config-dir <dir>', 'folder of more such files, *.conf in the order of their names')
}

/** A flag that takes a list may be given several times as well. */
const joined = (more: string, before?: string) => (before === undefined ? more : `${before},${more}`)

/** Flags, OPTIFLOW_* and config files of one command line. @throws BadSetting */
export async function settingsOf(outside: Outside, given: Record<string, unknown>): Promise<Settings> {
  const file = await readConfigFile(
    outside.disk,
    typeof given['config'] === 'string' ? given['config'] : outside.env['OPTIFLOW_CONFIG'],
  )
  const folder = typeof given['configDir'] === 'string' ? given['configDir'] : outside.env['OPTIFLOW_CONFIG_DIR']
  const dropIns = await readConfigFolder(outside.disk, folder)
  const root = process.getuid?.() === 0
  return resolveSettings({
    flags: byName(given),
    env: outside.env,
    // It has its path, so that what is wrong with it names the file.
    dropIns: [...(file ? [file] : []), ...dropIns],
    machine: { root, containerd: await containerdInstalled(outside.disk, outside.env['PATH']), hostname: hostname() },
  })
}

/** The same settings as flags again, for the process that goes on in the background. */
export function flagsAgain(given: Record<string, unknown>): string[] {
  const again = Object.entries(byName(given)).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  )
  const files = { '--config': given['config'], '--config-dir': given['configDir'] }
  return [...again, ...Object.entries(files).flatMap(([flag, path]) => (typeof path === 'string' ? [flag, path] : []))]
}

function byName(given: Record<string, unknown>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.keys(flags).map(name => {
      const value = given[name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())]
      return [name, typeof value === 'string' ? value : undefined]
    }),
  )
}
