import type { Cancel, Clock } from '../../base/clock.ts'
import type { Client } from '../../client/index.ts'
import { isConflict, isNotFound } from '../../models/api-error.ts'
import { PodGroup, Queue } from '../../models/kinds/index.ts'
import { keyOf } from '../../models/object.ts'
import type { PodGroupQueueStatus } from '../../models/types/scheduling-v1alpha1.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { PodWriter } from '../pod-writer.ts'
import type { Job } from './jobs.ts'
import { Ledger, type Wait } from './ledger.ts'
import type { QueueKeeper } from './queue-keeper.ts'
import { quantityIn } from './queue-text.ts'
import { reasonOf, type Standing, standingsOf } from './standing.ts'

export interface QueueReporterOptions {
  client: Client
  clock: Clock
  state: ClusterState
  keeper: QueueKeeper
  writer: PodWriter
  /** Follows work that nobody waits for. */
  track(work: Promise<unknown>): void
}

const everyMs = 5_000
/** Tells where jobs stand: in the status of their PodGroup or, without one, of the pod; and what queues use, in theirs. */
export class QueueReporter {
  readonly #options: QueueReporterOptions
  /** What each object was last told. */
  readonly #told = new Map<string, unknown>()
  #waits: ReadonlyMap<string, Wait> = new Map()
  #timer: Cancel | undefined
  #closed = false

  constructor(options: QueueReporterOptions) {
    this.#options = options
  }

  planned(waits: ReadonlyMap<string, Wait>): void {
    this.#waits = waits
    if (this.#timer || this.#closed) return
    this.#timer = this.#options.clock.schedule(everyMs, () => {
      this.#timer = undefined
      this.report()
    })
  }

  report(): void {
    const { keeper, track, clock } = this.#options
    const standings = standingsOf(keeper.world(), clock.now())
    const seen = new Set<string>()
    for (const job of keeper.jobs.all()) {
      seen.add(job.key)
      if (job.gang) track(this.#reportGroup(job, standings.get(job.key)))
      else if (job.sinceMs === undefined && !job.blocked)
        this.#reportPods(job, this.#textOf(job, standings.get(job.key)))
    }
    this.#reportQueues()
    for (const key of [...this.#told.keys()]) if (!key.startsWith('queue ') && !seen.has(key)) this.#told.delete(key)
  }

  close(): void {
    this.#closed = true
    this.#timer?.()
  }

  #textOf(job: Job, standing: Standing | undefined): string {
    const { keeper, state } = this.#options
    const why = reasonOf(job, this.#waits.get(job.key), keeper.jobs, state.resources.names)
    if (!standing) return `queue ${job.queue}: ${why}`
    const { position, predictedStartTime: at } = standing
    return `queue ${job.queue}, position ${position}${at ? `, expected to start at ${at}` : ''}: ${why}`
  }

  #reportPods(job: Job, message: string): void {
    const { writer, track } = this.#options
    if (this.#told.get(job.key) === message) return
    this.#told.set(job.key, message)
    for (const info of job.waiting.values()) track(writer.reportHeld(info, message))
  }

  /** Its members say which queue they wait in; how it stands there is told by the group. */
  async #reportGroup(job: Job, standing: Standing | undefined): Promise<void> {
    const { state, client } = this.#options
    const group = state.objects.podGroups.get(job.key)
    const waits = job.sinceMs === undefined
    if (waits && !job.blocked) for (const info of job.waiting.values()) this.#reportMember(job, info.uid)
    if (!group) return
    const queue: PodGroupQueueStatus | null = waits
      ? { name: job.queue, ...standing, message: this.#textOf(job, undefined) }
      : null
    const patch = { type: 'merge' as const, body: { status: { queue } } }
    await this.#tell(job.key, queue, () => client.patch(PodGroup, keyOf(group), patch, { subresource: 'status' }))
  }

  #reportMember(job: Job, uid: string): void {
    const { writer, track } = this.#options
    const info = job.waiting.get(uid)!
    track(writer.reportHeld(info, `queue ${job.queue}: waits for its turn with pod group ${job.key}`))
  }

  #reportQueues(): void {
    const { keeper, state, client, track } = this.#options
    const { queues, free, started, waiting } = keeper.world()
    const ledger = new Ledger(queues, free, started)
    const count = (units: readonly { queue: string }[], name: string) => units.filter(u => u.queue === name).length
    for (const queue of state.objects.queues.values()) {
      const { name } = queue.metadata
      const rules = queues.get(name)!
      const used = [...ledger.usedBy(name)].filter(([, amount]) => amount > 0)
      const text = (amounts: readonly (readonly [number, number])[]) =>
        Object.fromEntries(amounts.map(([c, amount]) => [state.resources.names[c]!, quantityIn(c, amount)]))
      const borrowed = used.flatMap(([c]) => (ledger.excess(name, c) > 0 ? [[c, ledger.excess(name, c)] as const] : []))
      const status = {
        pending: count(waiting, name),
        running: count(started, name),
        used: text(used),
        borrowed: text(borrowed),
        sharePerMille: Math.round(1_000 * ledger.share(rules.name)),
      }
      const write = () => client.updateStatus(Queue, { ...queue, status })
      track(this.#tell(`queue ${name}`, status, write))
    }
  }

  /** @param body null: there is nothing to tell any more */
  async #tell(key: string, body: object | null, write: () => Promise<unknown>): Promise<void> {
    const told = JSON.stringify(body)
    // A group that never waited here has nothing to be cleared.
    if (this.#told.get(key) === told || (body === null && !this.#told.has(key))) return
    this.#told.set(key, told)
    try {
      await write()
    } catch (error) {
      this.#told.delete(key)
      // Gone, or changed meanwhile: the next report finds it as it is.
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
  }
}
