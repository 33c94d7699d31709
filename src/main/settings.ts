import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { SwapBehavior } from '../agent/index.ts'
import type { LogLevel } from '../base/logger.ts'
import { BadSetting } from './bad-setting.ts'
import { type CgroupChoices, cgroupContradiction, cgroupDefaults, cgroupRules } from './cgroup-settings.ts'
import { type ControllerSettings, controllerDefaults, controllerRules } from './controller-settings.ts'
import { type DiskChoices, diskContradiction, diskDefaults, diskRules } from './disk-settings.ts'
import { type EvictionChoices, evictionDefaults, evictionRules } from './eviction-settings.ts'
import { type ImageChoices, imageContradiction, imageDefaults, imageRules } from './image-settings.ts'
import { type NodeChoices, nodeDefaults, nodeRules } from './node-settings.ts'
import { type OidcChoices, oidcDefaults, oidcRules } from './oidc-settings.ts'
import { type RegistrationChoices, registrationDefaults, registrationRules } from './registration-settings.ts'
import {
  oneOf,
  readAcmeDirectory,
  readAge,
  readCidr,
  readCidrs,
  readDrivers,
  readEmail,
  readGateway,
  readIssuer,
  readIssuers,
  readListen,
  readNodeName,
  readPool,
  readReservation,
  readSize,
  readStore,
  readWait,
  wholeNumber,
} from './setting-readers.ts'
import { type DropIn, readConfigs } from './settings-file.ts'
import { type ShutdownChoices, shutdownContradiction, shutdownDefaults, shutdownRules } from './shutdown-settings.ts'
import { type TopologyChoices, topologyDefaults, topologyRules } from './topology-settings.ts'

/** All that can be set about a cluster or one of its parts. Flags win over OPTIFLOW_* variables, those over config files. */
export interface Settings
  extends ControllerSettings,
    CgroupChoices,
    TopologyChoices,
    DiskChoices,
    EvictionChoices,
    RegistrationChoices,
    ImageChoices,
    NodeChoices,
    OidcChoices,
    ShutdownChoices {
  /** Folder of everything that must survive a restart. */
  dataDir: string
  /** Address and port of the API. */
  listen: { host: string; port: number }
  /** `sqlite` (in dataDir), `memory` (gone at the end), or etcd with its endpoints. */
  store: { engine: 'sqlite' | 'memory' } | { engine: 'etcd'; endpoints: string[] }
  runtime: 'containerd' | 'simulated'
  /** The user's own containerd or CRI-O socket instead of an instance of ours. */
  containerRuntimeEndpoint: string | undefined
  /** Nodes in this process (simulated) or on this machine (containerd: 1). */
  nodes: number
  nodeName: string
  /** Where the kubeconfig goes; undefined: context `optiflow` in ~/.kube/config. */
  kubeconfig: string | undefined
  /** Of pods and of Services: one network, or two with a comma between, of different families. */
  clusterCidr: string
  serviceCidr: string
  clusterDomain: string
  /** `cni`: another CNI plugin (Calico, or one of yours) gives pods their network; its configuration is not ours to touch. */
  network: 'builtin' | 'cni'
  /** How packets between pods of two nodes travel, with `builtin`. */
  networkEncapsulation: 'vxlan-cross-subnet' | 'vxlan' | 'none'
  /** Networks that pods reach with their own addresses, not with the node's. */
  nonMasqueradeCidrs: string[]
  /** With `cni`: where that plugin puts its configuration and its programs. */
  cniConfDir: string
  cniBinDir: string
  /** `off`: another network plugin enforces NetworkPolicy; always so with `cni`. */
  networkPolicy: 'builtin' | 'off'
  /** Where Services of type LoadBalancer get their addresses: from the nodes, or from another program. */
  loadBalancer: 'nodes' | 'off'
  /** Addresses of the LAN for them instead of the nodes' own: `192.0.2.100-192.0.2.120,fd00::100/120`. */
  loadBalancerPool: string | undefined
  /** Where the gateway listens for http and https; undefined: on 80 and 443 while wanted, with real containers only. */
  gateway: { plain: Settings['listen']; secure?: Settings['listen'] } | 'off' | undefined
  /** What carries the gateway's requests: our own proxy, or Debian's HAProxy. */
  gatewayEngine: 'embedded' | 'haproxy'
  /** Who gives the gateway certificates, and whom it writes to about them; on as soon as either is named. */
  acmeDirectory: string | undefined
  acmeEmail: string | undefined
  /** An AuthenticationConfiguration: issuers of tokens, what they say of users, and where strangers may come. See docs/identity.md. */
  authenticationConfig: string | undefined
  /** An AdmissionConfiguration: settings of admission plugins. See docs/admission.md. */
  admissionControlConfigFile: string | undefined
  /** An AuthorizationConfiguration: who is asked what somebody may do. See docs/identity.md. */
  authorizationConfig: string | undefined
  /** Policies of ABAC, where that configuration names it. */
  authorizationPolicyFile: string | undefined
  /** Tokens that are good as long as the server runs, and whose they are. See docs/identity.md. */
  tokenAuthFile: string | undefined
  /** Who issues tokens of service accounts (the first signs, all are believed), where their keys are read, for whom tokens must be. */
  serviceAccountIssuers: string[] | undefined
  serviceAccountJwksUri: string | undefined
  apiAudiences: string[] | undefined
  /** What is recorded of requests, and where; see docs/audit.md. On as soon as there is a log or a webhook. */
  auditPolicyFile: string | undefined
  /** `-`: standard output. */
  auditLogPath: string | undefined
  auditLogMaxAgeDays: number
  auditLogMaxBackups: number
  auditLogMaxSizeMb: number
  /** A kubeconfig of the server that events are sent to. */
  auditWebhookConfigFile: string | undefined
  auditWebhookBatchMaxSize: number
  auditWebhookBatchMaxWaitMs: number
  /** A KubeSchedulerConfiguration: profiles, plugins, extenders. See docs/scheduler-profiles.md. */
  schedulerConfig: string | undefined
  logLevel: LogLevel
  /** How much of the past the store keeps, whichever is less; undefined: as the engine likes (SQLite 7 days and 2 GiB, etcd 1 hour). */
  historyAgeMs: number | undefined
  historyBytes: number | undefined
  /** Events are deleted when they are older. */
  eventAgeMs: number
  /** Pods that a node runs by itself, one a file; `manifests` in the data folder. */
  podManifestPath: string | undefined
  /** `false`: a pod that says nothing of seccomp runs without bounds, as under a kubelet that was not told otherwise. */
  seccompDefault: 'true' | 'false'
  /** Kernel settings that pods may change besides the safe ones: `net.core.somaxconn`, `kernel.msg*`. */
  allowedUnsafeSysctls: string[]
  /** How the node itself resolves names, which pods are told; undefined: the machine's own file. */
  resolvConf: string | undefined
  /** Kept off what pods may request, for the system and ourselves: `cpu=500m,memory=1Gi`. */
  systemReserved: Record<string, string> | undefined
  /** The same for the programs that make the machine a node. */
  kubeReserved: Record<string, string> | undefined
  /** Which containers may be swapped out, where the machine has swap. */
  memorySwapBehavior: SwapBehavior
  /** `true`: the kernel may end one process of a container that is out of memory, not the container as a whole. */
  singleProcessOomKill: 'true' | 'false'
  /** Nodes have images from each other when a registry does not answer. */
  imagePeers: 'true' | 'false'
  /** Image registries reached by plain HTTP or another address: `registry.local:5000=http://127.0.0.1:5000`. */
  registryMirrors: string[]
  /** Kubelet's folder, where plugins look for a node; undefined: /var/lib/kubelet with the usual data folder, else below it. */
  kubeletDir: string | undefined
  /** The resource of a device plugin whose devices pods may share, such as `nvidia.com/gpu`. */
  shareDevices: string | undefined
  /** CSI drivers whose volumes we make and attach ourselves: `disk.example.com=/run/csi/disk.sock`. */
  csiDrivers: { name: string; socket: string }[]
  /** Files with PEM, for an etcd that speaks TLS. */
  etcdCa: string | undefined
  etcdCert: string | undefined
  etcdKey: string | undefined
  etcdUser: string | undefined
  etcdPasswordFile: string | undefined
  /** Where regular backups go; undefined: none are made. */
  backupDir: string | undefined
  backupEveryMs: number
  /** So many are kept. */
  backupKeep: number
  /** Encrypts them. */
  backupKeyFile: string | undefined
}

interface Rule<K extends keyof Settings> {
  /** Name in the config file; the flag and the variable follow from it. */
  name: string
  read(text: string): Settings[K]
}

const rules: { [K in keyof Settings]: Rule<K> } = {
  ...controllerRules,
  ...cgroupRules,
  ...topologyRules,
  ...diskRules,
  ...evictionRules,
  ...registrationRules,
  ...imageRules,
  ...nodeRules,
  ...oidcRules,
  ...shutdownRules,
  dataDir: { name: 'data-dir', read: text => resolve(text) },
  listen: { name: 'listen', read: readListen },
  store: { name: 'store', read: readStore },
  runtime: { name: 'runtime', read: oneOf(['containerd', 'simulated'] as const) },
  containerRuntimeEndpoint: { name: 'container-runtime-endpoint', read: text => text },
  nodes: { name: 'nodes', read: text => wholeNumber(text, 0, 10_000) },
  nodeName: { name: 'node-name', read: readNodeName },
  kubeconfig: { name: 'kubeconfig', read: text => resolve(text) },
  clusterCidr: { name: 'cluster-cidr', read: readCidr },
  serviceCidr: { name: 'service-cidr', read: readCidr },
  clusterDomain: { name: 'cluster-domain', read: text => text },
  network: { name: 'network', read: oneOf(['builtin', 'cni'] as const) },
  networkEncapsulation: {
    name: 'network-encapsulation',
    read: oneOf(['vxlan-cross-subnet', 'vxlan', 'none'] as const),
  },
  nonMasqueradeCidrs: { name: 'non-masquerade-cidr', read: readCidrs },
  cniConfDir: { name: 'cni-conf-dir', read: text => resolve(text) },
  cniBinDir: { name: 'cni-bin-dir', read: text => resolve(text) },
  networkPolicy: { name: 'network-policy', read: oneOf(['builtin', 'off'] as const) },
  loadBalancer: { name: 'load-balancer', read: oneOf(['nodes', 'off'] as const) },
  loadBalancerPool: { name: 'load-balancer-pool', read: readPool },
  gateway: { name: 'gateway', read: readGateway },
  gatewayEngine: { name: 'gateway-engine', read: oneOf(['embedded', 'haproxy'] as const) },
  acmeDirectory: { name: 'acme-directory', read: readAcmeDirectory },
  acmeEmail: { name: 'acme-email', read: readEmail },
  authenticationConfig: { name: 'authentication-config', read: text => resolve(text) },
  admissionControlConfigFile: { name: 'admission-control-config-file', read: text => resolve(text) },
  authorizationConfig: { name: 'authorization-config', read: text => resolve(text) },
  authorizationPolicyFile: { name: 'authorization-policy-file', read: text => resolve(text) },
  tokenAuthFile: { name: 'token-auth-file', read: text => resolve(text) },
  serviceAccountIssuers: { name: 'service-account-issuer', read: readIssuers },
  serviceAccountJwksUri: { name: 'service-account-jwks-uri', read: readIssuer },
  apiAudiences: { name: 'api-audiences', read: text => text.split(',').filter(Boolean) },
  auditPolicyFile: { name: 'audit-policy-file', read: text => resolve(text) },
  auditLogPath: { name: 'audit-log-path', read: text => (text === '-' ? text : resolve(text)) },
  auditLogMaxAgeDays: { name: 'audit-log-maxage', read: text => wholeNumber(text, 0, 36_500) },
  auditLogMaxBackups: { name: 'audit-log-maxbackup', read: text => wholeNumber(text, 0, 100_000) },
  auditLogMaxSizeMb: { name: 'audit-log-maxsize', read: text => wholeNumber(text, 1, 100_000) },
  auditWebhookConfigFile: { name: 'audit-webhook-config-file', read: text => resolve(text) },
  auditWebhookBatchMaxSize: { name: 'audit-webhook-batch-max-size', read: text => wholeNumber(text, 1, 10_000) },
  auditWebhookBatchMaxWaitMs: { name: 'audit-webhook-batch-max-wait', read: readWait },
  schedulerConfig: { name: 'scheduler-config', read: text => resolve(text) },
  logLevel: { name: 'log-level', read: oneOf(['debug', 'info', 'warn', 'error', 'silent'] as const) },
  historyAgeMs: { name: 'history-age', read: readAge },
  historyBytes: { name: 'history-size', read: readSize },
  eventAgeMs: { name: 'event-age', read: readAge },
  etcdCa: { name: 'etcd-ca', read: text => resolve(text) },
  etcdCert: { name: 'etcd-cert', read: text => resolve(text) },
  etcdKey: { name: 'etcd-key', read: text => resolve(text) },
  etcdUser: { name: 'etcd-user', read: text => text },
  etcdPasswordFile: { name: 'etcd-password-file', read: text => resolve(text) },
  backupDir: { name: 'backup-dir', read: text => resolve(text) },
  backupEveryMs: { name: 'backup-every', read: readAge },
  backupKeep: { name: 'backup-keep', read: text => wholeNumber(text, 1, 10_000) },
  backupKeyFile: { name: 'backup-key-file', read: text => resolve(text) },
  podManifestPath: { name: 'pod-manifest-path', read: text => resolve(text) },
  seccompDefault: { name: 'seccomp-default', read: oneOf(['true', 'false'] as const) },
  allowedUnsafeSysctls: { name: 'allowed-unsafe-sysctls', read: text => text.split(',').filter(Boolean) },
  resolvConf: { name: 'resolv-conf', read: text => resolve(text) },
  systemReserved: { name: 'system-reserved', read: readReservation },
  kubeReserved: { name: 'kube-reserved', read: readReservation },
  memorySwapBehavior: { name: 'memory-swap-behavior', read: oneOf(['NoSwap', 'LimitedSwap'] as const) },
  singleProcessOomKill: { name: 'single-process-oom-kill', read: oneOf(['true', 'false'] as const) },
  imagePeers: { name: 'image-peers', read: oneOf(['true', 'false'] as const) },
  registryMirrors: { name: 'registry-mirror', read: text => text.split(',').filter(Boolean) },
  kubeletDir: { name: 'kubelet-dir', read: text => resolve(text) },
  shareDevices: { name: 'share-devices', read: text => text },
  csiDrivers: { name: 'csi-driver', read: readDrivers },
}

export interface SettingSources {
  /** By name: `data-dir`. */
  flags: Record<string, string | undefined>
  env: Record<string, string | undefined>
  /** Text of the config file (YAML), if any. */
  file?: string | undefined
  /** More of them, each wins over those before it and over `file`. */
  dropIns?: readonly DropIn[]
  /** Told of each field of a kubelet's file that has no effect here. */
  warn?: (problem: string) => void
  /** What the machine can do: decides the default runtime and folder. */
  machine: { root: boolean; containerd: boolean; hostname: string }
}

/** @throws BadSetting naming the setting, where it came from and what it may be. */
export function resolveSettings(sources: SettingSources): Settings {
  const { machine } = sources
  const known = new Set(Object.values(rules).map(rule => rule.name))
  const main = sources.file === undefined ? [] : [{ path: 'the config file', text: sources.file }]
  const config = readConfigs([...main, ...(sources.dropIns ?? [])], known, sources.warn)
  const settings: Settings = {
    ...controllerDefaults,
    ...cgroupDefaults,
    ...topologyDefaults,
    ...diskDefaults,
    ...evictionDefaults,
    ...registrationDefaults,
    ...imageDefaults,
    ...nodeDefaults,
    ...oidcDefaults,
    ...shutdownDefaults,
    dataDir: machine.root ? '/var/lib/optiflow' : join(homedir(), '.local/share/optiflow'),
    listen: { host: '127.0.0.1', port: 6443 },
    store: { engine: 'sqlite' },
    runtime: machine.root && machine.containerd ? 'containerd' : 'simulated',
    containerRuntimeEndpoint: undefined,
    nodes: 1,
    nodeName: machine.hostname.toLowerCase().replace(/[^a-z0-9.-]/g, '-') || 'node-1',
    kubeconfig: undefined,
    clusterCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/16',
    clusterDomain: 'cluster.local',
    network: 'builtin',
    networkEncapsulation: 'vxlan-cross-subnet',
    nonMasqueradeCidrs: [],
    cniConfDir: '/etc/cni/net.d',
    cniBinDir: '/opt/cni/bin',
    networkPolicy: 'builtin',
    loadBalancer: 'nodes',
    loadBalancerPool: undefined,
    gateway: undefined,
    gatewayEngine: 'embedded',
    acmeDirectory: undefined,
    acmeEmail: undefined,
    authenticationConfig: undefined,
    admissionControlConfigFile: undefined,
    authorizationConfig: undefined,
    authorizationPolicyFile: undefined,
    tokenAuthFile: undefined,
    serviceAccountIssuers: undefined,
    serviceAccountJwksUri: undefined,
    apiAudiences: undefined,
    auditPolicyFile: undefined,
    auditLogPath: undefined,
    auditLogMaxAgeDays: 0,
    // kube-apiserver keeps all; a disk that fills up stops the store.
    auditLogMaxBackups: 10,
    auditLogMaxSizeMb: 100,
    auditWebhookConfigFile: undefined,
    auditWebhookBatchMaxSize: 400,
    auditWebhookBatchMaxWaitMs: 30_000,
    schedulerConfig: undefined,
    logLevel: 'info',
    historyAgeMs: undefined,
    historyBytes: undefined,
    eventAgeMs: 7 * 24 * 3600_000,
    podManifestPath: undefined,
    seccompDefault: 'true',
    allowedUnsafeSysctls: [],
    resolvConf: undefined,
    systemReserved: undefined,
    kubeReserved: undefined,
    memorySwapBehavior: 'NoSwap',
    singleProcessOomKill: 'false',
    imagePeers: 'true',
    registryMirrors: [],
    kubeletDir: undefined,
    shareDevices: undefined,
    csiDrivers: [],
    etcdCa: undefined,
    etcdCert: undefined,
    etcdKey: undefined,
    etcdUser: undefined,
    etcdPasswordFile: undefined,
    backupDir: undefined,
    backupEveryMs: 24 * 3600_000,
    backupKeep: 7,
    backupKeyFile: undefined,
  }
  const given = new Set<keyof Settings>()
  for (const key of Object.keys(rules) as (keyof Settings)[]) {
    const rule = rules[key]
    const variable = `OPTIFLOW_${rule.name.toUpperCase().replaceAll('-', '_')}`
    const candidates: [string, string | undefined][] = [
      [`--${rule.name}`, sources.flags[rule.name]],
      [variable, sources.env[variable]],
      [config.get(rule.name)?.where ?? '', config.get(rule.name)?.text],
    ]
    const found = candidates.find(([, text]) => text !== undefined && text !== '')
    if (!found) continue
    given.add(key)
    try {
      ;(settings as unknown as Record<string, unknown>)[key] = rule.read(found[1]!)
    } catch (cause) {
      throw new BadSetting(`${found[0]}: ${JSON.stringify(found[1])} ${(cause as Error).message}`)
    }
  }
  return withoutContradiction(settings, given)
}

/** Our rules know only addresses that we gave out ourselves. */
function withoutContradiction(settings: Settings, given: ReadonlySet<keyof Settings>): Settings {
  const contradiction =
    diskContradiction(settings) ??
    imageContradiction(settings) ??
    shutdownContradiction(settings, given) ??
    cgroupContradiction(settings)
  if (contradiction) throw new BadSetting(contradiction, { hint: 'Change one of the two.' })
  if (settings.network === 'builtin') return settings
  if (given.has('networkPolicy') && settings.networkPolicy === 'builtin')
    throw new BadSetting(
      '--network-policy builtin needs --network builtin: its rules know only addresses that we gave out',
      {
        hint: 'Leave --network-policy out; the network plugin enforces policies, if it can.',
      },
    )
  return { ...settings, networkPolicy: 'off' }
}
