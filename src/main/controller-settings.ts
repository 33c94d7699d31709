import type { AutoscalerOptions, NodeLifecycleOptions, PodGcOptions } from '../controller/index.ts'
import { fraction, readDuration, wholeNumber } from './setting-readers.ts'

/** What can be set about the controllers, under the names and with the defaults of kube-controller-manager 1.32. */
export interface ControllerSettings {
  /** Nodes whose pods are made to leave, per second, where a zone is well; 0: none. */
  nodeEvictionRate: number
  /** The same where a zone is disrupted, if it is a large one; in a small one none are. */
  secondaryNodeEvictionRate: number
  /** So large a share of nodes that are not ready (and at least three) is a disruption of the zone. */
  unhealthyZoneThreshold: number
  /** A zone of more nodes than this is a large one. */
  largeClusterSizeThreshold: number
  /** A node that has been silent for longer counts as unreachable. */
  nodeMonitorGracePeriodMs: number
  /** The same for one that never reported. */
  nodeStartupGracePeriodMs: number
  /** So many finished pods may stay; 0: any number. */
  terminatedPodGcThreshold: number
  /** No certificate that the cluster signs holds for longer. */
  clusterSigningDurationMs: number
  hpaSyncPeriodMs: number
  /** How far back recommendations count before a target shrinks, unless its autoscaler says so itself. */
  hpaDownscaleStabilizationMs: number
  /** A ratio of measured to wanted that is nearer to 1 changes nothing. */
  hpaTolerance: number
  /** After the start of a pod its use of processors may not count. */
  hpaCpuInitializationPeriodMs: number
  /** Within it, becoming ready is the first time that a pod does. */
  hpaInitialReadinessDelayMs: number
}

export const controllerDefaults: ControllerSettings = {
  nodeEvictionRate: 0.1,
  secondaryNodeEvictionRate: 0.01,
  unhealthyZoneThreshold: 0.55,
  largeClusterSizeThreshold: 50,
  nodeMonitorGracePeriodMs: 50_000,
  nodeStartupGracePeriodMs: 60_000,
  terminatedPodGcThreshold: 12_500,
  clusterSigningDurationMs: 365 * 86_400_000,
  hpaSyncPeriodMs: 15_000,
  hpaDownscaleStabilizationMs: 300_000,
  hpaTolerance: 0.1,
  hpaCpuInitializationPeriodMs: 300_000,
  hpaInitialReadinessDelayMs: 30_000,
}

/** At least a second: less would be a heartbeat that is a little late. */
function readPatience(text: string): number {
  const ms = readDuration(text)
  if (ms < 1_000) throw new Error('is less than 1s')
  return ms
}

const hpa = 'horizontal-pod-autoscaler'

/** The flag of each, and how its text is read. */
export const controllerRules: {
  [K in keyof ControllerSettings]: { name: string; read(text: string): ControllerSettings[K] }
} = {
  nodeEvictionRate: { name: 'node-eviction-rate', read: text => fraction(text, 0, 1_000) },
  secondaryNodeEvictionRate: { name: 'secondary-node-eviction-rate', read: text => fraction(text, 0, 1_000) },
  unhealthyZoneThreshold: { name: 'unhealthy-zone-threshold', read: text => fraction(text, 0, 1) },
  largeClusterSizeThreshold: { name: 'large-cluster-size-threshold', read: text => wholeNumber(text, 0, 1_000_000) },
  nodeMonitorGracePeriodMs: { name: 'node-monitor-grace-period', read: readPatience },
  nodeStartupGracePeriodMs: { name: 'node-startup-grace-period', read: readPatience },
  terminatedPodGcThreshold: { name: 'terminated-pod-gc-threshold', read: text => wholeNumber(text, 0, 10_000_000) },
  clusterSigningDurationMs: { name: 'cluster-signing-duration', read: readPatience },
  hpaSyncPeriodMs: { name: `${hpa}-sync-period`, read: readPatience },
  hpaDownscaleStabilizationMs: { name: `${hpa}-downscale-stabilization`, read: readDuration },
  hpaTolerance: { name: `${hpa}-tolerance`, read: text => fraction(text, 0, 1) },
  hpaCpuInitializationPeriodMs: { name: `${hpa}-cpu-initialization-period`, read: readDuration },
  hpaInitialReadinessDelayMs: { name: `${hpa}-initial-readiness-delay`, read: readDuration },
}

/** The same, as each controller takes it. */
export function controllerOptions(settings: ControllerSettings): {
  nodeLifecycle: NodeLifecycleOptions
  podGc: PodGcOptions
  signing: { longestSeconds: number }
  autoscaler: AutoscalerOptions
} {
  return {
    nodeLifecycle: {
      graceMs: settings.nodeMonitorGracePeriodMs,
      startupGraceMs: settings.nodeStartupGracePeriodMs,
      rates: {
        normal: settings.nodeEvictionRate,
        disrupted: settings.secondaryNodeEvictionRate,
        unhealthyShare: settings.unhealthyZoneThreshold,
        largeZone: settings.largeClusterSizeThreshold,
      },
    },
    podGc: { terminatedThreshold: settings.terminatedPodGcThreshold },
    signing: { longestSeconds: settings.clusterSigningDurationMs / 1_000 },
    autoscaler: {
      periodMs: settings.hpaSyncPeriodMs,
      downscaleStabilizationMs: settings.hpaDownscaleStabilizationMs,
      tolerance: settings.hpaTolerance,
      cpuInitializationMs: settings.hpaCpuInitializationPeriodMs,
      initialReadinessMs: settings.hpaInitialReadinessDelayMs,
    },
  }
}
