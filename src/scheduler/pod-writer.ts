import { type Clock, timestamp } from '../base/clock.ts'
import type { Client } from '../client/index.ts'
import { isNotFound } from '../models/api-error.ts'
import { Pod } from '../models/kinds/index.ts'
import type { PodCondition } from '../models/types/core-v1.ts'
import { GroupBindings } from './group-bindings.ts'
import { GroupReports } from './group-reports.ts'
import type { PodInfo } from './pod-class.ts'

/** What the scheduler writes to the API. */
export class PodWriter {
  readonly #client: Client
  readonly #clock: Clock
  readonly #bindings: GroupBindings
  /** Apart from bindings, so that a flood of refusals does not hold them up. */
  readonly #reports: GroupReports

  constructor(client: Client, clock: Clock) {
    this.#client = client
    this.#bindings = new GroupBindings(client)
    this.#reports = new GroupReports(client)
    this.#clock = clock
  }

  /** Bindings that run or wait. */
  get binding(): number {
    return this.#bindings.size
  }

  /** What is said of pods, and their ends, that are being written or wait. */
  get reporting(): number {
    return this.#reports.size
  }

  /** @param annotations to be written to the pod in the same step */
  bind(info: PodInfo, node: string, annotations: Record<string, string> = {}): Promise<void> {
    return this.#bindings.bind(info, node, annotations)
  }

  /** Says in the pod's status that it fits nowhere, and which node is being cleared for it, unless the status says so already. */
  async reportUnschedulable(info: PodInfo, message: string, nominatedNode: string): Promise<void> {
    const { pod } = info
    const known = pod.status?.conditions?.find(c => c.type === 'PodScheduled')
    const same = known?.status === 'False' && known.reason === 'Unschedulable' && known.message === message
    if (same && (pod.status?.nominatedNodeName ?? '') === nominatedNode) return
    const condition = this.#condition('PodScheduled', 'False', 'Unschedulable', message, known)
    const nominated =
      (pod.status?.nominatedNodeName ?? '') === nominatedNode ? {} : { nominatedNodeName: nominatedNode }
    await this.#reports.write(info, { condition, ...nominated })
  }

  /** Says in the pod's status why it is not tried yet, unless the status says so already. */
  async reportHeld(info: PodInfo, message: string): Promise<void> {
    const known = info.pod.status?.conditions?.find(c => c.type === 'PodScheduled')
    if (known?.reason === 'SchedulingGated' && known.message === message) return
    await this.#reports.write(info, {
      condition: this.#condition('PodScheduled', 'False', 'SchedulingGated', message, known),
    })
  }

  /** Ends a pod gracefully for a more important one, and says so first. */
  async evict(
    info: PodInfo,
    schedulerName: string,
    why = 'preempting to accommodate a higher priority pod',
  ): Promise<void> {
    const known = info.pod.status?.conditions?.find(c => c.type === 'DisruptionTarget')
    const message = `${schedulerName}: ${why}`
    const condition = this.#condition('DisruptionTarget', 'True', 'PreemptionByScheduler', message, known)
    try {
      await this.#reports.write(info, { condition, delete: true })
    } catch (error) {
      // Gone already: just what was wanted.
      if (!isNotFound(error)) throw error
    }
  }

  async clearNomination({ key }: PodInfo): Promise<void> {
    const patch = { type: 'strategic' as const, body: { status: { nominatedNodeName: null } } }
    await this.#client.patch(Pod, key, patch, { subresource: 'status' })
  }

  #condition(type: string, status: string, reason: string, message: string, known?: PodCondition): PodCondition {
    const since = known?.status === status ? known.lastTransitionTime : undefined
    return { type, status, reason, message, lastTransitionTime: since ?? timestamp(this.#clock) }
  }
}
