import type { Clock } from '../base/clock.ts'
import type { Client } from '../client/index.ts'
import type { Pod } from '../models/types/core-v1.ts'
import type { ClusterEvent } from './cluster-event.ts'
import type { TableName } from './cluster-objects.ts'
import type { PodInfo } from './pod-class.ts'
import type { NodeView, Snapshot } from './snapshot.ts'

/** One rule of placement. One file each under plugins/; registered in plugins/index.ts with its default weight. */
export interface SchedulerPlugin<State = any> {
  name: string
  /**
   * What `filter` and `score` look at. `node` (the default): the given node only, so that results are remembered for equal
   * pods until that node changes. `cluster`: other nodes' pods too; asked anew for every pod.
   */
  scope?: 'node' | 'cluster'
  /**
   * Of a rule of scope `node`: it looks at nothing of a pod but its shape (what it asks of a node: resources, selectors,
   * node affinity, tolerations, host ports, images). Pods that differ in labels, owner or namespace share its answers.
   */
  byShape?: true
  /**
   * Of a rule of scope `node`: its filter looks at the node's own labels, taints, cordon or name, and not at what is free
   * there. A node that it has let pass is not asked again until nodes change.
   */
  lasting?: true
  /** Once per pod (or class of equal pods). Undefined: this plugin has no say about this pod. */
  prepare(pod: Pod, snapshot: Snapshot, info: PodInfo): State | undefined
  /** Set if no node can do, whatever it is like: said once, and nodes are not asked. */
  refuseAll?(state: State): string | undefined
  /** The only nodes worth a look, by name, if they are known beforehand. */
  candidates?(state: State): ReadonlySet<string> | undefined
  /** False: no node is refused whatever it is like, so none needs to be asked. */
  refuses?(state: State): boolean
  /** Undefined: fits. Else the reason in Kubernetes' words: `Insufficient cpu`; several if there are. */
  filter?(state: State, node: NodeView): string | string[] | undefined
  /** `filter` for all nodes at once, in fewer steps: gives each row that is still 0 and does not fit the number of its reason. */
  refuseRows?(state: State, verdicts: Int32Array, numberOf: (reason: string) => number): void
  /** True where taking pods away from a refused node could make this rule accept it. Unless given: never. */
  evictionHelps?(state: State, node: NodeView): boolean
  /**
   * What it says of a node that evictions do not help and that Kubernetes tries to clear all the same, with only these pods left
   * there. Unless given such nodes count as those for which preemption is not helpful.
   */
  refusalWith?(state: State, node: NodeView, left: readonly PodInfo[]): readonly string[]
  /** False: every node would score the same, so none is asked. */
  scores?(state: State): boolean
  /** Once per pod before `score`, with all nodes that fit. */
  prepareScore?(state: State, fitting: readonly NodeView[]): void
  /** Of a rule of scope `node`: kinds of objects that its score looks at besides; scores are asked anew after any of them changes. */
  scoresRead?: readonly TableName[]
  /** Of a rule of scope `node`: its score looks at what is expected of the future, and is asked anew when `scoreEpoch` grows. */
  foresees?: true
  /** 0 worst … 100 best; any range with `normalize`. */
  score?(state: State, node: NodeView): number
  /** `score` for many nodes at once: adds to scores[i] that of fitting[i]. */
  scoreRows?(state: State, fitting: readonly NodeView[], scores: Float64Array): void
  /** `score` of a rule of scope `node` that has `normalize`, for all rows at once: sets scores[row] of each whose refusal is 0. */
  scoreFitting?(state: State, refusal: Int32Array, scores: Float64Array, rows: number): void
  /** Brings scores into 0 … 100: proportional to the highest, the reverse of it, or by own rule (in place; scores[i] is of the node in row rows[i]). */
  normalize?: 'highest' | 'lowest' | ((state: State, scores: Float64Array, rows: Int32Array) => void)
  /** The pod will go to the node: takes what else it needs there, until it is bound or `release` gives it back. */
  reserve?(state: State, node: NodeView): Reservation | undefined
  /** May this event let in a pod that this plugin refused? Unless given: every event may. The snapshot knows of it already. */
  wakes?(event: ClusterEvent, pod: PodInfo, snapshot: Snapshot): boolean
  /**
   * The pod fits nowhere, and these are some of the nodes that this plugin refused: what is to be written that may help it, if
   * anything. Whatever comes of it wakes the pod as any event does.
   */
  relieve?(state: State, refused: readonly NodeView[]): ((world: BindingWorld) => Promise<void>) | undefined
}

/** What a plugin has set aside for a pod on its way to a node. */
export interface Reservation {
  /** Written to the pod together with its binding. */
  annotations?: Record<string, string>
  /** The pod is bound, or will not be: what was written is known by then, or void. */
  release(): void
  /** What must stand in the API before the pod is bound. A failure sends the pod back to the queue. */
  write?(world: BindingWorld): Promise<void>
}

export interface BindingWorld {
  client: Client
  clock: Clock
  /** Aborts when the scheduler stops, or the pod is gone. */
  signal: AbortSignal
}
