import { conditionOf } from '../models/conditions.ts'
import type { Node, NodeCondition, Taint } from '../models/types/core-v1.ts'

/** What a node's silence and conditions lead to: pure decisions of the node lifecycle. */

export const notReadyTaint = 'node.kubernetes.io/not-ready'
export const unreachableTaint = 'node.kubernetes.io/unreachable'
const unschedulableTaint = 'node.kubernetes.io/unschedulable'
const neverReported = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']

const taintsByCondition: [type: string, status: string, key: string][] = [
  ['Ready', 'False', notReadyTaint],
  ['Ready', 'Unknown', unreachableTaint],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
]
const ownNoSchedule = new Set([...taintsByCondition.map(([, , key]) => key), unschedulableTaint])
const ownNoExecute = new Set([notReadyTaint, unreachableTaint])

export function readyStatus(node: Node): string {
  return conditionOf(node.status?.conditions, 'Ready')?.status ?? 'Unknown'
}

/** The conditions of a node that has been silent for too long; undefined when they already say so. @param now a timestamp */
export function silentConditions(node: Node, now: string): NodeCondition[] | undefined {
  const before = node.status?.conditions ?? []
  let changed = false
  const next = before.map(condition => {
    if (!neverReported.includes(condition.type) || condition.status === 'Unknown') return condition
    changed = true
    return {
      ...condition,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: now,
    }
  })
  for (const type of neverReported) {
    if (before.some(c => c.type === type)) continue
    changed = true
    next.push({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      ...(node.metadata.creationTimestamp ? { lastHeartbeatTime: node.metadata.creationTimestamp } : {}),
      lastTransitionTime: now,
    })
  }
  return changed ? next : undefined
}

/** The effect of a taint that makes pods leave, if the node should have one. */
export function wantedNoExecute(node: Node): string | undefined {
  // One that has not said anything yet is not lost: it is starting.
  const ready = conditionOf(node.status?.conditions, 'Ready')?.status
  return ready === 'False' ? notReadyTaint : ready === 'Unknown' ? unreachableTaint : undefined
}

export function hasNoExecute(node: Node): boolean {
  return (node.spec?.taints ?? []).some(t => t.effect === 'NoExecute' && ownNoExecute.has(t.key))
}

/**
 * The taints that a node should have: people's own as they are, ours by its conditions.
 * @param evict whether the taint that makes pods leave may be there (now)
 * @returns undefined when they are so already
 */
export function plannedTaints(node: Node, evict: boolean, now: string): Taint[] | undefined {
  const before = node.spec?.taints ?? []
  const wanted: Taint[] = []
  for (const [type, status, key] of taintsByCondition)
    if (conditionOf(node.status?.conditions, type)?.status === status) wanted.push({ key, effect: 'NoSchedule' })
  if (node.spec?.unschedulable) wanted.push({ key: unschedulableTaint, effect: 'NoSchedule' })
  const leave = evict ? wantedNoExecute(node) : undefined
  if (leave) wanted.push({ key: leave, effect: 'NoExecute' })

  const ours = (t: Taint) =>
    (t.effect === 'NoSchedule' && ownNoSchedule.has(t.key)) || (t.effect === 'NoExecute' && ownNoExecute.has(t.key))
  const same = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect
  const missing = wanted.filter(w => !before.some(b => same(b, w)))
  const kept = before.filter(b => !ours(b) || wanted.some(w => same(b, w)))
  if (!missing.length && kept.length === before.length) return undefined
  return [...kept, ...missing.map(t => ({ ...t, timeAdded: now }))]
}

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption'

export interface EvictionRates {
  /** Nodes per second whose pods are evicted, in a healthy zone; 0.1 upstream. */
  normal: number
  /** The same in a large zone that is partly disrupted; 0.01 upstream. */
  disrupted: number
  /** So large a share of unready nodes (and more than two) is a disruption of the zone, not of the nodes; 0.55 upstream. */
  unhealthyShare: number
  /** Zones of so many nodes, or fewer, stop evicting altogether when disrupted; 50 upstream. */
  largeZone: number
}

export const usualRates: EvictionRates = { normal: 0.1, disrupted: 0.01, unhealthyShare: 0.55, largeZone: 50 }

/** Such a node says nothing about how its zone is. */
export const isLeftOut = ({ metadata }: Node) =>
  metadata.labels?.['node.kubernetes.io/exclude-disruption'] !== undefined

/** Labels by their old names, which the new ones decide. @returns those to write; undefined when they are right */
export function oldLabels({ metadata: { labels = {} } }: Node): Record<string, string> | undefined {
  const wrong = ['os', 'arch'].flatMap(name => {
    const value = labels[`kubernetes.io/${name}`]
    return value === undefined || labels[`beta.kubernetes.io/${name}`] === value
      ? []
      : [[`beta.kubernetes.io/${name}`, value] as const]
  })
  return wrong.length ? Object.fromEntries(wrong) : undefined
}

export function zoneOf(node: Node): string {
  const { labels } = node.metadata
  return `${labels?.['topology.kubernetes.io/region'] ?? ''}/${labels?.['topology.kubernetes.io/zone'] ?? ''}`
}

export function zoneState(nodes: readonly Node[], { unhealthyShare }: EvictionRates): ZoneState {
  const unready = nodes.filter(n => readyStatus(n) !== 'True').length
  if (unready === nodes.length && unready > 0) return 'FullDisruption'
  if (unready > 2 && unready / nodes.length >= unhealthyShare) return 'PartialDisruption'
  return 'Normal'
}

/** Nodes per second that may be emptied in a zone. */
export function evictionRate(state: ZoneState, size: number, rates: EvictionRates): number {
  if (state !== 'PartialDisruption') return rates.normal
  return size > rates.largeZone ? rates.disrupted : 0
}
