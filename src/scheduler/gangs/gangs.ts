import type { Pod } from '../../models/types/core-v1.ts'
import type { ClusterEvent } from '../cluster-event.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import type { PodInfo } from '../pod-class.ts'

/** Pods with this label belong to the PodGroup of that name in their namespace. */
const groupLabel = 'scheduling.x-k8s.io/pod-group'

const defaultTimeoutMs = 60_000

/** Pods that start together or not at all. */
export interface Gang {
  /** `namespace/name` of its PodGroup. */
  key: string
  /** So many must have a node, or none. */
  minMember: number
  /** How long bindings of members are tried again before the gang is given up. */
  timeoutMs: number
}

export function gangKey({ metadata }: Pod): string | undefined {
  const name = metadata.labels?.[groupLabel]
  return name ? `${metadata.namespace}/${name}` : undefined
}

/** Which gangs there are, and how many members of each have a node. */
export class Gangs {
  readonly #objects: ClusterObjects
  readonly #placed = new Map<string, Set<string>>()

  constructor(objects: ClusterObjects) {
    this.#objects = objects
  }

  /** Undefined if there is no such PodGroup (yet). */
  get(key: string): Gang | undefined {
    const group = this.#objects.podGroups.get(key)
    if (!group) return undefined
    const { minMember = 1, scheduleTimeoutSeconds } = group.spec ?? {}
    return { key, minMember, timeoutMs: scheduleTimeoutSeconds ? scheduleTimeoutSeconds * 1_000 : defaultTimeoutMs }
  }

  placed(key: string): number {
    return this.#placed.get(key)?.size ?? 0
  }

  note(event: ClusterEvent): void {
    if (event.type !== 'pod-placed' && event.type !== 'pod-removed' && event.type !== 'pod-updated') return
    if (event.type === 'pod-placed') this.#join(event.pod)
    // Whoever is on its way out is no member to count on.
    else if (event.type === 'pod-removed' || event.pod.class.terminating) this.leave(event.pod)
  }

  /** Counts the member no more, though it may take its time to go. */
  leave({ pod, uid }: PodInfo): void {
    const key = gangKey(pod)
    const members = key === undefined ? undefined : this.#placed.get(key)
    members?.delete(uid)
    if (members && !members.size) this.#placed.delete(key!)
  }

  #join({ pod, uid, class: { terminating } }: PodInfo): void {
    const key = gangKey(pod)
    if (key === undefined || terminating) return
    this.#placed.set(key, (this.#placed.get(key) ?? new Set()).add(uid))
  }
}
