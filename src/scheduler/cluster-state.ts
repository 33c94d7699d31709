import { quantityToNumber } from '../base/quantity.ts'
import type { Node } from '../models/types/core-v1.ts'
import type { AffinityTerm } from './affinity-term.ts'
import { ChangeLog } from './change-log.ts'
import type { NodeChange } from './cluster-event.ts'
import { ClusterObjects } from './cluster-objects.ts'
import { gpuMilliResource } from './gpu/gpu-request.ts'
import { GpuState } from './gpu/gpu-state.ts'
import { MutableColumns } from './mutable-columns.ts'
import { differences } from './node-changes.ts'
import { NodeRow } from './node-row.ts'
import { PlacedPriorities } from './placed-priorities.ts'
import { normalImage, PodClasses, type PodInfo } from './pod-class.ts'
import { ResourceTable } from './resource-table.ts'
import type { CounterRule, NodeView, PlacedTerms, Snapshot } from './snapshot.ts'
import { PodCounter, TopologyColumn } from './topology.ts'
import { mostAttached } from './volumes/attachable.ts'
import { claimUses } from './volumes/claim-uses.ts'

type Term = { term: AffinityTerm; pods: number }
type MutableTerms = { [group in keyof PlacedTerms]: Map<string, Term> }
const termGroups = ['antiAffinity', 'affinity', 'preferredAffinity', 'preferredAntiAffinity'] as const

/** What is worked out of all nodes, and holds until nodes come, go, or change in a way that matters. */
interface AcrossNodes {
  nodes: NodeRow[] | undefined
  images: Map<string, { nodes: number }> | undefined
  topologies: Map<string, TopologyColumn>
  counters: Map<string, PodCounter>
  counterList: PodCounter[]
  log: ChangeLog
}

const nothingYet = (sequence: number): AcrossNodes => ({
  nodes: undefined,
  images: undefined,
  topologies: new Map(),
  counters: new Map(),
  counterList: [],
  log: new ChangeLog(sequence),
})

/** More counters than this, and those asked for longest ago are dropped. */
const mostCounters = 512

/**
 * The cluster in columns: one row a node, kept up to date event by event. A decision runs to its end without yielding, so the
 * state itself is its snapshot and taking one costs nothing.
 */
export class ClusterState implements Snapshot {
  readonly resources: ResourceTable
  readonly classes: PodClasses
  epoch = 1
  #lastEpoch = 1
  scoreEpoch = 1
  /** Grows with every change of any node or its pods. */
  sequence = 0
  readonly termsOfPlaced: MutableTerms = {
    antiAffinity: new Map(),
    affinity: new Map(),
    preferredAffinity: new Map(),
    preferredAntiAffinity: new Map(),
  }
  readonly objects: ClusterObjects
  readonly gpus: GpuState
  readonly columns: MutableColumns
  readonly priorities = new PlacedPriorities()
  readonly #claimUsers = new Map<string, number>()
  readonly #rows: (NodeRow | undefined)[] = []
  readonly #free: number[] = []
  readonly #byName = new Map<string, NodeRow>()
  /** Pods of nodes that we have not heard of (yet). */
  readonly #homeless = new Map<string, Map<string, PodInfo>>()
  #speculating = false
  #imagining = false
  #across: AcrossNodes = nothingYet(0)
  readonly #namespaces = new Map<string, Record<string, string>>()

  /** @param of what is to be forked, if anything */
  constructor(of?: ClusterState) {
    this.resources = of?.resources ?? new ResourceTable()
    this.classes = of?.classes ?? new PodClasses(this.resources)
    this.objects = of?.objects.fork() ?? new ClusterObjects()
    this.gpus = of?.gpus.fork() ?? new GpuState()
    this.columns = of?.columns.fork() ?? new MutableColumns(this.resources)
    if (of) this.#copyRows(of)
  }

  /**
   * The same cluster, to try things out on: what is done to the one is not seen by the other, and both decide alike. Numbers
   * of resources and classes of pods are shared, so whoever admits pods for the fork must release them.
   */
  fork(): ClusterState {
    return new ClusterState(this)
  }

  #copyRows(of: ClusterState): void {
    // Rows keep their numbers, holes included: among equals the number decides.
    for (const row of of.#rows) {
      const copy = row && new NodeRow(row.index, row.node, this.columns)
      this.#rows.push(copy)
      if (!copy) continue
      for (const pod of row.placed) {
        copy.placed.push({ ...pod })
        this.priorities.add(pod.priority, 1)
      }
      copy.attachable = row.attachable
      this.#byName.set(copy.name, copy)
    }
    this.#free.push(...of.#free)
    for (const [key, users] of of.#claimUsers) this.#claimUsers.set(key, users)
    for (const [name, labels] of of.#namespaces) this.#namespaces.set(name, labels)
    for (const [node, pods] of of.#homeless) this.#homeless.set(node, new Map(pods))
    for (const group of termGroups)
      for (const [key, term] of of.termsOfPlaced[group]) this.termsOfPlaced[group].set(key, { ...term })
  }

  claimUsers(key: string): number {
    return this.#claimUsers.get(key) ?? 0
  }

  readonly namespaceLabels = (namespace: string) => this.#namespaces.get(namespace)

  get nodes(): readonly NodeView[] {
    return (this.#across.nodes ??= this.#rows.filter(row => row !== undefined))
  }

  /** Rows in use or once used: indexes are below this. */
  get rows(): number {
    return this.#rows.length
  }

  row(index: number): NodeView | undefined {
    return this.#rows[index]
  }

  byName(name: string): NodeView | undefined {
    return this.#byName.get(name)
  }

  // --- nodes

  /** @returns what changed that matters to placement; undefined if the node is new */
  setNode(node: Node): ReadonlySet<NodeChange> | undefined {
    const known = this.#byName.get(node.metadata.name)
    if (known) {
      const changed = differences(known.node, node)
      known.node = node
      if (!changed.size) return changed
      this.columns.setAllocatable(known.index, node.status?.allocatable)
      this.#setDevices(known)
      this.#touch(known.index)
      // More room concerns that row only; everything else may concern what was worked out across nodes.
      if (changed.size > 1 || !changed.has('allocatable')) this.#newEpoch()
      return changed
    }
    const row = this.#append(node, this.#free.pop() ?? this.#rows.length)
    this.#newEpoch()
    const waiting = this.#homeless.get(row.name)
    this.#homeless.delete(row.name)
    for (const pod of waiting?.values() ?? []) {
      this.#useClaims(pod, -1)
      this.addPod(pod, row.name)
    }
    return undefined
  }

  #append(node: Node, index: number): NodeRow {
    const row = new NodeRow(index, node, this.columns)
    this.#rows[index] = row
    this.#byName.set(row.name, row)
    this.columns.reserve(index)
    this.columns.clear(index)
    this.columns.setAllocatable(index, node.status?.allocatable)
    this.#setDevices(row)
    return row
  }

  /** The last row, which nobody has seen. */
  #drop({ name, index }: NodeRow): void {
    this.#byName.delete(name)
    this.gpus.ledger.removeNode(index)
    this.#rows.length = index
  }

  removeNode(name: string): void {
    const row = this.#byName.get(name)
    if (!row) return
    const pods = [...row.placed]
    for (const pod of pods) this.removePod(pod, name)
    this.#byName.delete(name)
    this.gpus.ledger.removeNode(row.index)
    this.#rows[row.index] = undefined
    this.#free.push(row.index)
    this.#newEpoch()
    for (const pod of pods) this.addPod(pod, name)
  }

  setNamespace(name: string, labels: Record<string, string> | undefined): void {
    const old = this.#namespaces.get(name)
    if (labels) this.#namespaces.set(name, labels)
    else this.#namespaces.delete(name)
    if (JSON.stringify(old) !== JSON.stringify(labels)) this.#newEpoch()
  }

  #setDevices({ index, node, placed }: NodeRow): void {
    const { ledger } = this.gpus
    // As the API writes it: 8000 comes back as 8k.
    const milli = quantityToNumber(node.status?.allocatable?.[gpuMilliResource] ?? '0')
    if (!milli && !ledger.at(index)) return
    ledger.setNode(index, node, milli)
    for (const pod of placed) ledger.add(index, node.metadata.name, pod)
  }

  // --- pods

  /** A pod was seen for the first time, wherever it is: what is expected of the future may change. */
  see(pod: PodInfo): void {
    const { version } = this.gpus.demand
    if (!this.gpus.see(pod.class)) return
    // Who learns something for the first time may have a say from now on, which it had not before.
    if (version) this.scoreEpoch++
    else this.#newEpoch()
  }

  addPod(pod: PodInfo, nodeName: string): void {
    this.#useClaims(pod, 1)
    const row = this.#byName.get(nodeName)
    if (!row) {
      const homeless = this.#homeless.get(nodeName) ?? new Map()
      this.#homeless.set(nodeName, homeless.set(pod.uid, pod))
      return
    }
    row.placed.push(pod)
    this.#count(row, pod, 1)
  }

  removePod(pod: PodInfo, nodeName: string): void {
    const homeless = this.#homeless.get(nodeName)
    if (homeless?.delete(pod.uid)) {
      this.#useClaims(pod, -1)
      if (!homeless.size) this.#homeless.delete(nodeName)
      return
    }
    const row = this.#byName.get(nodeName)
    const at = row?.placed.findIndex(p => p.uid === pod.uid) ?? -1
    if (!row || at < 0) return
    this.#useClaims(pod, -1)
    const [placed] = row.placed.splice(at, 1)
    this.#count(row, placed!, -1)
  }

  /** Something about the node's pods has changed that is counted nowhere. */
  touch(nodeName: string): void {
    const row = this.#byName.get(nodeName)
    if (row) this.#touch(row.index)
  }

  /** Wherever it is, even on a node that we have not heard of. */
  #useClaims({ pod }: PodInfo, sign: 1 | -1): void {
    for (const { key } of claimUses(pod)) {
      this.#claimUsers.set(key, this.claimUsers(key) + sign)
      if (!this.claimUsers(key)) this.#claimUsers.delete(key)
    }
  }

  /** Things are being tried out. */
  get speculating(): boolean {
    return this.#speculating
  }

  /** For trying things out: `then` may add and remove pods and must put all back, which leaves no trace in the log of changes. */
  speculate<R>(then: () => R): R {
    const { sequence } = this
    const already = this.#speculating
    this.#speculating = true
    try {
      return then()
    } finally {
      this.#speculating = already
      this.sequence = sequence
    }
  }

  /** There is a node that is only imagined: what is worked out now is of no use afterwards. */
  get imagining(): boolean {
    return this.#imagining
  }

  /**
   * For trying things out: the cluster as it would be with this node, which is one more, or has other taints than it has.
   * `then` may look, and not change anything. What was worked out before stands afterwards.
   */
  withNode<R>(node: Node, then: (view: NodeView) => R): R {
    const { epoch, sequence } = this
    const across = this.#across
    const known = this.#byName.get(node.metadata.name)
    const row = known ?? this.#append(node, this.#rows.length)
    const real = row.node
    const already = this.#imagining
    row.node = node
    this.#imagining = true
    this.#newEpoch()
    try {
      return then(row)
    } finally {
      this.#imagining = already
      row.node = real
      if (!known) this.#drop(row)
      this.epoch = epoch
      this.sequence = sequence
      this.#across = across
    }
  }

  #count(row: NodeRow, info: PodInfo, sign: 1 | -1): void {
    const { index } = row
    const { class: c, pod } = info
    if (c.gpu && sign > 0) this.gpus.ledger.add(index, row.name, info)
    else if (c.gpu) this.gpus.ledger.remove(index, info)
    row.attachable += sign * mostAttached(pod)
    this.priorities.add(info.priority, sign)
    this.columns.add(index, c, sign)
    for (const counter of this.#across.counterList) counter.add(index, c, sign)
    for (const group of termGroups)
      for (const term of c[group]) {
        const terms = this.termsOfPlaced[group]
        const known = terms.get(term.key)
        if (known) known.pods += sign
        else terms.set(term.key, { term, pods: sign })
        if (known?.pods === 0) terms.delete(term.key)
      }
    this.#touch(index)
  }

  // --- what is worked out across nodes

  topology(labelKey: string): TopologyColumn {
    let column = this.#across.topologies.get(labelKey)
    if (!column) this.#across.topologies.set(labelKey, (column = new TopologyColumn(labelKey, this.nodes, this.rows)))
    return column
  }

  counter(key: string, rule: CounterRule): PodCounter {
    let counter = this.#across.counters.get(key)
    if (!counter) {
      counter = new PodCounter(rule, this.topology(rule.topologyKey), this.nodes)
      if (this.#across.counters.size >= mostCounters)
        this.#across.counters.delete(this.#across.counters.keys().next().value!)
      this.#across.counters.set(key, counter)
      this.#across.counterList = [...this.#across.counters.values()]
    }
    return counter
  }

  images(): ReadonlyMap<string, { nodes: number }> {
    if (this.#across.images) return this.#across.images
    this.#across.images = new Map()
    for (const { node } of this.nodes)
      for (const name of imageNames(node)) {
        const known = this.#across.images.get(name)
        if (known) known.nodes++
        else this.#across.images.set(name, { nodes: 1 })
      }
    return this.#across.images
  }

  /** Rows that changed since `sequence`, each once, or undefined if that is too long ago to know. */
  changedSince(sequence: number): readonly number[] | undefined {
    return this.#across.log.since(sequence)
  }

  #touch(index: number): void {
    if (this.#speculating) return
    this.#across.log.push(index, 4 * this.rows + 1_024)
    this.sequence++
  }

  #newEpoch(): void {
    this.epoch = ++this.#lastEpoch
    this.#across = nothingYet(++this.sequence)
  }
}

/** The names under which a node has images, tags included. */
function imageNames(node: Node): string[] {
  return (node.status?.images ?? []).flatMap(image => (image.names ?? []).map(normalImage))
}
