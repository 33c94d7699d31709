import { keyOf, keyText } from '../../models/object.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { Decider, Fit } from '../decider.ts'
import { failureMessage } from '../fit-failure.ts'
import type { Reservation, SchedulerPlugin } from '../plugin.ts'
import type { PodInfo } from '../pod-class.ts'
import type { QueuedPod, SchedulingQueue } from '../scheduling-queue.ts'
import { type Gang, type Gangs, gangKey } from './gangs.ts'
import { placeTogether, type Together } from './place-together.ts'

/** What came of a binding: `lost` means that the pod is gone, or somebody else bound it. */
export type Bound = 'bound' | 'lost' | 'failed'

/** Not a rule of nodes: it stands for `the rest of the gang is missing` among what keeps a pod parked. */
export const coscheduling: SchedulerPlugin = {
  name: 'Coscheduling',
  prepare: () => undefined,
  wakes: (e, { pod }) =>
    e.type === 'object-changed' && e.table === 'podGroups' && keyText(keyOf(e.object)) === gangKey(pod),
}

export interface GangSchedulerOptions {
  gangs: Gangs
  queue: SchedulingQueue
  state: ClusterState
  deciderOf(info: PodInfo): Decider
  /** Binds the pod to where the state has it already. */
  place(entry: QueuedPod, fit: Fit, reservations: readonly Reservation[], gang: Gang): Promise<Bound>
  /** Parks the pods and says why. */
  holdBack(entries: readonly QueuedPod[], rejectedBy: ReadonlySet<string>, message: string): void
  /** Has less important pods end if then enough members fit. */
  makeRoom(members: readonly PodInfo[], need: number): void
  /** Follows work that nobody waits for. */
  track(work: Promise<unknown>): void
  /** Ends a member that was bound in vain. */
  end(info: PodInfo, message: string): Promise<void>
}

/** Tries the waiting members of a gang at once: enough of them find a place now, or none takes one. */
export class GangScheduler {
  readonly #options: GangSchedulerOptions

  constructor(options: GangSchedulerOptions) {
    this.#options = options
  }

  /** @param gang undefined if the PodGroup is not there. @returns whether members were placed */
  attempt(entry: QueuedPod, key: string, gang: Gang | undefined): boolean {
    const { gangs, queue, state, holdBack } = this.#options
    const others = gang ? queue.waitingIn(key) : []
    const need = (gang?.minMember ?? 0) - gangs.placed(key)
    const members = [entry, ...others]
    if (gang && members.length >= need) return this.#attemptAll(members, need, gang)
    const said = gang ? `has ${members.length} of the ${need} pods that it needs` : 'not found'
    const message = `0/${state.nodes.length} nodes are available: pod group ${key} ${said}.`
    holdBack([entry], new Set([coscheduling.name]), message)
    return false
  }

  #attemptAll(members: readonly QueuedPod[], need: number, gang: Gang): boolean {
    const { place, holdBack, makeRoom, track } = this.#options
    const { placed, failed, fitting } = this.#placeTogether(members, need)
    const byUid = new Map(members.map(m => [m.info.uid, m]))
    const bindings = placed.map(({ info, fit, reservations }) => {
      const member = byUid.get(info.uid)!
      byUid.delete(info.uid)
      return { member, bound: place(member, fit, reservations, gang) }
    })
    if (bindings.length) track(this.#dissolveIfBroken(gang, bindings))
    if (!placed.length) {
      makeRoom(
        members.map(m => m.info),
        need,
      )
    }
    if (byUid.size) {
      // None were placed, or these are beyond those that were needed: they wait for room of their own.
      const reasons = new Set([coscheduling.name, ...failed.flatMap(f => [...f.unfit.failure.plugins])])
      const why = failed.map(f => failureMessage(f.unfit.failure))[0]
      holdBack(
        [...byUid.values()],
        reasons,
        `${why} pod group ${gang.key}: ${fitting} of the ${need} pods that it needs fit.`,
      )
    }
    return placed.length > 0
  }

  #placeTogether(members: readonly QueuedPod[], need: number): Together {
    const { queue, state, deciderOf } = this.#options
    const [, ...others] = members
    for (const other of others) queue.claim(other)
    try {
      return placeTogether(
        members.map(m => m.info),
        need,
        state,
        deciderOf,
      )
    } catch (error) {
      for (const other of others) queue.retry(other)
      throw error
    }
  }

  /** Some members could not be bound in time: those that were must not hold what others need. */
  async #dissolveIfBroken(
    gang: Gang,
    bindings: readonly { member: QueuedPod; bound: Promise<Bound> }[],
  ): Promise<void> {
    const { gangs, queue, end } = this.#options
    const results = await Promise.all(bindings.map(b => b.bound))
    const broken = results.includes('failed') && gangs.placed(gang.key) < gang.minMember
    const inVain = broken ? bindings.filter((_, i) => results[i] === 'bound').map(b => b.member.info) : []
    for (const info of inVain) gangs.leave(info)
    for (const [i, { member }] of bindings.entries()) if (results[i] === 'failed') queue.retry(member)
    const message = `pod group ${gang.key} could not be bound as a whole in ${gang.timeoutMs / 1_000} s`
    for (const info of inVain) await end(info, message)
  }
}
