import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { kubeletConfiguration } from '../../agent/node/kubelet-configuration.ts'
import type { AgentOptions } from '../../agent/options.ts'
import { cgroupOptions } from '../cgroup-settings.ts'
import { diskOptions } from '../disk-settings.ts'
import { evictionOptions } from '../eviction-settings.ts'
import { nodeOptions, nodePortOptions } from '../node-settings.ts'
import { registrationOptions } from '../registration-settings.ts'
import { resolveSettings, type Settings } from '../settings.ts'
import { shutdownOptions } from '../shutdown-settings.ts'
import { topologyOptions } from '../topology-settings.ts'
import { kubeletFields } from './kubelet-files.ts'
import { kubeletFieldsPage } from './page.ts'

const machine = { root: true, containerd: true, hostname: 'here' }
const head = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n'
const resolved = (dropIns: { path: string; text: string }[], flags: Record<string, string> = {}) => {
  const warnings: string[] = []
  const settings = resolveSettings({ flags, env: {}, dropIns, machine, warn: text => warnings.push(text) })
  return { settings, warnings }
}

/** Settings of kubelet's files, the later ones over the first, and what was said of fields that have no effect. */
const read = (...texts: string[]) => resolved(texts.map((text, i) => ({ path: `/etc/k/${i}.conf`, text: head + text })))

const refusal = (text: string): string => {
  try {
    read(text)
  } catch (error) {
    return `${(error as Error).message} | ${(error as { hint?: string }).hint}`
  }
  return 'taken'
}

/** Of kubelet.config.k8s.io/v1beta1 in Kubernetes 1.32, at the top. */
const fieldsOf132 =
  `enableServer staticPodPath podLogsDir syncFrequency fileCheckFrequency httpCheckFrequency staticPodURL
  staticPodURLHeader address port readOnlyPort tlsCertFile tlsPrivateKeyFile tlsCipherSuites tlsMinVersion rotateCertificates
  serverTLSBootstrap authentication authorization registryPullQPS registryBurst eventRecordQPS eventBurst enableDebuggingHandlers
  enableContentionProfiling healthzPort healthzBindAddress oomScoreAdj clusterDomain clusterDNS streamingConnectionIdleTimeout
  nodeStatusUpdateFrequency nodeStatusReportFrequency nodeLeaseDurationSeconds imageMinimumGCAge imageMaximumGCAge
  imageGCHighThresholdPercent imageGCLowThresholdPercent volumeStatsAggPeriod kubeletCgroups systemCgroups cgroupRoot cgroupsPerQOS
  cgroupDriver cpuManagerPolicy singleProcessOOMKill cpuManagerPolicyOptions cpuManagerReconcilePeriod memoryManagerPolicy
  topologyManagerPolicy topologyManagerScope topologyManagerPolicyOptions qosReserved runtimeRequestTimeout hairpinMode maxPods podCIDR
  podPidsLimit resolvConf runOnce cpuCFSQuota cpuCFSQuotaPeriod nodeStatusMaxImages maxOpenFiles contentType kubeAPIQPS kubeAPIBurst
  serializeImagePulls maxParallelImagePulls evictionHard evictionSoft evictionSoftGracePeriod evictionPressureTransitionPeriod
  evictionMaxPodGracePeriod evictionMinimumReclaim podsPerCore enableControllerAttachDetach protectKernelDefaults makeIPTablesUtilChains
  iptablesMasqueradeBit iptablesDropBit featureGates failSwapOn memorySwap containerLogMaxSize containerLogMaxFiles
  containerLogMaxWorkers containerLogMonitorInterval configMapAndSecretChangeDetectionStrategy systemReserved kubeReserved
  reservedSystemCPUs showHiddenMetricsForVersion systemReservedCgroup kubeReservedCgroup enforceNodeAllocatable allowedUnsafeSysctls
  volumePluginDir providerID kernelMemcgNotification logging enableSystemLogHandler enableSystemLogQuery shutdownGracePeriod
  shutdownGracePeriodCriticalPods shutdownGracePeriodByPodPriority crashLoopBackOff reservedMemory enableProfilingHandler
  enableDebugFlagsHandler seccompDefault memoryThrottlingFactor registerWithTaints registerNode tracing localStorageCapacityIsolation
  containerRuntimeEndpoint imageServiceEndpoint failCgroupV1`.split(/\s+/)

test('every field of Kubernetes 1.32 is known once, and no other', () => {
  expect([...new Set(kubeletFields.map(({ field }) => field.split('.')[0]!))].sort()).toEqual([...fieldsOf132].sort())
  expect(new Set(kubeletFields.map(({ field }) => field)).size).toBe(kubeletFields.length)
})

test('the page of the documentation is what the code says: npm run kubelet-fields', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/kubelet-configuration.md'), 'utf8')
  expect(page).toBe(kubeletFieldsPage())
})

/** What a node works by, of these settings. */
const optionsOf = (settings: Settings): AgentOptions =>
  ({
    ...nodeOptions(settings),
    ...registrationOptions(settings),
    ...topologyOptions(settings),
    ...diskOptions(settings),
    ...evictionOptions(settings),
    ...shutdownOptions(settings),
    cgroups: cgroupOptions(settings, { system: settings.systemReserved ?? {}, kube: settings.kubeReserved ?? {} }),
    ...(settings.systemReserved ? { reserved: settings.systemReserved } : {}),
    ...(settings.kubeReserved ? { kubeReserved: settings.kubeReserved } : {}),
    ...(settings.clusterDns ? { clusterDns: settings.clusterDns } : {}),
    seccompDefault: settings.seccompDefault === 'true',
    singleProcessOomKill: settings.singleProcessOomKill === 'true',
    cpuQuotas: settings.cpuCfsQuota === 'true',
    swapBehavior: settings.memorySwapBehavior,
    allowedUnsafeSysctls: settings.allowedUnsafeSysctls,
    clusterDomain: settings.clusterDomain,
  }) as unknown as AgentOptions

const full = {
  maxPods: 50,
  podsPerCore: 4,
  podPidsLimit: 4096,
  clusterDNS: ['169.254.20.10'],
  clusterDomain: 'site.example',
  allowedUnsafeSysctls: ['net.core.somaxconn', 'kernel.msg*'],
  registerWithTaints: [
    { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
    { key: 'new', effect: 'NoExecute' },
  ],
  seccompDefault: false,
  providerID: 'cloud://zone/machine',
  registryPullQPS: 7,
  registryBurst: 9,
  eventRecordQPS: 3,
  eventBurst: 30,
  crashLoopBackOff: { maxContainerRestartPeriod: '20s' },
  nodeStatusUpdateFrequency: '4s',
  nodeStatusReportFrequency: '1m0s',
  nodeLeaseDurationSeconds: 20,
  nodeStatusMaxImages: -1,
  maxParallelImagePulls: 3,
  imageMinimumGCAge: '5m0s',
  imageMaximumGCAge: '48h0m0s',
  imageGCHighThresholdPercent: 70,
  imageGCLowThresholdPercent: 60,
  containerLogMaxSize: '20Mi',
  containerLogMaxFiles: 3,
  containerLogMonitorInterval: '5s',
  systemReserved: { cpu: '500m', memory: '1Gi' },
  kubeReserved: { memory: '512Mi' },
  systemReservedCgroup: '/system.slice',
  enforceNodeAllocatable: ['pods', 'system-reserved'],
  qosReserved: { memory: '50%' },
  memorySwap: { swapBehavior: 'LimitedSwap' },
  singleProcessOOMKill: true,
  cpuCFSQuota: false,
  cpuManagerPolicy: 'static',
  cpuManagerPolicyOptions: { 'full-pcpus-only': 'true', 'strict-cpu-reservation': 'true' },
  memoryManagerPolicy: 'Static',
  reservedMemory: [{ numaNode: 0, limits: { memory: '1636Mi' } }],
  topologyManagerPolicy: 'restricted',
  topologyManagerScope: 'pod',
  topologyManagerPolicyOptions: { 'prefer-closest-numa-nodes': 'true', 'max-allowable-numa-nodes': '16' },
  evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '5%' },
  evictionSoft: { 'memory.available': '400Mi' },
  evictionSoftGracePeriod: { 'memory.available': '1m30s' },
  evictionMinimumReclaim: { 'nodefs.available': '1Gi' },
  evictionMaxPodGracePeriod: 60,
  evictionPressureTransitionPeriod: '1m0s',
  shutdownGracePeriodByPodPriority: [
    { priority: 0, shutdownGracePeriodSeconds: 20 },
    { priority: 100000, shutdownGracePeriodSeconds: 10 },
  ],
}

test('a node works by what the file says, and tells it again as it was said', () => {
  const { settings, warnings } = read(yamlOf(full))
  expect(warnings).toEqual([])
  expect(kubeletConfiguration(optionsOf(settings))).toMatchObject(full)
})

test('what a node tells of itself it takes as a file without a word', () => {
  const { settings } = read('')
  const told = kubeletConfiguration(optionsOf(settings))
  const again = resolved([{ path: '/etc/k/told.yaml', text: JSON.stringify(told) }])
  expect(again.warnings).toEqual([])
  expect(kubeletConfiguration(optionsOf(again.settings))).toEqual(told)
})

test('what kubeadm writes is taken, and only what does not hold is named', () => {
  const { settings, warnings } = read(`authentication:
  anonymous: {enabled: false}
  webhook: {cacheTTL: 0s, enabled: true}
  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
authorization:
  mode: Webhook
  webhook: {cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s}
cgroupDriver: systemd
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
containerRuntimeEndpoint: ""
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {}
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
httpCheckFrequency: 0s
imageMaximumGCAge: 0s
imageMinimumGCAge: 0s
logging:
  flushFrequency: 0
  options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}
  verbosity: 0
memorySwap: {}
nodeStatusReportFrequency: 0s
nodeStatusUpdateFrequency: 0s
rotateCertificates: true
runtimeRequestTimeout: 0s
shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
staticPodPath: /etc/kubernetes/manifests
streamingConnectionIdleTimeout: 0s
syncFrequency: 0s
volumeStatsAggPeriod: 0s
`)
  expect(settings).toMatchObject({
    podManifestPath: '/etc/kubernetes/manifests',
    clusterDns: ['10.96.0.10'],
    imageMinimumAgeMs: 120_000,
    evictionPressureTransitionMs: 300_000,
    nodeStatusUpdateMs: 10_000,
    shutdownGracePeriodMs: 0,
    containerRuntimeEndpoint: undefined,
  })
  expect(warnings).toEqual([
    'authentication.x509.clientCAFile in /etc/k/0.conf: "/etc/kubernetes/pki/ca.crt" has no effect; here it is: ' +
      "the cluster's authority, which the node has since it joined. Take it out: a server that shows another certificate " +
      'to the node needs a role in the API.',
    'cgroupDriver in /etc/k/0.conf: "systemd" has no effect; here it is: cgroupfs with our own containerd; with ' +
      'containerRuntimeEndpoint, as that runtime has it. Take it out, or name a runtime whose driver is systemd in ' +
      'containerRuntimeEndpoint.',
  ])
})

describe('several files', () => {
  it('are merged as kubelet merges them: maps key by key, lists whole, null takes back', () => {
    const { settings } = read(
      'maxPods: 10\nevictionHard: {memory.available: 1Gi, pid.available: 5%}\nallowedUnsafeSysctls: [a.b, c.d]\n',
      'evictionHard: {memory.available: 2Gi}\nallowedUnsafeSysctls: [e.f]\npodPidsLimit: 100\n',
      'maxPods: null\npodPidsLimit: null\n',
    )
    expect(settings).toMatchObject({
      maxPods: 110,
      podMaxPids: -1,
      evictionHard: 'memory.available<2Gi,pid.available<5%',
      allowedUnsafeSysctls: ['e.f'],
    })
  })

  it('may be of either kind, the later wins, and flags over all', () => {
    const files = [
      { path: '/a.conf', text: `${head}maxPods: 1\npodPidsLimit: 1\nclusterDomain: one.example\n` },
      { path: '/b.conf', text: 'max-pods: 2\nnode-name: b\n' },
      { path: '/c.conf', text: `${head}podPidsLimit: 3\n` },
    ]
    expect(resolved(files, { 'cluster-domain': 'flag.example' }).settings).toMatchObject({
      maxPods: 2,
      nodeName: 'b',
      podMaxPids: 3,
      clusterDomain: 'flag.example',
    })
  })
})

test('what the port of a node speaks and answers can be narrowed', () => {
  const { settings, warnings } = read(
    'tlsMinVersion: VersionTLS13\ntlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n' +
      'enableDebuggingHandlers: false\nenableSystemLogHandler: false\n',
  )
  expect(warnings).toEqual([])
  expect(nodePortOptions(settings, '10.0.0.2')).toEqual({
    plain: [],
    protocol: {
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-RSA-AES128-GCM-SHA256',
    },
    closed: { debugging: true, machineLogs: true },
  })
  expect(nodePortOptions(read('').settings, '10.0.0.2')).toEqual({
    plain: [],
    protocol: {},
    closed: { debugging: false, machineLogs: false },
  })
  expect(refusal('tlsMinVersion: TLS1.3\n')).toMatch(/^tlsMinVersion in .*"TLS1.3" is no version of TLS: use one of/)
})

test('ports without TLS are opened where the file says so', () => {
  const { settings, warnings } = read('readOnlyPort: 10255\nhealthzPort: 10248\nhealthzBindAddress: 127.0.0.2\n')
  expect(warnings).toEqual([])
  expect(nodePortOptions(settings, '10.0.0.2').plain).toEqual([
    { host: '127.0.0.1', port: 10_255, answers: 'reading' },
    { host: '10.0.0.2', port: 10_255, answers: 'reading' },
    { host: '127.0.0.2', port: 10_248, answers: 'health' },
  ])
  expect(refusal('healthzPort: 99999\n')).toMatch(/^healthzPort in .*"99999"/)
})

/** A KubeletConfiguration as programs in Go write it whole: what was not told is the zero of its type. */
const zerosOfGo = {
  syncFrequency: '0s',
  fileCheckFrequency: '0s',
  httpCheckFrequency: '0s',
  authentication: { x509: {}, webhook: { enabled: false, cacheTTL: '0s' }, anonymous: { enabled: false } },
  authorization: { webhook: { cacheAuthorizedTTL: '0s', cacheUnauthorizedTTL: '0s' } },
  enableServer: false,
  registerNode: false,
  enableDebuggingHandlers: false,
  enableSystemLogHandler: false,
  enableControllerAttachDetach: false,
  localStorageCapacityIsolation: false,
  enableProfilingHandler: false,
  enableDebugFlagsHandler: false,
  makeIPTablesUtilChains: false,
  healthzPort: 0,
  oomScoreAdj: 0,
  iptablesMasqueradeBit: 0,
  iptablesDropBit: 0,
  logging: {
    flushFrequency: 0,
    verbosity: 0,
    options: { text: { infoBufferSize: '0' }, json: { infoBufferSize: '0' } },
  },
  memorySwap: {},
  containerRuntimeEndpoint: '',
}

test('what a node tells can be read and written whole by a program in Go, and be its file', () => {
  const { settings } = read('readOnlyPort: 10255\nhealthzPort: 10248\n')
  const toldBy = (settings: Settings) => {
    const server = { port: 10_250, doors: { host: '10.0.0.2', ...nodePortOptions(settings, '10.0.0.2') } }
    return kubeletConfiguration({ ...optionsOf(settings), server } as unknown as AgentOptions)
  }
  const told = toldBy(settings)
  const again = resolved([{ path: '/etc/k/told.yaml', text: JSON.stringify({ ...zerosOfGo, ...told }) }])
  expect(again.warnings).toEqual([])
  expect(toldBy(again.settings)).toEqual(told)
})

test('a relative path is taken from the folder of its file', () => {
  expect(read('staticPodPath: manifests\n').settings.podManifestPath).toBe('/etc/k/manifests')
})

test('what is wrong with a field is told with the field and the file', () => {
  expect([
    refusal('maxPods: many\n'),
    refusal('maxPods: 20000\n'),
    refusal('maxPdos: 5\n'),
    refusal('authentication: {anonymus: {enabled: true}}\n'),
    refusal('evictionHard: [memory]\n'),
  ]).toEqual([
    'maxPods in /etc/k/0.conf: "many" is not a whole number | undefined',
    'maxPods in /etc/k/0.conf: "20000" is not a whole number from 1 to 10000 | undefined',
    '/etc/k/0.conf has a field "maxPdos" that kubelet 1.32 has not | Did you mean maxPods?',
    '/etc/k/0.conf has a field "authentication.anonymus" that kubelet 1.32 has not | Did you mean authentication.anonymous?',
    'evictionHard in /etc/k/0.conf: ["memory"] is not a map | undefined',
  ])
})

test('a file is refused whose fields close or start what we would leave open, or leave out', () => {
  const fields = {
    address: '127.0.0.1',
    enableServer: false,
    registerNode: false,
    staticPodURL: 'https://example.com/pods',
  }
  for (const [field, value] of Object.entries(fields))
    expect(refusal(`${field}: ${JSON.stringify(value)}\n`)).toMatch(
      new RegExp(`^${field} in /etc/k/0.conf: .* has no effect; here it is: `),
    )
  expect(refusal('address: 0.0.0.0\nenableServer: true\n')).toBe('taken')
})

test('another kind or version of kubelet’s is refused', () => {
  const of = (text: string) => () => resolved([{ path: '/x.yaml', text }])
  expect(of('apiVersion: kubelet.config.k8s.io/v1\nkind: KubeletConfiguration\n')).toThrow(
    '/x.yaml is KubeletConfiguration of kubelet.config.k8s.io/v1',
  )
  expect(of('apiVersion: kubelet.config.k8s.io/v1beta1\nkind: SerializedNodeConfigSource\n')).toThrow(
    '/x.yaml is SerializedNodeConfigSource',
  )
})

/** JSON is YAML. */
function yamlOf(fields: object): string {
  return Object.entries(fields)
    .map(([field, value]) => `${field}: ${JSON.stringify(value)}\n`)
    .join('')
}
