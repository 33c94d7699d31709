import type { KubeObject } from '../models/object.ts'
import type { Node } from '../models/types/core-v1.ts'
import type { TableName } from './cluster-objects.ts'
import type { PodInfo } from './pod-class.ts'

/** Something happened that may let in a pod that did not fit. */
export type ClusterEvent =
  | { type: 'node-added'; node: Node }
  | { type: 'node-updated'; node: Node; changed: ReadonlySet<NodeChange> }
  | { type: 'node-removed'; node: Node }
  /** A pod was placed by somebody. */
  | { type: 'pod-placed'; pod: PodInfo }
  /** A placed pod changed its labels or began to terminate. */
  | { type: 'pod-updated'; pod: PodInfo; old: PodInfo }
  | { type: 'pod-removed'; pod: PodInfo; node: string }
  | { type: 'namespace-changed' }
  /** A claim, a volume, a storage class … came or changed. */
  | { type: 'object-changed'; table: TableName; object: KubeObject; old?: KubeObject }

export type NodeChange = 'allocatable' | 'labels' | 'taints' | 'images'
