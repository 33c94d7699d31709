import type { Clock } from '../../base/clock.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { type Gangs, gangKey } from '../gangs/gangs.ts'
import type { PodInfo } from '../pod-class.ts'
import { ExpectedDurations } from './expected-duration.ts'
import type { Amounts, Started, Unit } from './ledger.ts'

const queueLabel = 'optiflow.dev/queue'

/** The queue that a pod is to wait in, if any. */
export const queueOf = ({ metadata }: Pod): string | undefined => metadata.labels?.[queueLabel]

/** A unit of a queue with its pods. */
export interface Job {
  /** `namespace/name` of the PodGroup, or the pod's uid. */
  key: string
  queue: string
  gang: boolean
  order: number
  /** By uid. */
  waiting: Map<string, PodInfo>
  placed: Map<string, PodInfo>
  /** When it was let go, on the monotonic clock; undefined while it waits. */
  sinceMs: number | undefined
  durationMs: number
  blocked: boolean
  ending: boolean
}

/** Every job of every queue, from the pods that come and go. */
export class Jobs {
  readonly #clock: Clock
  readonly #gangs: Gangs
  readonly #jobs = new Map<string, Job>()
  readonly #byPod = new Map<string, Job>()
  readonly #durations: ExpectedDurations
  #arrivals = 0

  constructor(clock: Clock, gangs: Gangs, durations = new ExpectedDurations()) {
    this.#clock = clock
    this.#gangs = gangs
    this.#durations = durations
  }

  /** The same jobs, to try out who else might come. Nothing is to end there. */
  fork(): Jobs {
    const copy = new Jobs(this.#clock, this.#gangs, this.#durations)
    copy.#arrivals = this.#arrivals
    for (const job of this.#jobs.values()) {
      const own = { ...job, waiting: new Map(job.waiting), placed: new Map(job.placed) }
      copy.#jobs.set(own.key, own)
      for (const pods of [own.waiting, own.placed]) for (const uid of pods.keys()) copy.#byPod.set(uid, own)
    }
    return copy
  }

  get size(): number {
    return this.#jobs.size
  }

  all(): Iterable<Job> {
    return this.#jobs.values()
  }

  get(key: string): Job | undefined {
    return this.#jobs.get(key)
  }

  of(uid: string): Job | undefined {
    return this.#byPod.get(uid)
  }

  /** A pod without a node, or with another class than before. */
  wait(info: PodInfo): Job {
    const known = this.#byPod.get(info.uid)
    const job = known ?? this.#join(info)
    job.waiting.set(info.uid, info)
    this.#byPod.set(info.uid, job)
    return job
  }

  /** A pod has a node, whoever gave it. */
  place(info: PodInfo): void {
    const job = this.#byPod.get(info.uid) ?? this.#join(info)
    this.#byPod.set(info.uid, job)
    job.waiting.delete(info.uid)
    job.placed.set(info.uid, info)
    job.sinceMs ??= this.#startOf(info.pod)
    job.blocked = false
  }

  /** Its binding failed: it waits for another node, and its job goes on. */
  unplace(info: PodInfo): void {
    const job = this.#byPod.get(info.uid)
    if (job?.placed.delete(info.uid)) job.waiting.set(info.uid, info)
  }

  /** @returns false if it was none of ours */
  drop(uid: string): boolean {
    const job = this.#byPod.get(uid)
    if (!job) return false
    this.#byPod.delete(uid)
    const info = job.placed.get(uid) ?? job.waiting.get(uid)!
    job.waiting.delete(uid)
    const ran = job.placed.delete(uid)
    if (job.waiting.size || job.placed.size) return true
    this.#jobs.delete(job.key)
    if (ran && !job.ending) this.#durations.learn(info.pod, job.queue, this.#clock.monotonicMs() - job.sinceMs!)
    return true
  }

  /** Those that could start if there were room, and those that have. */
  units(nowMs: number): { waiting: Unit[]; started: Started[] } {
    const waiting: Unit[] = []
    const started: Started[] = []
    for (const job of this.#jobs.values()) {
      const { key, queue, order, durationMs, blocked, ending, sinceMs } = job
      const need = this.#needOf(job)
      const priority = [...job.waiting.values(), ...job.placed.values()][0]!.priority
      if (sinceMs !== undefined)
        started.push({ key, queue, need, priority, sinceMs, endsMs: Math.max(sinceMs + durationMs, nowMs), ending })
      else if (this.missing(job) <= 0) waiting.push({ key, queue, need, priority, order, durationMs, blocked })
    }
    return { waiting, started }
  }

  /** How many members the gang lacks before it can be tried at all. */
  missing({ key, gang, waiting, placed }: Job): number {
    if (!gang) return 0
    const rules = this.#gangs.get(key)
    return rules ? rules.minMember - waiting.size - placed.size : Number.POSITIVE_INFINITY
  }

  #join(info: PodInfo): Job {
    const gang = gangKey(info.pod)
    const known = gang === undefined ? undefined : this.#jobs.get(gang)
    // Whoever comes to a gang that runs asks for room of its own.
    const apart = gang === undefined || (known?.sinceMs !== undefined && this.#gangs.placed(gang) > 0)
    if (known && !apart) return known
    const queue = queueOf(info.pod)!
    const job: Job = {
      key: apart ? info.uid : gang,
      queue,
      gang: !apart,
      order: this.#arrivals++,
      waiting: new Map(),
      placed: new Map(),
      sinceMs: undefined,
      durationMs: this.#durations.of(info.pod, queue),
      blocked: false,
      ending: false,
    }
    this.#jobs.set(job.key, job)
    return job
  }

  /** On the monotonic clock. A pod that ran before we looked has run since then. */
  #startOf({ status }: Pod): number {
    const ranMs = status?.startTime ? this.#clock.now() - Date.parse(status.startTime) : 0
    return this.#clock.monotonicMs() - Math.max(ranMs, 0)
  }

  #needOf({ waiting, placed }: Job): Amounts {
    const need = new Map<number, number>()
    for (const pods of [waiting, placed])
      for (const { class: c } of pods.values())
        for (const [i, column] of c.requests.columns.entries())
          need.set(column, (need.get(column) ?? 0) + c.requests.amounts[i]!)
    return need
  }
}
