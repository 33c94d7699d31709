import type { ObjectMeta } from '../../models/types/meta-v1.ts'
import type { QueuePlace } from '../queues/standing.ts'

/** Why a pod is where it is, or nowhere. `GET /apis/optiflow.dev/v1/namespaces/{namespace}/pods/{name}/explanation`. */
export interface Explanation {
  apiVersion: 'optiflow.dev/v1'
  kind: 'PodExplanation'
  metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid'>
  state: 'Pending' | 'Queued' | 'Placed' | 'Gated' | 'Finished'
  /** One sentence. */
  summary: string
  /** How many nodes there are. */
  nodes: number
  /** Nodes that would take the pod now. */
  fitting: number
  /** Every reason that some node gave, whether first or not, with how many and some of the nodes. */
  refusals: Refusal[]
  /** The rule that alone keeps the pod from most nodes; without one that stands alone, the one that refuses most. */
  bindingConstraint?: { plugin: string; nodes: number; alone: boolean }
  /** What would let it in, the smallest change first. Each has been tried on a copy with the scheduler's own rules. */
  changes: Change[]
  /** What each node said: its first refusal and the rest. At most `mostNodes`; refusals count all. */
  byNode: NodeRefusal[]
  /** Of a placed pod: the node it is on, then the best three others, as if it were placed now. */
  scores?: NodeScore[]
  /** Of a pod that waits in a queue: what keeps it there, before any node is asked. */
  queue?: QueuePlace
  /** What came of the scheduler's latest try, if this process made it. */
  latest?: { at: string; attempts: number; message: string }
}

export interface Refusal {
  plugin: string
  reason: string
  nodes: number
  /** On how many of them this is the first reason, which the event counts. */
  first: number
  /** Some of them. */
  examples: string[]
}

export interface NodeRefusal {
  node: string
  first: string
  others?: string[]
}

export interface NodeScore {
  node: string
  chosen: boolean
  /** Sum of score × weight. */
  total: number
  /** By plugin: 0 … 100, times its weight. */
  plugins: Record<string, number>
}

/** A change of the pod or of the cluster after which the pod is placed. */
export type Change = PodChange | ClusterChange

export interface PodChange {
  of: 'pod'
  /** `memory 8Gi → 6246Mi`. */
  text: string
  /** A node that would take it. */
  node: string
  /** What the containers would have to request, where that is the change. */
  requests?: { container: string; resource: string; from: string; to: string }[]
}

export interface ClusterChange {
  of: 'cluster'
  text: string
  node: string
  evict?: { namespace: string; name: string; priority: number }[]
  removeTaints?: { key: string; value?: string; effect: string }[]
  uncordon?: true
  /** One more node of the shape of this one, empty. */
  addNodeLike?: string
}
