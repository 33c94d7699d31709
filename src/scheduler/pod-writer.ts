import { type Clock, timestamp } from '../base/clock.ts'
import type { Client } from '../client/index.ts'
import { isNotFound } from '../models/api-error.ts'
import { Pod } from '../models/kinds/index.ts'
import type { PodCondition } from '../models/types/core-v1.ts'
import { GroupBindings } from './group-bindings.ts'
import { Limiter } from './limiter.ts'
import type { PodInfo } from './pod-class.ts'

/** Requests under way at once; bindings have their own, so that a flood of refusals does not hold them up. */
const reportsAtOnce = 64

/** What the scheduler writes to the API. */
export class PodWriter {
  readonly #client: Client
  readonly #clock: Clock
  readonly #bindings: GroupBindings
  readonly #reports = new Limiter(reportsAtOnce)

  constructor(client: Client, clock: Clock) {
    this.#client = client
    this.#bindings = new GroupBindings(client)
    this.#clock = clock
  }

  /** Bindings that run or wait. */
  get binding(): number {
    return this.#bindings.size
  }

  /** @param annotations to be written to the pod in the same step */
  bind(info: PodInfo, node: string, annotations: Record<string, string> = {}): Promise<void> {
    return this.#bindings.bind(info, node, annotations)
  }

  /** Says in the pod's status that it fits nowhere, and which node is being cleared for it, unless the status says so already. */
  async reportUnschedulable({ key, pod }: PodInfo, message: string, nominatedNode: string): Promise<void> {
    const known = pod.status?.conditions?.find(c => c.type === 'PodScheduled')
    const same = known?.status === 'False' && known.reason === 'Unschedulable' && known.message === message
    if (same && (pod.status?.nominatedNodeName ?? '') === nominatedNode) return
    const condition = this.#condition('PodScheduled', 'False', 'Unschedulable', message, known)
    const nominated =
      (pod.status?.nominatedNodeName ?? '') === nominatedNode ? {} : { nominatedNodeName: nominatedNode || null }
    await this.#patchStatus(key, { conditions: [condition], ...nominated })
  }

  /** Says in the pod's status why it is not tried yet, unless the status says so already. */
  async reportHeld({ key, pod }: PodInfo, message: string): Promise<void> {
    const known = pod.status?.conditions?.find(c => c.type === 'PodScheduled')
    if (known?.reason === 'SchedulingGated' && known.message === message) return
    await this.#patchStatus(key, {
      conditions: [this.#condition('PodScheduled', 'False', 'SchedulingGated', message, known)],
    })
  }

  /** Ends a pod gracefully for a more important one, and says so first. */
  async evict(
    { key, uid, pod }: PodInfo,
    schedulerName: string,
    why = 'preempting to accommodate a higher priority pod',
  ): Promise<void> {
    const known = pod.status?.conditions?.find(c => c.type === 'DisruptionTarget')
    const message = `${schedulerName}: ${why}`
    const condition = this.#condition('DisruptionTarget', 'True', 'PreemptionByScheduler', message, known)
    try {
      await this.#patchStatus(key, { conditions: [condition] })
      await this.#reports.run(() => this.#client.delete(Pod, key, { uid }))
    } catch (error) {
      // Gone already: just what was wanted.
      if (!isNotFound(error)) throw error
    }
  }

  async clearNomination({ key }: PodInfo): Promise<void> {
    await this.#patchStatus(key, { nominatedNodeName: null })
  }

  async #patchStatus(key: PodInfo['key'], status: object): Promise<void> {
    const patch = { type: 'strategic' as const, body: { status } }
    await this.#reports.run(() => this.#client.patch(Pod, key, patch, { subresource: 'status' }))
  }

  #condition(type: string, status: string, reason: string, message: string, known?: PodCondition): PodCondition {
    const since = known?.status === status ? known.lastTransitionTime : undefined
    return { type, status, reason, message, lastTransitionTime: since ?? timestamp(this.#clock) }
  }
}
