import { formatQuantity, parseQuantity } from '../../base/quantity.ts'
import { untoleratedTaint } from '../../models/taints.ts'
import type { Container, Pod, Toleration } from '../../models/types/core-v1.ts'
import type { ClusterState } from '../cluster-state.ts'
import { podRequests } from '../resource-table.ts'
import type { PodChange } from './explanation.ts'
import type { Refused } from './refusals.ts'

/** A pod as it would have to be for one node, in words, and how much of a change that is. */
export interface Repair {
  pod: Pod
  words: string[]
  requests: NonNullable<PodChange['requests']>
  /** Shrinking by a half costs 0.5; giving up a rule costs 1 or more. */
  cost: number
}

/** Changes the copy so that the rule has nothing against the node any more, if that is in the pod's hands. */
type Mend = (repair: Repair, refused: Refused, state: ClusterState) => boolean

const mends: Record<string, Mend> = {
  NodeResourcesFit: shrink,
  NodeUnschedulable(repair) {
    tolerate(repair, { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' })
    repair.words.push('tolerate node.kubernetes.io/unschedulable')
    return true
  },
  TaintToleration(repair, { node }) {
    for (let t = missing(repair, node.taints); t; t = missing(repair, node.taints)) {
      const { key, value, effect } = t
      tolerate(repair, value ? { key, operator: 'Equal', value, effect } : { key, operator: 'Exists', effect })
      repair.words.push(`tolerate {${key}: ${value ?? ''}}`)
    }
    return true
  },
  NodeAffinity(repair) {
    const { spec } = repair.pod
    delete spec.nodeSelector
    delete spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    return drop(repair, 1.5, 'drop its node selector and required node affinity')
  },
  NodePorts(repair) {
    for (const container of containersOf(repair.pod))
      container.ports = container.ports?.map(({ hostPort: _, hostIP: _ip, ...port }) => port) ?? []
    return drop(repair, 1, 'do without its host ports')
  },
  PodTopologySpread(repair) {
    const { spec } = repair.pod
    spec.topologySpreadConstraints = (spec.topologySpreadConstraints ?? []).map(c => ({
      ...c,
      whenUnsatisfiable: 'ScheduleAnyway',
    }))
    return drop(repair, 1.2, 'spread with ScheduleAnyway instead of DoNotSchedule')
  },
  InterPodAffinity(repair, { reasons }) {
    // Those of other pods are not for this one to give up.
    if (reasons.some(r => r.reason.includes('existing pods'))) return false
    const affinity = repair.pod.spec.affinity ?? {}
    delete affinity.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    delete affinity.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    return drop(repair, 1.4, 'drop its required pod affinity and anti-affinity')
  },
}

/** The pod as it would fit the node, or undefined if no change of the pod alone would do. */
export function repairFor(pod: Pod, refused: Refused, state: ClusterState): Repair | undefined {
  const repair: Repair = { pod: structuredClone(pod), words: [], requests: [], cost: 0 }
  for (const name of new Set(refused.reasons.map(r => r.by.plugin.name)))
    if (!mends[name]?.(repair, refused, state)) return undefined
  return repair
}

/** A lower bound of the cost, without making the change: to look at few nodes closely. */
export function roughCost(refused: Refused, requests: ReturnType<typeof podRequests>, state: ClusterState): number {
  let cost = 0
  for (const name of new Set(refused.reasons.map(r => r.by.plugin.name))) {
    if (!mends[name]) return Number.POSITIVE_INFINITY
    if (name !== 'NodeResourcesFit') cost += 1
    else
      for (const { short, wanted } of shortages(refused, requests, state))
        cost += short >= wanted ? 1 : Math.max(short / wanted, 0.01)
  }
  return cost
}

interface Shortage {
  resource: string
  wanted: number
  short: number
}

function shortages({ node }: Refused, requests: ReturnType<typeof podRequests>, { columns }: ClusterState): Shortage[] {
  const found: Shortage[] = []
  for (const [i, column] of requests.columns.entries()) {
    const at = (list: readonly Float64Array[]) => list[column]?.[node.index] ?? 0
    const wanted = requests.amounts[i]!
    const short = wanted - (at(columns.allocatable) - at(columns.requested))
    if (short > 0) found.push({ resource: columns.resourceNames[column]!, wanted, short })
  }
  return found
}

function shrink(repair: Repair, refused: Refused, state: ClusterState): boolean {
  const { pod } = repair
  for (const { resource, wanted, short } of shortages(refused, podRequests(pod, state.resources), state)) {
    if (resource === 'pods') return false
    const overhead = amountOf(resource, pod.spec.overhead?.[resource])
    if (wanted - short < overhead) return false
    const share = Math.max((wanted - short - overhead) / (wanted - overhead), 0)
    const before = repair.requests.length
    for (const container of containersOf(pod)) shrinkContainer(repair, container, resource, share)
    const whole = pod.spec.resources?.requests
    if (whole?.[resource]) whole[resource] = textOf(resource, share * amountOf(resource, whole[resource]))
    if (repair.requests.length === before && !whole?.[resource]) return false
    const after = podRequests(pod, state.resources)
    const left = after.amounts[after.columns.indexOf(state.resources.column(resource))] ?? 0
    repair.words.push(`${resource} ${readable(resource, wanted)} → ${readable(resource, left)}`)
    repair.cost += Math.max(1 - left / wanted, 0.01)
  }
  return true
}

function shrinkContainer(repair: Repair, container: Container, resource: string, share: number): void {
  const from = container.resources?.requests?.[resource]
  if (!from) return
  const to = textOf(resource, share * amountOf(resource, from))
  container.resources!.requests![resource] = to
  repair.requests.push({ container: container.name, resource, from, to })
}

const nanosPer = (resource: string) => (resource === 'cpu' ? 1_000_000n : 1_000_000_000n)

/** Milli-CPU, bytes, or whole units, never less than asked for. */
function amountOf(resource: string, quantity: string | undefined): number {
  const per = nanosPer(resource)
  return Number((parseQuantity(quantity ?? '0').nano + per - 1n) / per)
}

const mebi = 2 ** 20

/** Rounded down to something that people would write, so that it surely fits. */
function textOf(resource: string, amount: number): string {
  const whole = Math.floor(amount)
  if (resource === 'cpu') return `${whole}m`
  return whole >= 10 * mebi ? `${Math.floor(whole / mebi)}Mi` : `${whole}`
}

function readable(resource: string, amount: number): string {
  if (resource === 'cpu') return formatQuantity({ nano: BigInt(amount) * 1_000_000n, format: 'DecimalSI' })
  const format = amount % 1024 ? 'DecimalSI' : 'BinarySI'
  return formatQuantity({ nano: BigInt(amount) * 1_000_000_000n, format })
}

const containersOf = ({ spec }: Pod) => [...(spec.initContainers ?? []), ...spec.containers]

const missing = ({ pod }: Repair, taints: Refused['node']['taints']) => untoleratedTaint(taints, pod.spec.tolerations)

function tolerate(repair: Repair, toleration: Toleration): void {
  const { pod } = repair
  pod.spec.tolerations = [...(pod.spec.tolerations ?? []), toleration]
  repair.cost += 1
}

function drop(repair: Repair, cost: number, words: string): true {
  repair.cost += cost
  repair.words.push(words)
  return true
}
