import type { Rate } from '../../base/token-buckets.ts'
import { formatGoDuration } from '../../models/go-duration.ts'
import type { CgroupSettings } from '../cgroup/pod-groups.ts'
import { usualMinAgeMs } from '../chores.ts'
import { cpuListText } from '../cpu/cpu-list.ts'
import { defaultHard } from '../eviction/thresholds.ts'
import type { AgentOptions } from '../options.ts'
import { longestCrashDelayMs } from '../pod/back-off.ts'
import { type ShutdownStep, shutdownSteps } from '../shutdown/plan.ts'
import type { TopologySettings } from '../topology/topology-manager.ts'
import { refreshPeriodMs } from '../volume/disk-volumes.ts'
import { heartbeatMs, leaseSeconds, statusPeriodMs } from './registration.ts'
import { defaultReservation } from './reservation.ts'

/**
 * The node's settings in the form of a kubelet's configuration file, which tools read at `/configz`. Only what this agent
 * has is in it, with the values it works by.
 * @see https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1
 */
export function kubeletConfiguration(options: AgentOptions): Record<string, unknown> {
  const { cgroups, eviction = {}, heartbeat = {}, imageCollection = {}, logs = {}, shutdown } = options
  const seconds = (ms: number) => formatGoDuration(ms)
  const shutdownMs = shutdown?.steps.map(step => step.graceMs) ?? []
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    ...(options.server?.port ? { port: options.server.port } : {}),
    ...doors(options.server),
    ...settled,
    ...(options.staticPodFolder ? { staticPodPath: options.staticPodFolder } : {}),
    clusterDomain: options.clusterDomain ?? 'cluster.local',
    clusterDNS: [...(options.clusterDns ?? [])],
    resolvConf: options.resolvConf ?? '/etc/resolv.conf',
    syncFrequency: seconds(refreshPeriodMs),
    nodeStatusUpdateFrequency: seconds(heartbeat.lookMs ?? heartbeatMs),
    nodeStatusReportFrequency: seconds(heartbeat.statusMs ?? statusPeriodMs),
    nodeLeaseDurationSeconds: heartbeat.leaseSeconds ?? leaseSeconds,
    nodeStatusMaxImages: options.shownImages ?? 50,
    ...(options.providerId ? { providerID: options.providerId } : {}),
    maxPods: options.maxPods ?? 110,
    ...(options.podsPerCore ? { podsPerCore: options.podsPerCore } : {}),
    ...rate(options.pullRate, 'registryPullQPS', 'registryBurst'),
    ...rate(options.eventRate, 'eventRecordQPS', 'eventBurst'),
    crashLoopBackOff: { maxContainerRestartPeriod: seconds(options.mostCrashDelayMs ?? longestCrashDelayMs) },
    podPidsLimit: cgroups?.podPidsLimit ?? -1,
    allowedUnsafeSysctls: [...(options.allowedUnsafeSysctls ?? [])],
    seccompDefault: options.seccompDefault ?? true,
    cpuManagerPolicy: options.cpuManagerPolicy ?? 'none',
    ...cpuOptions(options),
    ...(options.reservedCpus ? { reservedSystemCPUs: cpuListText(options.reservedCpus) } : {}),
    cpuCFSQuota: options.cpuQuotas ?? true,
    memoryManagerPolicy: options.memoryManager ? 'Static' : 'None',
    ...(options.memoryManager ? { reservedMemory: options.memoryManager.reservedMemory } : {}),
    topologyManagerPolicy: options.topology?.policy ?? 'none',
    topologyManagerScope: options.topology?.scope ?? 'container',
    ...topologyOptions(options.topology),
    systemReserved: { ...(options.reserved ?? defaultReservation) },
    ...(options.kubeReserved ? { kubeReserved: { ...options.kubeReserved } } : {}),
    ...reservedGroups(cgroups?.reservedGroups),
    singleProcessOOMKill: options.singleProcessOomKill ?? false,
    ...(cgroups
      ? {
          cgroupsPerQOS: true,
          cgroupRoot: cgroups.root ?? '/',
          cgroupDriver: 'cgroupfs',
          enforceNodeAllocatable: enforced(cgroups),
          ...(cgroups.reservedMemoryPercent ? { qosReserved: { memory: `${cgroups.reservedMemoryPercent}%` } } : {}),
        }
      : { cgroupsPerQOS: false, enforceNodeAllocatable: ['none'] }),
    evictionHard: pairs(eviction.hard ?? defaultHard, '<'),
    ...(eviction.soft ? { evictionSoft: pairs(eviction.soft, '<') } : {}),
    ...(eviction.softGracePeriod ? { evictionSoftGracePeriod: pairs(eviction.softGracePeriod, '=') } : {}),
    ...(eviction.minimumReclaim ? { evictionMinimumReclaim: pairs(eviction.minimumReclaim, '=') } : {}),
    evictionPressureTransitionPeriod: seconds(eviction.transitionMs ?? 300_000),
    evictionMaxPodGracePeriod: eviction.maxPodGraceMs === undefined ? -1 : Math.round(eviction.maxPodGraceMs / 1_000),
    serializeImagePulls: options.parallelPulls === 1,
    ...(options.taints?.length ? { registerWithTaints: options.taints } : {}),
    maxParallelImagePulls: options.parallelPulls ?? 5,
    imageMinimumGCAge: seconds(imageCollection.minAgeMs ?? usualMinAgeMs),
    imageMaximumGCAge: seconds(imageCollection.maxAgeMs ?? 0),
    imageGCHighThresholdPercent: imageCollection.high ?? 85,
    imageGCLowThresholdPercent: imageCollection.low ?? 80,
    containerLogMaxSize: `${(logs.maxBytes ?? 10 << 20) / 2 ** 20}Mi`,
    containerLogMaxFiles: logs.maxFiles ?? 5,
    containerLogMonitorInterval: seconds(logs.lookMs ?? 10_000),
    ...(usualSteps(shutdown?.steps)
      ? {}
      : {
          shutdownGracePeriodByPodPriority: shutdown!.steps.map(step => ({
            priority: step.priority,
            shutdownGracePeriodSeconds: step.graceMs / 1000,
          })),
        }),
    shutdownGracePeriod: seconds(shutdownMs.reduce((sum, ms) => sum + ms, 0)),
    shutdownGracePeriodCriticalPods: seconds(shutdownMs.at(-1) ?? 0),
    failSwapOn: false,
    memorySwap: { swapBehavior: options.swapBehavior ?? 'NoSwap' },
  }
}

/**
 * What is so on every node of ours. It is told all the same: tools that write a file from this, such as Kubernetes' own suite of nodes, write
 * what is missing as false.
 */
const settled = {
  enableServer: true,
  authentication: { anonymous: { enabled: false }, webhook: { enabled: true, cacheTTL: '2m0s' } },
  authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
  serverTLSBootstrap: true,
  rotateCertificates: true,
  registerNode: true,
  enableSystemLogQuery: true,
  enableControllerAttachDetach: true,
  localStorageCapacityIsolation: true,
  configMapAndSecretChangeDetectionStrategy: 'Watch',
  cpuCFSQuotaPeriod: '100ms',
}

const isLoopback = (host: string): boolean => /^(127\.|::1$)/.test(host)

/** Where it listens, and for whom. */
function doors(server: AgentOptions['server']): Record<string, unknown> {
  const { host, closed = {}, plain = [] } = server?.doors ?? {}
  const health = plain.find(({ answers }) => answers === 'health')
  return {
    ...(host && !isLoopback(host) ? { address: host } : {}),
    enableDebuggingHandlers: !closed.debugging,
    enableSystemLogHandler: !closed.machineLogs,
    readOnlyPort: plain.find(({ answers }) => answers === 'reading')?.port ?? 0,
    healthzPort: health?.port ?? 0,
    ...(health ? { healthzBindAddress: health.host } : {}),
  }
}

function cpuOptions(options: AgentOptions): { cpuManagerPolicyOptions?: Record<string, string> } {
  const chosen = {
    'full-pcpus-only': options.fullCoresOnly,
    'distribute-cpus-across-cores': options.spreadOverCores,
    'strict-cpu-reservation': options.strictReservation,
  }
  const names = Object.entries(chosen).flatMap(([name, isChosen]) => (isChosen ? [name] : []))
  return names.length ? { cpuManagerPolicyOptions: Object.fromEntries(names.map(name => [name, 'true'])) } : {}
}

function topologyOptions({ preferClosest, mostNodes }: Partial<TopologySettings> = {}) {
  const chosen = {
    ...(preferClosest === undefined ? {} : { 'prefer-closest-numa-nodes': String(preferClosest) }),
    ...(mostNodes === undefined ? {} : { 'max-allowable-numa-nodes': String(mostNodes) }),
  }
  return Object.keys(chosen).length ? { topologyManagerPolicyOptions: chosen } : {}
}

/** 0 is kubelet's word for: as often as need be. */
const rate = (of: Rate | undefined, qps: string, burst: string): Record<string, number> =>
  of ? { [qps]: of.perSecond, [burst]: of.burst } : { [qps]: 0 }

/** Who is held to what, in kubelet's words. */
function enforced({ enforceAllocatable, reservedGroups = [] }: CgroupSettings): string[] {
  const others = reservedGroups.map(r => `${r.of}-reserved${r.compressibleOnly ? '-compressible' : ''}`)
  const all = [...(enforceAllocatable === false ? [] : ['pods']), ...others]
  return all.length ? all : ['none']
}

const reservedGroups = (groups: CgroupSettings['reservedGroups'] = []): Record<string, string> =>
  Object.fromEntries(groups.map(({ of, group }) => [`${of}ReservedCgroup`, group]))

/** Those of the two settings that are only of critical pods and all others. */
const usualSteps = (steps: readonly ShutdownStep[] | undefined): boolean =>
  !steps || shutdownSteps(0, 0).every(({ priority }, i) => steps[i]?.priority === priority && steps.length === 2)

/** `memory.available<100Mi,pid.available<5%` as an object. */
function pairs(text: string, sign: '<' | '='): Record<string, string> {
  return Object.fromEntries(text.split(',').flatMap(part => (part.includes(sign) ? [part.trim().split(sign)] : [])))
}
