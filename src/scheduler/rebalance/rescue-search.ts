import type { Pod } from '../../models/types/core-v1.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { Decider } from '../decider.ts'
import type { PodInfo } from '../pod-class.ts'
import type { NodeView } from '../snapshot.ts'

export interface Move {
  /** `namespace/name`. */
  pod: string
  from: string
  to: string
}

/** Where a pod goes, and who moves for it: those first who make room for the others. */
export interface Place {
  node: string
  moves: readonly Move[]
}

export interface SearchOptions {
  state: ClusterState
  deciderOf(info: PodInfo): Decider | undefined
  /** May all of these be moved together? Asked for one, and for all that move for one pod. */
  mayMove(pods: readonly Pod[]): boolean
}

/** Nodes that are looked at for one pod, the emptiest first. */
const mostNodes = 300
/** Sets of pods that are thought of for one pod; up to here the search is exact, smallest sets first. */
const mostSets = 5_000
/** Sets of which some have no room as things are, that are taken away on trial for one pod that is stuck. */
const mostChains = 40
/** Pods of one node that are considered in sets of several. */
const mostPerNode = 12

/**
 * Finds a place for one pod at a time in a cluster that is its own to change. Where there is none, a set of pods on one node is
 * looked for without which the pod fits. They go where there is room; who finds none may make room in the same way, once: so
 * one moves that another may move (a chain), also to where that one was (an exchange). Nobody moves twice, or for who matters less.
 */
export class RescueSearch {
  readonly #options: SearchOptions
  readonly #admitted: PodInfo[] = []
  /** Pods that have moved, or are to move on trial. */
  readonly #moved = new Map<string, Pod>()
  /** Pods that are placed, as they are when they look for another node. */
  readonly #elsewhere = new Map<string, PodInfo>()
  /** By class, as things were when somebody was last let in: nodes with room for one more, two of them at most. */
  readonly #room = new Map<number, readonly NodeView[]>()
  /** How what is being tried is undone, the last first. */
  #undo: (() => void)[] = []
  #chainsLeft = 0

  constructor(options: SearchOptions) {
    this.#options = options
  }

  /**
   * The pod stands where it says, and the others have moved; or nothing has changed.
   * @param moves how many may move, all in all; 0: it fits as things are
   */
  find(info: PodInfo, moves: number): Place | undefined {
    this.#chainsLeft = mostChains
    const place = this.#settle(info, moves, true)
    this.#undo = []
    if (place) this.#room.clear()
    return place
  }

  admit(pod: Pod): PodInfo {
    const info = this.#options.state.classes.admit(pod)
    this.#admitted.push(info)
    return info
  }

  release(): void {
    for (const info of this.#admitted) this.#options.state.classes.release(info)
  }

  /** @param not whence it was taken because it is in the way */
  #settle(info: PodInfo, moves: number, chains: boolean, not?: string): Place | undefined {
    const decider = this.#options.deciderOf(info)
    const decision = decider?.decide(info)
    if (!decider || !decision) return undefined
    if (decision.node) {
      if (decision.node.name === not) return undefined
      this.#place(info, decision.node, decider)
      return { node: decision.node.name, moves: [] }
    }
    if (!moves) return undefined
    const others = decision.evictable.filter(node => node.name !== not)
    const pod = { info, decider, check: decider.checker(info), nodes: emptiest(info, others, this.#options.state) }
    let place = this.#displace(pod, moves, 0)
    for (let size = moves - 1; chains && size > 0 && !place; size--) place = this.#displace(pod, size, moves - size)
    return place
  }

  /** @param more so many may move for these, who have no room otherwise */
  #displace(pod: Homeless, size: number, more: number): Place | undefined {
    let setsLeft = mostSets
    for (const node of pod.nodes) {
      const candidates = this.#candidates(node, pod.info)
      for (const set of setsOf(size === 1 ? candidates : candidates.slice(0, mostPerNode), size)) {
        if (--setsLeft < 0 || (more && !this.#chainsLeft)) return undefined
        const without = set.filter(one => !this.#hasRoom(one, node)).length
        if (without > more || (more && !without)) continue
        if (!this.#fitsWithout(set, node, pod.check)) continue
        if (more) this.#chainsLeft--
        const place = this.#try(set, pod, node, more)
        if (place) return place
      }
    }
    return undefined
  }

  /** Smallest first. */
  #candidates(node: NodeView, info: PodInfo): PodInfo[] {
    const may = (p: PodInfo) => !this.#moved.has(p.uid) && p.priority <= info.priority && this.#options.mayMove([p.pod])
    return node.placed.filter(may).sort((a, b) => sizeOf(a) - sizeOf(b))
  }

  #hasRoom(pod: PodInfo, besides: NodeView): boolean {
    const again = this.#again(pod)
    let room = this.#room.get(again.class.id)
    if (!room) {
      const ranking = this.#options.deciderOf(again)?.rank(again)
      room = ranking && 'fitting' in ranking ? ranking.fitting.slice(0, 2) : []
      if (!again.personal) this.#room.set(again.class.id, room)
    }
    return room.some(node => node !== besides)
  }

  #again(pod: PodInfo): PodInfo {
    let again = this.#elsewhere.get(pod.uid)
    if (!again) this.#elsewhere.set(pod.uid, (again = this.admit(withoutNode(pod.pod))))
    return again
  }

  #try(set: readonly PodInfo[], { info, decider }: Homeless, node: NodeView, more: number): Place | undefined {
    if (!this.#options.mayMove([...this.#moved.values(), ...set.map(one => one.pod)])) return undefined
    const mark = this.#undo.length
    for (const one of set) this.#take(one, node)
    this.#place(info, node, decider)
    const moves: Move[] = []
    let left = more
    for (const one of set) {
      const again = this.#again(one)
      const place = this.#settle(again, left, false, node.name)
      if (!place) {
        this.#undoTo(mark)
        return undefined
      }
      left -= place.moves.length
      moves.push(...place.moves, { pod: again.keyText, from: node.name, to: place.node })
    }
    return { node: node.name, moves }
  }

  #fitsWithout(set: readonly PodInfo[], node: NodeView, check: Check): boolean {
    const { state } = this.#options
    return state.speculate(() => {
      for (const pod of set) state.removePod(pod, node.name)
      try {
        return check(node) === undefined
      } finally {
        for (const pod of set) state.addPod(pod, node.name)
      }
    })
  }

  #take(pod: PodInfo, node: NodeView): void {
    const { state } = this.#options
    state.removePod(pod, node.name)
    this.#moved.set(pod.uid, pod.pod)
    this.#undo.push(() => {
      state.addPod(pod, node.name)
      this.#moved.delete(pod.uid)
    })
  }

  #place(info: PodInfo, node: NodeView, decider: Decider): void {
    for (const reservation of decider.reserve(info, node)) reservation.release()
    this.#options.state.addPod(info, node.name)
    this.#undo.push(() => this.#options.state.removePod(info, node.name))
  }

  #undoTo(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()!()
  }
}

type Check = ReturnType<Decider['checker']>

/** A pod that fits nowhere as things are. */
interface Homeless {
  info: PodInfo
  decider: Decider
  check: Check
  nodes: readonly NodeView[]
}

function emptiest(info: PodInfo, nodes: readonly NodeView[], state: ClusterState): NodeView[] {
  const room = ({ index }: NodeView) => roomOf(info, index, state)
  return [...nodes].sort((a, b) => room(b) - room(a)).slice(0, mostNodes)
}

/** Thousandths of devices where any are asked for, which outweigh all CPU; else thousandths of cores. */
export function sizeOf({ class: { gpu, scoredCpuMillis } }: PodInfo): number {
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
