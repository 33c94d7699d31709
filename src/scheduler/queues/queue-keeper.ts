import type { Cancel, Clock } from '../../base/clock.ts'
import type { ClusterEvent } from '../cluster-event.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { Gangs } from '../gangs/gangs.ts'
import type { PodInfo } from '../pod-class.ts'
import { type Job, Jobs, queueOf } from './jobs.ts'
import type { QueueRules, Started, Wait } from './ledger.ts'
import { planQueues, type QueueWorld } from './plan.ts'
import { rulesOf } from './queue-rules.ts'

export interface QueueKeeperOptions {
  clock: Clock
  state: ClusterState
  gangs: Gangs
  /** Somebody else leads while it is not. */
  active(): boolean
  /** It is the pod's turn. */
  release(uid: string): void
  /** The pod has not been let go of by the scheduling queue: its binding failed, and it will be tried again. */
  isQueued(uid: string): boolean
  /** Ends the pods of a job that borrowed what its owner wants back. */
  end(pods: readonly PodInfo[], message: string): void
  /** Told after each plan. */
  planned?(waits: ReadonlyMap<string, Wait>): void
}

/** Events of one burst are answered by one plan. */
const planDelayMs = 20
/** Jobs that found no nodes are tried again at most so often. */
const retryMs = 1_000

/** Keeps pods of queues back until it is their turn; docs/queues.md. The deciding is in plan.ts. */
export class QueueKeeper {
  readonly jobs: Jobs
  readonly #options: QueueKeeperOptions
  #planning: Cancel | undefined
  #retrying: Cancel | undefined
  #closed = false

  constructor(options: QueueKeeperOptions) {
    this.#options = options
    this.jobs = new Jobs(options.clock, options.gangs)
  }

  /** The pod waits here, not for a node. */
  holds({ uid }: PodInfo): boolean {
    const job = this.jobs.of(uid)
    return job !== undefined && job.sinceMs === undefined
  }

  /** A pod without a node came, or changed. */
  arrive(info: PodInfo): void {
    if (queueOf(info.pod) === undefined || info.pod.spec.schedulingGates?.length) return
    this.jobs.wait(info)
    this.#soon()
  }

  gone(uid: string): void {
    if (this.jobs.drop(uid)) this.#soon()
  }

  note(event: ClusterEvent): void {
    if (event.type === 'pod-placed') {
      if (queueOf(event.pod.pod) !== undefined) this.jobs.place(event.pod)
      return
    }
    // Its end is told by `gone`; if it is still known, only its binding has failed.
    if (event.type === 'pod-removed') {
      if (this.jobs.of(event.pod.uid) && this.#options.isQueued(event.pod.uid)) this.jobs.unplace(event.pod)
      this.#roomCame()
    } else if (event.type === 'node-added' || event.type === 'node-updated') this.#roomCame()
    else if (event.type === 'object-changed' && (event.table === 'queues' || event.table === 'podGroups')) this.#soon()
  }

  /** No node had room. @returns true if the pod is to wait here again */
  refused({ uid }: PodInfo): boolean {
    const job = this.jobs.of(uid)
    if (!job || job.placed.size) return false
    job.sinceMs = undefined
    job.blocked = true
    this.#soon()
    return true
  }

  /** As it is now, on the monotonic clock. */
  world(): QueueWorld {
    const { clock } = this.#options
    const nowMs = clock.monotonicMs()
    const { waiting, started } = this.jobs.units(nowMs)
    return { nowMs, queues: this.rules(), free: this.#free(), waiting, started }
  }

  /** As it would be if these pods came as well; those that are known stay as they are. */
  ifTheseCame(pods: readonly PodInfo[]): { jobs: Jobs; world: QueueWorld } {
    const jobs = this.jobs.fork()
    for (const info of pods) {
      const waits = queueOf(info.pod) !== undefined && !info.pod.spec.schedulingGates?.length
      if (waits && !jobs.of(info.uid)) jobs.wait(info)
    }
    const world = this.world()
    return { jobs, world: { ...world, ...jobs.units(world.nowMs) } }
  }

  rules(): Map<string, QueueRules> {
    const { objects, resources } = this.#options.state
    return new Map([...objects.queues.values()].map(q => [q.metadata.name, rulesOf(q, resources)]))
  }

  close(): void {
    this.#closed = true
    this.#planning?.()
    this.#retrying?.()
  }

  #plan(): void {
    const { release, planned, clock } = this.#options
    const world = this.world()
    const { start, waits, reclaim } = planQueues(world)
    const nowMs = clock.monotonicMs()
    for (const { key } of start) {
      const job = this.jobs.get(key)!
      job.sinceMs = nowMs
      for (const uid of [...job.waiting.keys()]) release(uid)
    }
    for (const one of reclaim) this.#end(one)
    planned?.(waits)
  }

  #end({ key }: Started): void {
    const job = this.jobs.get(key)!
    job.ending = true
    const pods: PodInfo[] = [...job.placed.values()]
    this.#options.end(pods, `queue ${job.queue} had borrowed what another queue of its cohort is guaranteed`)
  }

  #soon(): void {
    if (this.#planning || this.#closed || !this.jobs.size) return
    this.#planning = this.#options.clock.schedule(planDelayMs, () => {
      this.#planning = undefined
      if (this.#options.active()) this.#plan()
    })
  }

  #roomCame(): void {
    this.#soon()
    if (this.#retrying || this.#closed || !this.#anyBlocked()) return
    this.#retrying = this.#options.clock.schedule(retryMs, () => {
      this.#retrying = undefined
      for (const job of this.jobs.all()) job.blocked = false
      this.#soon()
    })
  }

  #anyBlocked(): boolean {
    for (const { blocked } of this.jobs.all()) if (blocked) return true
    return false
  }

  /** What schedulable nodes have free in all, less what has been promised to pods that have no node yet. */
  #free(): Map<number, number> {
    const { nodes, columns } = this.#options.state
    const free = new Map<number, number>()
    const add = (column: number, amount: number) => free.set(column, (free.get(column) ?? 0) + amount)
    for (const { index, node } of nodes) {
      if (node.spec?.unschedulable) continue
      for (const [column, allocatable] of columns.allocatable.entries())
        add(column, Math.max(0, allocatable[index]! - (columns.requested[column]?.[index] ?? 0)))
    }
    for (const job of this.jobs.all()) if (job.sinceMs !== undefined) promise(job, add)
    return free
  }
}

function promise({ waiting }: Job, add: (column: number, amount: number) => void): void {
  for (const { class: c } of waiting.values())
    for (const [i, column] of c.requests.columns.entries()) add(column, -c.requests.amounts[i]!)
}
