import type { Pod } from '../../models/types/core-v1.ts'
import type { ClusterState } from '../cluster-state.ts'
import { Decider } from '../decider.ts'
import type { PodInfo } from '../pod-class.ts'
import type { SimulatedWorld } from '../simulate/simulate.ts'
import { type Utilisation, utilisationOf } from '../simulate/utilisation.ts'
import type { NodeView } from '../snapshot.ts'
import { Disruptions } from './disruptions.ts'

export interface RebalanceOptions {
  /** In all. */
  mostMoves: number
  /** For one pod that is stuck. 3 unless given. */
  mostMovesEach?: number
  /** May the pod be moved? Who has a controller, no word against it and a budget that allows it, unless given. */
  mayMove?(pod: Pod): boolean
}

export interface Move {
  /** `namespace/name`. */
  pod: string
  from: string
  to: string
}

/** One pod that is stuck, and what must move for it. */
export interface Rescue {
  /** `namespace/name`. */
  pod: string
  node: string
  /** None: it fits as things are. */
  moves: readonly Move[]
}

export interface RebalancePlan {
  rescues: readonly Rescue[]
  /** Pods that stay stuck, or would need too many moves. */
  stuck: number
  before: Utilisation
  after: Utilisation
}

/** Nodes that are looked at for one stuck pod, the emptiest first. */
const mostNodes = 100
/** Sets of pods that are tried for one stuck pod; up to here the search is exact, smallest sets first. */
const mostSets = 2_000
/** Pods of one node that are considered in sets of several. */
const mostPerNode = 12

/**
 * The fewest moves that let in pods that are stuck. For each (the most important first, then the largest) it looks for the
 * smallest set of pods on one node without which it fits, all of which the scheduler's own code places elsewhere. Every pod
 * moves at most once, and never to where it is. Changes nothing: what to do with the plan is the caller's choice.
 */
export function planRebalance(world: SimulatedWorld, options: RebalanceOptions): RebalancePlan {
  const planner = new Planner(world, options)
  try {
    return planner.plan(world.pending ?? [])
  } finally {
    planner.release()
  }
}

class Planner {
  readonly #state: ClusterState
  readonly #deciders: Map<string, Decider>
  readonly #disruptions: Disruptions
  readonly #options: RebalanceOptions
  readonly #admitted: PodInfo[] = []
  readonly #moved = new Set<string>()
  #movesLeft: number

  constructor({ state, profiles, budgets }: SimulatedWorld, options: RebalanceOptions) {
    this.#state = state.fork()
    this.#deciders = new Map(profiles.map(p => [p.schedulerName, new Decider(p, this.#state)]))
    this.#disruptions = new Disruptions(budgets)
    this.#options = options
    this.#movesLeft = options.mostMoves
  }

  plan(pending: readonly Pod[]): RebalancePlan {
    const before = utilisationOf(this.#state)
    const waiting = pending.filter(pod => !pod.spec.schedulingGates?.length).map(pod => this.#admit(pod))
    waiting.sort((a, b) => b.priority - a.priority || sizeOf(b) - sizeOf(a))
    const hopeless = new Set<number>()
    const rescues: Rescue[] = []
    for (const info of waiting) {
      if (hopeless.has(info.class.id)) continue
      const rescue = this.#rescue(info)
      if (rescue) rescues.push(rescue)
      else if (!info.personal) hopeless.add(info.class.id)
    }
    return { rescues, stuck: waiting.length - rescues.length, before, after: utilisationOf(this.#state) }
  }

  release(): void {
    for (const info of this.#admitted) this.#state.classes.release(info)
  }

  #admit(pod: Pod): PodInfo {
    const info = this.#state.classes.admit(pod)
    this.#admitted.push(info)
    return info
  }

  #rescue(info: PodInfo): Rescue | undefined {
    const decider = this.#deciderOf(info)
    const decision = decider?.decide(info)
    if (!decider || !decision) return undefined
    if (decision.node) {
      this.#place(info, decision.node, decider)
      return { pod: info.keyText, node: decision.node.name, moves: [] }
    }
    const room = ({ index }: NodeView) => roomOf(info, index, this.#state)
    const nodes = [...decision.evictable].sort((a, b) => room(b) - room(a)).slice(0, mostNodes)
    let sets = 0
    for (let size = 1; size <= Math.min(this.#options.mostMovesEach ?? 3, this.#movesLeft); size++)
      for (const node of nodes)
        for (const set of setsOf(this.#candidates(node, info, size), size)) {
          if (++sets > mostSets) return undefined
          const moves = this.#try(set, info, node, decider)
          if (moves) return { pod: info.keyText, node: node.name, moves }
        }
    return undefined
  }

  /** Smallest first. Nobody moves for who matters less. */
  #candidates(node: NodeView, info: PodInfo, size: number): PodInfo[] {
    const { mayMove } = this.#options
    const may = (pod: Pod) => (mayMove ? mayMove(pod) : this.#disruptions.allow([pod]))
    const all = node.placed.filter(p => !this.#moved.has(p.uid) && p.priority <= info.priority && may(p.pod))
    all.sort((a, b) => sizeOf(a) - sizeOf(b))
    return size === 1 ? all : all.slice(0, mostPerNode)
  }

  #try(set: readonly PodInfo[], info: PodInfo, node: NodeView, decider: Decider): Move[] | undefined {
    if (!this.#options.mayMove && !this.#disruptions.allow(set.map(p => p.pod))) return undefined
    if (!this.#fitsWithout(set, info, node, decider)) return undefined
    for (const pod of set) this.#state.removePod(pod, node.name)
    this.#place(info, node, decider)
    const placed: { again: PodInfo; to: string }[] = []
    for (const pod of set) {
      const again = this.#admit(withoutNode(pod.pod))
      const found = this.#deciderOf(again)?.decide(again)
      if (!found?.node || found.node.name === node.name) break
      this.#place(again, found.node, this.#deciderOf(again)!)
      placed.push({ again, to: found.node.name })
    }
    if (placed.length < set.length) {
      for (const { again, to } of placed) this.#state.removePod(again, to)
      this.#state.removePod(info, node.name)
      for (const pod of set) this.#state.addPod(pod, node.name)
      return undefined
    }
    for (const pod of set) this.#moved.add(pod.uid)
    this.#movesLeft -= set.length
    this.#disruptions.take(set.map(p => p.pod))
    return placed.map(({ again, to }) => ({ pod: again.keyText, from: node.name, to }))
  }

  #fitsWithout(set: readonly PodInfo[], info: PodInfo, node: NodeView, decider: Decider): boolean {
    return this.#state.speculate(() => {
      for (const pod of set) this.#state.removePod(pod, node.name)
      try {
        return decider.check(info, node) === undefined
      } finally {
        for (const pod of set) this.#state.addPod(pod, node.name)
      }
    })
  }

  #place(info: PodInfo, node: NodeView, decider: Decider): void {
    for (const reservation of decider.reserve(info, node)) reservation.release()
    this.#state.addPod(info, node.name)
  }

  #deciderOf({ pod }: PodInfo): Decider | undefined {
    return this.#deciders.get(pod.spec.schedulerName || 'default-scheduler')
  }
}

/** Thousandths of devices where any are asked for, which outweigh all CPU; else thousandths of cores. */
function sizeOf({ class: { gpu, scoredCpuMillis } }: PodInfo): number {
  return gpu ? 1e9 + gpu.devices * gpu.milliEach : scoredCpuMillis
}

/** What is free of what the pod is about. */
function roomOf({ class: { gpu } }: PodInfo, row: number, { gpus, columns }: ClusterState): number {
  const devices = gpu && gpus.ledger.at(row)
  if (devices) return devices.free.reduce((sum, milli) => sum + milli, 0)
  return columns.allocatable[0]![row]! - columns.requested[0]![row]!
}

function withoutNode(pod: Pod): Pod {
  const { nodeName: _, ...spec } = pod.spec
  return { ...pod, spec }
}

/** All sets of `size`, those of early members first. */
function* setsOf<T>(all: readonly T[], size: number, from = 0): Generator<T[]> {
  if (!size) {
    yield []
    return
  }
  for (let i = from; i <= all.length - size; i++)
    for (const rest of setsOf(all, size - 1, i + 1)) yield [all[i]!, ...rest]
}
