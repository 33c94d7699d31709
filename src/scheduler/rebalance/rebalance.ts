import type { Pod } from '../../models/types/core-v1.ts'
import { Decider } from '../decider.ts'
import type { PodInfo } from '../pod-class.ts'
import type { SimulatedWorld } from '../simulate/simulate.ts'
import { type Utilisation, utilisationOf } from '../simulate/utilisation.ts'
import { Disruptions } from './disruptions.ts'
import { type Move, RescueSearch, sizeOf } from './rescue-search.ts'

export type { Move } from './rescue-search.ts'

export interface RebalanceOptions {
  /** In all. */
  mostMoves: number
  /** For one pod that is stuck. 3 unless given. */
  mostMovesEach?: number
  /** May the pod be moved? Who has a controller, no word against it and a budget that allows it, unless given. */
  mayMove?(pod: Pod): boolean
}

/** One pod that is stuck, and what must move for it. */
export interface Rescue {
  /** `namespace/name`. */
  pod: string
  node: string
  /** In the order in which they make room for each other. None: it fits as things are. */
  moves: readonly Move[]
}

export interface RebalancePlan {
  rescues: readonly Rescue[]
  /** Pods that stay stuck, or would need too many moves. */
  stuck: number
  before: Utilisation
  after: Utilisation
}

/**
 * The fewest moves that let in pods that are stuck. The most important first: of those equally important, whoever fits as
 * things are, then who needs one move, then two, and among these the largest. The scheduler's own code says who fits where.
 * Every pod moves at most once, and never to where it is. Changes nothing: what to do with the plan is the caller's choice.
 */
export function planRebalance(world: SimulatedWorld, options: RebalanceOptions): RebalancePlan {
  const state = world.state.fork()
  const deciders = new Map(world.profiles.map(p => [p.schedulerName, new Decider(p, state)]))
  const disruptions = new Disruptions(world.budgets)
  const { mayMove } = options
  const search = new RescueSearch({
    state,
    deciderOf: ({ pod }) => deciders.get(pod.spec.schedulerName || 'default-scheduler'),
    mayMove: pods => (mayMove ? pods.every(mayMove) : disruptions.allow(pods)),
  })
  try {
    const before = utilisationOf(state)
    const waiting = (world.pending ?? []).filter(pod => !pod.spec.schedulingGates?.length).map(pod => search.admit(pod))
    const rescues = rescueAll(waiting, search, options)
    return { rescues, stuck: waiting.length - rescues.length, before, after: utilisationOf(state) }
  } finally {
    search.release()
  }
}

function rescueAll(
  waiting: readonly PodInfo[],
  search: RescueSearch,
  { mostMoves, mostMovesEach = 3 }: RebalanceOptions,
): Rescue[] {
  const rescues: Rescue[] = []
  let movesLeft = mostMoves
  for (const equals of byPriority(waiting)) {
    let stuck = equals
    for (let moves = 0; moves <= Math.min(mostMovesEach, movesLeft); moves++) {
      const hopeless = new Set<number>()
      stuck = stuck.filter(info => {
        if (hopeless.has(info.class.id) || moves > movesLeft) return true
        const place = search.find(info, moves)
        if (!place && !info.personal) hopeless.add(info.class.id)
        if (!place) return true
        movesLeft -= place.moves.length
        rescues.push({ pod: info.keyText, ...place })
        return false
      })
    }
  }
  return rescues
}

/** The most important first; of these the largest first. */
function byPriority(pods: readonly PodInfo[]): PodInfo[][] {
  const groups = new Map<number, PodInfo[]>()
  for (const pod of pods) {
    const group = groups.get(pod.priority)
    if (group) group.push(pod)
    else groups.set(pod.priority, [pod])
  }
  const sorted = [...groups].sort(([a], [b]) => b - a)
  return sorted.map(([, group]) => group.sort((a, b) => sizeOf(b) - sizeOf(a)))
}
