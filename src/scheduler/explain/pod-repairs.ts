import { formatQuantity, parseQuantity } from '../../base/quantity.ts'
import { conditionOfTaint, untoleratedTaint } from '../../models/taints.ts'
import type { Container, Pod, Toleration } from '../../models/types/core-v1.ts'
import type { ClusterState } from '../cluster-state.ts'
import { type GpuRequest, gpuMilliResource } from '../gpu/gpu-request.ts'
import type { PodInfo } from '../pod-class.ts'
import { podRequests, type ResourceVector } from '../resource-table.ts'
import type { NodeView } from '../snapshot.ts'
import { askForFewerDevices, largestServed, setRequest } from './device-repair.ts'
import type { Refused } from './refusals.ts'
import type { Repair } from './repair.ts'

/** Changes the copy so that the rule has nothing against the node any more, if that is in the pod's hands. */
type Mend = (repair: Repair, refused: Refused, state: ClusterState) => boolean

const mends: Record<string, Mend> = {
  NodeResourcesFit: shrink,
  GpuDevices: askForFewerDevices,
  NodeUnschedulable(repair) {
    tolerate(repair, { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' })
    repair.words.push('tolerate node.kubernetes.io/unschedulable')
    return true
  },
  TaintToleration(repair, { node }) {
    // A pod that tolerated it would be on a node that cannot run it.
    if (node.taints.some(t => conditionOfTaint[t.key] && missing(repair, [t]))) return false
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

/** What a list of reasons costs to mend. */
interface MendingCost {
  /** What is the same wherever it is said; infinite if it is in nobody's hands. */
  fixed: number
  resources: boolean
  devices: boolean
}

function mendingCost(reasons: Refused['reasons']): MendingCost {
  const names = new Set(reasons.map(r => r.by.plugin.name))
  const cost: MendingCost = {
    fixed: 0,
    resources: names.delete('NodeResourcesFit'),
    devices: names.delete('GpuDevices'),
  }
  for (const name of names) cost.fixed += mends[name] ? 1 : Number.POSITIVE_INFINITY
  return cost
}

/** A lower bound of the cost, without making the change: of all nodes, so that few need a close look. */
export function roughCosts(podClass: PodInfo['class'], state: ClusterState): (refused: Refused) => number {
  // Nodes that say the same have one list.
  const known = new Map<Refused['reasons'], MendingCost>()
  return ({ node, reasons }) => {
    let mending = known.get(reasons)
    if (!mending) known.set(reasons, (mending = mendingCost(reasons)))
    let cost = mending.fixed
    if (cost === Number.POSITIVE_INFINITY) return cost
    if (mending.resources) cost += resourceCost(node, podClass.requests, state)
    if (mending.devices) cost += deviceCost(node, podClass.gpu, state)
    return cost
  }
}

function resourceCost(node: NodeView, { columns, amounts }: ResourceVector, state: ClusterState): number {
  let cost = 0
  for (let i = 0; i < columns.length; i++) {
    const short = shortOf(node, columns[i]!, amounts[i]!, state)
    if (short > 0) cost += Math.max(Math.min(short / amounts[i]!, 1), 0.01)
  }
  return cost
}

function deviceCost({ index }: NodeView, request: GpuRequest | undefined, { gpus }: ClusterState): number {
  const devices = gpus.ledger.at(index)
  const served = devices && request && !request.invalid ? largestServed(devices, request) : 0
  return served ? Math.max(1 - served / (request!.devices * request!.milliEach), 0.01) : Number.POSITIVE_INFINITY
}

/** How much of the resource the node lacks for such a request; not more than 0: nothing. */
function shortOf({ index }: NodeView, column: number, wanted: number, { columns, gpus }: ClusterState): number {
  // By device, not in sum: GpuDevices refuses whatever is short here.
  if (columns.resourceNames[column] === gpuMilliResource && gpus.ledger.at(index)) return 0
  const { allocatable, requested } = columns
  return wanted - ((allocatable[column]?.[index] ?? 0) - (requested[column]?.[index] ?? 0))
}

interface Shortage {
  resource: string
  wanted: number
  short: number
}

function shortages({ node }: Refused, { columns, amounts }: ResourceVector, state: ClusterState): Shortage[] {
  const found: Shortage[] = []
  for (const [i, column] of columns.entries()) {
    const wanted = amounts[i]!
    const short = shortOf(node, column, wanted, state)
    if (short > 0) found.push({ resource: state.columns.resourceNames[column]!, wanted, short })
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
  setRequest(container, resource, to)
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
