import { controllerOf } from '../../client/index.ts'
import type { Node, Pod } from '../../models/types/core-v1.ts'
import type { PodDisruptionBudget } from '../../models/types/policy-v1.ts'
import type { ClusterState } from '../cluster-state.ts'
import { Decider, type Nominated } from '../decider.ts'
import { failureMessage } from '../fit-failure.ts'
import type { Reservation } from '../plugin.ts'
import type { Profile } from '../plugins/index.ts'
import type { PodInfo } from '../pod-class.ts'
import { findEviction } from '../preemption.ts'
import { type Utilisation, utilisationOf } from './utilisation.ts'

/** What is to be tried out. */
export interface Scenario {
  /** Pods to be made, in this order. Of equal priority, the earlier goes first. */
  pods?: readonly Pod[]
  addNodes?: readonly Node[]
  /** By name. Their pods look for other nodes, if somebody makes them anew. */
  removeNodes?: readonly string[]
}

export interface SimulatedWorld {
  state: ClusterState
  profiles: readonly Profile[]
  budgets: readonly PodDisruptionBudget[]
  /** Pods of the cluster that wait for a node. */
  pending?: readonly Pod[]
  /** Has the scheduler tried the pod before? */
  seen?(uid: string): boolean
  nominated?: Nominated
  /** Which of these pods their queues would keep back if they came now, and why, by uid. */
  heldBack?(pods: readonly PodInfo[]): ReadonlyMap<string, string>
}

/** What became of one pod. */
export interface SimulatedPlacement {
  /** `namespace/name`. */
  pod: string
  /** Where it was before, if its node was removed or it was preempted. */
  from?: string
  /** Where it goes; missing: nowhere, and `message` says why. */
  node?: string
  message?: string
  /** Pods of lower priority that it takes the place of. */
  preempts?: readonly string[]
}

export interface Simulation {
  /** In the order of the decisions. */
  placements: readonly SimulatedPlacement[]
  before: Utilisation
  after: Utilisation
}

/**
 * What would happen: forks the state and lets the scheduler's own code decide. The state stays as it is. Pods are decided in
 * the order in which the live scheduler would take them; one that is preempted is tried again after all others.
 */
export function simulate(world: SimulatedWorld, scenario: Scenario): Simulation {
  const fork = new Fork(world)
  try {
    const before = utilisationOf(fork.state)
    for (const node of scenario.addNodes ?? []) fork.state.setNode(node)
    const displaced = (scenario.removeNodes ?? []).flatMap(name => fork.removeNode(name))
    for (const pod of world.pending ?? []) fork.add(pod)
    for (const pod of [...displaced, ...(scenario.pods ?? [])]) fork.add(pod)
    const placements = [...fork.run(), ...fork.lost]
    return { placements, before, after: utilisationOf(fork.state) }
  } finally {
    fork.release()
  }
}

class Fork {
  readonly state: ClusterState
  readonly #seen: (uid: string) => boolean
  readonly #budgets: SimulatedWorld['budgets']
  readonly #deciders: Map<string, Decider>
  readonly #admitted: PodInfo[] = []
  readonly #reservations: Reservation[] = []
  readonly #from = new Map<string, string>()
  readonly #waiting: PodInfo[] = []
  /** Pods of removed nodes that are nobody's. */
  readonly lost: SimulatedPlacement[] = []
  readonly #heldBack: SimulatedWorld['heldBack']
  #held: ReadonlyMap<string, string> = new Map()

  constructor({ state, profiles, budgets, nominated, seen, heldBack }: SimulatedWorld) {
    this.state = state.fork()
    this.#seen = uid => seen?.(uid) ?? false
    this.#budgets = budgets
    this.#heldBack = heldBack
    this.#deciders = new Map(profiles.map(p => [p.schedulerName, new Decider(p, this.state, nominated)]))
  }

  add(pod: Pod): void {
    const info = this.state.classes.admit(pod)
    this.#admitted.push(info)
    this.#waiting.push(info)
  }

  /** @returns the pods that have to look for another node */
  removeNode(name: string): Pod[] {
    const placed = this.state.byName(name)?.placed ?? []
    const pods = placed.filter(p => movable(p.pod))
    for (const { pod, keyText } of placed)
      if (!controllerOf(pod))
        this.lost.push({ pod: keyText, from: name, message: 'ends with its node: no controller makes it anew' })
    this.state.removeNode(name)
    return pods.map(info => this.#displace(info, name))
  }

  run(): SimulatedPlacement[] {
    const out: SimulatedPlacement[] = []
    this.#held = this.#heldBack?.(this.#waiting) ?? this.#held
    this.#waiting.sort((a, b) => b.priority - a.priority)
    for (let info = this.#waiting.shift(); info; info = this.#waiting.shift()) out.push(this.#decide(info))
    return out
  }

  release(): void {
    for (const reservation of this.#reservations) reservation.release()
    for (const info of this.#admitted) this.state.classes.release(info)
  }

  #decide(info: PodInfo): SimulatedPlacement {
    const { schedulerName, schedulingGates } = info.pod.spec
    const from = this.#from.get(info.uid)
    const said = { pod: info.keyText, ...(from ? { from } : {}) }
    const decider = this.#deciders.get(schedulerName || 'default-scheduler')
    if (!decider) return { ...said, message: `no scheduler profile is named ${schedulerName}` }
    if (schedulingGates?.length) return { ...said, message: 'waits for its scheduling gates' }
    const held = this.#held.get(info.uid)
    if (held) return { ...said, message: held }
    if (!from && !this.#seen(info.uid)) this.state.see(info)
    const decision = decider.decide(info)
    if (decision.node) return { ...said, node: this.#place(info, decision.node.name, decider) }
    // Where nobody matters less, why no eviction helps is nothing that anyone reads here.
    const some = this.state.priorities.hasBelow(info.priority)
    const eviction = some && findEviction(info, decision, this.state, decider, this.#budgets).eviction
    if (!eviction) return { ...said, message: failureMessage(decision.failure) }
    const { node, victims } = eviction
    const preempts = victims.map(victim => this.#preempt(victim, node.name))
    return { ...said, node: this.#place(info, node.name, decider), preempts }
  }

  #place(info: PodInfo, node: string, decider: Decider): string {
    // Kept: no binding writes them down, and whoever is decided next must not get the same.
    this.#reservations.push(...decider.reserve(info, this.state.byName(node)!))
    this.state.addPod(info, node)
    return node
  }

  #preempt(victim: PodInfo, node: string): string {
    this.state.removePod(victim, node)
    if (movable(victim.pod)) this.add(this.#displace(victim, node))
    return victim.keyText
  }

  #displace({ pod, uid }: PodInfo, node: string): Pod {
    this.#from.set(uid, node)
    const { nodeName: _, ...spec } = pod.spec
    return { ...pod, spec }
  }
}

/** Someone makes it anew elsewhere: not so the pods of DaemonSets, of the node itself, and of nobody. */
export function movable(pod: Pod): boolean {
  const owner = controllerOf(pod)
  return owner !== undefined && owner.kind !== 'DaemonSet' && owner.kind !== 'Node'
}
