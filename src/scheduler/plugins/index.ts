import type { SchedulerPlugin } from '../plugin.ts'
import { dynamicResources } from './dynamic-resources.ts'
import { gpuDevices } from './gpu-devices.ts'
import { gpuFragmentation } from './gpu-fragmentation.ts'
import { imageLocality } from './image-locality.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { measuredUsage } from './measured-usage.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeName } from './node-name.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { nodeVolumeLimits } from './node-volume-limits.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'
import { volumeBinding } from './volume-binding.ts'
import { volumeRestrictions } from './volume-restrictions.ts'
import { volumeZone } from './volume-zone.ts'

export interface WeightedPlugin {
  plugin: SchedulerPlugin
  /** How much its score counts; 0 for rules that only refuse. */
  weight: number
}

/**
 * Preemption stops looking when so many nodes could be cleared, one of them without breaking a disruption budget: the greater
 * of so many percent of those that might do, and so many nodes.
 */
export interface EnoughCandidates {
  percent: number
  nodes: number
}

/** What a scheduler decides by, and under which name. */
export interface Profile {
  /** Pods whose spec.schedulerName this is are ours. */
  schedulerName: string
  /** In the order in which a node is asked; the first refusal is reported. */
  plugins: readonly WeightedPlugin[]
  /** False: no pod is ended for a more important one of this profile. */
  preempts?: boolean
  /** When preemption has seen enough nodes; after 100 unless given. */
  enoughCandidates?: EnoughCandidates
}

/** Kubernetes' default rules and weights; and nodes that share their devices are packed. */
export const defaultProfile: Profile = {
  schedulerName: 'default-scheduler',
  plugins: [
    { plugin: nodeUnschedulable, weight: 0 },
    { plugin: nodeName, weight: 0 },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity, weight: 2 },
    { plugin: nodePorts, weight: 0 },
    { plugin: nodeResourcesFit, weight: 1 },
    { plugin: gpuDevices, weight: 0 },
    { plugin: nodeResourcesBalancedAllocation, weight: 1 },
    { plugin: gpuFragmentation, weight: 10 },
    { plugin: imageLocality, weight: 1 },
    { plugin: volumeRestrictions, weight: 0 },
    { plugin: nodeVolumeLimits, weight: 0 },
    { plugin: volumeBinding, weight: 0 },
    { plugin: volumeZone, weight: 0 },
    { plugin: dynamicResources, weight: 0 },
    { plugin: podTopologySpread, weight: 2 },
    { plugin: interPodAffinity, weight: 2 },
  ],
}

/** Rules that count only where a profile names them. */
export const optionalPlugins: readonly WeightedPlugin[] = [{ plugin: measuredUsage, weight: 1 }]
