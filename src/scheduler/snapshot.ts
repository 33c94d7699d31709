import type { Node, Pod, Taint } from '../models/types/core-v1.ts'
import type { AffinityTerm, NamespaceLabels } from './affinity-term.ts'
import type { ClusterObjects } from './cluster-objects.ts'
import type { GpuState } from './gpu/gpu-state.ts'
import type { PodClass, PodInfo } from './pod-class.ts'
import type { PodCounter, TopologyColumn } from './topology.ts'

/** The cluster as one decision sees it. It does not change while a pod is placed. */
export interface Snapshot {
  nodes: readonly NodeView[]
  byName(name: string): NodeView | undefined
  /** Grows whenever nodes come, go, or change in a way that matters to placement. */
  readonly epoch: number
  /** Grows whenever what is expected has changed, and with it what nodes score for rules that foresee. */
  readonly scoreEpoch: number
  readonly columns: Columns
  readonly namespaceLabels: NamespaceLabels
  /** How common images are. */
  images(): ReadonlyMap<string, { nodes: number }>
  /** A live count of pods by value of a node label. Equal `key`s share one. */
  counter(key: string, make: CounterRule): PodCounter
  topology(labelKey: string): TopologyColumn
  /** Claims, volumes, services and whatever else rules look at. */
  readonly objects: ClusterObjects
  /** Shared devices. */
  readonly gpus: GpuState
  /** How many placed pods use the claim `namespace/name`. */
  claimUsers(key: string): number
  /** Terms of placed pods that also bind others: whoever matches must stay away, or is drawn near. */
  readonly termsOfPlaced: PlacedTerms
}

export interface CounterRule {
  topologyKey: string
  /** How much one pod of the class counts; 0: not at all. */
  weigh(podClass: PodClass): number
  /** Nodes whose pods do not count, if any. */
  eligible?(node: NodeView): boolean
}

export interface PlacedTerms {
  antiAffinity: TermGroup
  affinity: TermGroup
  preferredAffinity: TermGroup
  preferredAntiAffinity: TermGroup
}

/** Distinct terms by key, with how many placed pods have each. */
export type TermGroup = ReadonlyMap<string, { term: AffinityTerm; pods: number }>

/** One node with what already runs or is promised on it. */
export interface NodeView {
  /** Its row in the columns. */
  readonly index: number
  readonly name: string
  readonly node: Node
  readonly labels: Record<string, string>
  readonly taints: readonly Taint[]
  readonly pods: readonly Pod[]
  /** The same pods with what the scheduler knows of them. */
  readonly placed: readonly PodInfo[]
  /** At most so many volumes those pods have attached in all. */
  readonly attachable: number
  readonly allocatable: Resources
  /** Sum of the requests of `pods`. */
  readonly requested: Resources
}

/** Row = node, column = resource (see resource-table.ts). For rules that run on every node for every pod. */
export interface Columns {
  allocatable: readonly Float64Array[]
  requested: readonly Float64Array[]
  /** Requests for scoring, where pods without any count as the usual small ones. */
  scoredCpuMillis: Float64Array
  scoredMemoryBytes: Float64Array
  /** Names of the resources, by column. */
  resourceNames: readonly string[]
}

/** cpu in millicores, memory and ephemeral storage in bytes, extended resources in whole units. */
export interface Resources {
  cpuMillis: number
  memoryBytes: number
  ephemeralBytes: number
  pods: number
  extended: Record<string, number>
}
