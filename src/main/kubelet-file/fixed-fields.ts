import { parseGoDuration } from '../../models/go-duration.ts'
import type { FixedField } from './field.ts'

/** True for what says nothing: zeros of every type, and maps of nothing else. Tools that write whole files write these. */
const says = (value: unknown): boolean => {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(says)
  if (typeof value === 'string') return value !== '' && value !== '0' && parseGoDuration(value) !== 0
  return Boolean(value)
}

/** Zero, or what holds anyway. */
const saysOnly =
  (...same: unknown[]) =>
  (value: unknown): boolean =>
    !says(value) || same.some(one => one === value || (isDuration(one) && sameTime(one, value)))

const isDuration = (value: unknown): value is string => typeof value === 'string' && /^\d/.test(value)
const sameTime = (a: string, b: unknown): boolean => {
  const ms = parseGoDuration(a)
  return ms !== undefined && typeof b === 'string' && parseGoDuration(b) === ms
}

const any = () => true
const only =
  (...values: unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value)

const identity = 'client certificates of the cluster, and tokens that the API knows; nobody is anonymous'
const ofProcess = 'of the program that starts the node'

/** Fields of a KubeletConfiguration whose matter is settled here, or which have none. */
export const fixedFields: FixedField[] = [
  // Who may ask a node.
  {
    field: 'authentication.anonymous.enabled',
    holds: identity,
    agrees: only(false),
    instead: 'give whoever asks a token of a service account',
  },
  {
    field: 'authentication.webhook.enabled',
    holds: identity,
    agrees: only(true),
    instead: 'take the verb of nodes/proxy from whose tokens shall not do',
  },
  {
    field: 'authentication.webhook.cacheTTL',
    holds: 'answers of the API are kept as long as it is safe',
    agrees: saysOnly('2m'),
    instead: 'take it out',
  },
  {
    field: 'authentication.x509.clientCAFile',
    holds: "the cluster's authority, which the node has since it joined",
    agrees: saysOnly(),
    instead: 'take it out: a server that shows another certificate to the node needs a role in the API',
  },
  {
    field: 'authorization.mode',
    holds: 'the API is asked: Webhook',
    agrees: saysOnly('Webhook'),
    instead: 'give whoever asks a role with nodes/proxy',
  },
  {
    field: 'authorization.webhook.cacheAuthorizedTTL',
    holds: 'answers of the API are kept as long as it is safe',
    agrees: saysOnly('5m'),
    instead: 'take it out',
  },
  {
    field: 'authorization.webhook.cacheUnauthorizedTTL',
    holds: 'answers of the API are kept as long as it is safe',
    agrees: saysOnly('30s'),
    instead: 'take it out',
  },
  {
    field: 'address',
    holds: "the node's own address",
    agrees: value => saysOnly('0.0.0.0', '::')(value) || !/^(127\.|::1$)/.test(String(value)),
    instead: 'name the address with --node-ip; a firewall keeps others away from its port',
    refused: true,
  },
  {
    field: 'port',
    holds: '10250, or a free one when another agent has it: the node tells the API',
    agrees: saysOnly(10250),
    instead: 'take it out',
  },
  {
    field: 'enableServer',
    holds: 'true',
    agrees: only(true),
    instead: 'take it out; a firewall keeps others away from port 10250',
    refused: true,
  },
  {
    field: 'enableSystemLogQuery',
    holds: 'true: logs of services for those whom RBAC lets',
    agrees: any,
    instead: 'give nobody nodes/log',
  },
  {
    field: 'tlsCertFile',
    holds: "a certificate of the cluster's authority, renewed by itself",
    agrees: saysOnly(),
    instead: 'take it out: whoever asks the node trusts the authority in the kubeconfig',
  },
  {
    field: 'tlsPrivateKeyFile',
    holds: "a certificate of the cluster's authority, renewed by itself",
    agrees: saysOnly(),
    instead: 'take it out',
  },
  { field: 'rotateCertificates', holds: 'true', agrees: any, instead: 'take it out' },
  { field: 'serverTLSBootstrap', holds: 'true', agrees: any, instead: 'take it out' },
  {
    field: 'streamingConnectionIdleTimeout',
    holds: 'connections of exec and port-forward stay as long as both ends do',
    agrees: saysOnly('4h'),
    instead: 'take it out',
  },

  // What the node is and does.
  {
    field: 'registerNode',
    holds: 'true',
    agrees: only(true),
    instead: 'take it out; registerWithTaints keeps pods away from a new node',
    refused: true,
  },
  {
    field: 'staticPodURL',
    holds: 'static pods are files',
    agrees: saysOnly(),
    instead: 'fetch the manifests into the folder of staticPodPath',
    refused: true,
  },
  { field: 'staticPodURLHeader', holds: 'static pods are files', agrees: saysOnly(), instead: 'take it out' },
  { field: 'fileCheckFrequency', holds: 'a change is seen at once', agrees: any, instead: 'take it out' },
  { field: 'httpCheckFrequency', holds: 'static pods are files', agrees: any, instead: 'take it out' },
  {
    field: 'cgroupDriver',
    holds: 'cgroupfs with our own containerd; with containerRuntimeEndpoint, as that runtime has it',
    agrees: saysOnly('cgroupfs'),
    instead: 'take it out, or name a runtime whose driver is systemd in containerRuntimeEndpoint',
  },
  {
    field: 'podLogsDir',
    holds: 'node/logs in the data folder',
    agrees: saysOnly(),
    instead: 'have readers of logs read there, or make a link',
  },
  {
    field: 'imageServiceEndpoint',
    holds: 'images are where containers are',
    agrees: saysOnly(),
    instead: 'take it out',
  },
  { field: 'syncFrequency', holds: 'a change is seen at once; see /configz', agrees: any, instead: 'take it out' },
  {
    field: 'volumeStatsAggPeriod',
    holds: 'folders and drivers are asked once a minute, when somebody asks',
    agrees: saysOnly('1m'),
    instead: 'take it out',
  },
  { field: 'cpuManagerReconcilePeriod', holds: 'at each change', agrees: any, instead: 'take it out' },
  { field: 'runtimeRequestTimeout', holds: 'each call has its own', agrees: saysOnly('2m'), instead: 'take it out' },
  { field: 'containerLogMaxWorkers', holds: 'one look after the other', agrees: any, instead: 'take it out' },
  { field: 'kubeAPIQPS', holds: "the API server's flow control bounds it", agrees: any, instead: 'take it out' },
  { field: 'kubeAPIBurst', holds: "the API server's flow control bounds it", agrees: any, instead: 'take it out' },
  {
    field: 'configMapAndSecretChangeDetectionStrategy',
    holds: 'Watch',
    agrees: saysOnly('Watch'),
    instead: 'take it out',
  },
  {
    field: 'localStorageCapacityIsolation',
    holds: 'true',
    agrees: only(true),
    instead: 'take it out; pods without limits of ephemeral-storage have none',
  },
  {
    field: 'enableControllerAttachDetach',
    holds: 'true: the control plane attaches',
    agrees: only(true),
    instead: 'take it out',
  },
  { field: 'cpuCFSQuotaPeriod', holds: '100 ms', agrees: saysOnly('100ms'), instead: 'take it out' },

  // Of another program, or of the past.
  ...(['hairpinMode', 'makeIPTablesUtilChains', 'iptablesMasqueradeBit', 'iptablesDropBit', 'podCIDR'] as const).map(
    (field): FixedField => ({
      field,
      holds: 'of the network, which is our own or that of --network cni',
      agrees: any,
      instead: 'take it out',
    }),
  ),
  {
    field: 'maxOpenFiles',
    holds: ofProcess,
    agrees: saysOnly(1_000_000),
    instead: 'set LimitNOFILE= of its unit',
  },
  { field: 'oomScoreAdj', holds: ofProcess, agrees: saysOnly(-999), instead: 'set OOMScoreAdjust= of its unit' },
  { field: 'kubeletCgroups', holds: ofProcess, agrees: saysOnly(), instead: 'set Slice= of its unit' },
  { field: 'systemCgroups', holds: ofProcess, agrees: saysOnly(), instead: 'set Slice= of the units of others' },
  ...(['enableProfilingHandler', 'enableDebugFlagsHandler', 'enableContentionProfiling', 'contentType'] as const).map(
    (field): FixedField => ({ field, holds: 'of kubelet’s own program', agrees: any, instead: 'take it out' }),
  ),
  {
    field: 'logging',
    holds: 'JSON, by --log-level',
    agrees: value => !says({ ...(value as object), flushFrequency: 0, format: '' }),
    instead: 'take it out, and say --log-level',
  },
  { field: 'tracing', holds: 'no traces are sent', agrees: saysOnly(), instead: 'take it out' },
  {
    field: 'featureGates',
    holds: 'what a node can do is not switched',
    agrees: saysOnly(),
    instead: 'take it out; the documentation says what there is',
  },
  { field: 'showHiddenMetricsForVersion', holds: 'no metrics are hidden', agrees: any, instead: 'take it out' },
  { field: 'memoryThrottlingFactor', holds: 'of the gate MemoryQoS, alpha', agrees: any, instead: 'take it out' },
  { field: 'runOnce', holds: 'of the past', agrees: only(false), instead: 'take it out', refused: true },
  { field: 'kernelMemcgNotification', holds: 'of the past', agrees: any, instead: 'take it out' },
  { field: 'volumePluginDir', holds: 'of the past: drivers are CSI’s', agrees: any, instead: 'take it out' },
]
