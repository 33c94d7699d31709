import type { Registry } from 'prom-client'
import type { Kind } from '../../models/kind.ts'
import { FlowSchema, PriorityLevelConfiguration } from '../../models/kinds/index.ts'
import type * as flowcontrol from '../../models/types/flowcontrol-v1.ts'
import type { Attributes } from '../authz/authorizer.ts'
import type { Core } from '../core.ts'
import type { RequestInfo } from '../request-info.ts'
import type { Done } from './fair-queues.ts'
import { flowMatches, flowOf } from './flow-matcher.ts'
import { type FlowCounts, FlowMetrics, type Refusal } from './flow-metrics.ts'
import { PriorityLevel } from './priority-level.ts'
import { seatsFor } from './work-estimate.ts'

/** Where a request was put: what the reply's headers tell. */
export interface Flow {
  schemaUid: string
  levelUid: string
}

interface Compiled extends Flow {
  schema: flowcontrol.FlowSchema
  level: PriorityLevel
  counts: FlowCounts
}

export interface FlowControlOptions {
  core: Core
  registry: Registry
  /** Requests that the whole server works on at once; 600 unless said otherwise, as upstream's 400 and 200. */
  seats?: number
}

/** Seats are free for others again only after what came in meanwhile was looked at, so that no flood of cheap requests keeps others out. */
export type NextTurn = (work: () => void) => void

/** Seats of lists that one level begins in one turn of the event loop: those of some hundred objects, or one long list. */
const widePerTurn = 8

interface Limits {
  waitMs: number
  signal: () => AbortSignal
}

/** API Priority and Fairness: who works, who waits, who is turned away when more is asked than can be done at once. */
export class FlowControl {
  readonly #core: Core
  readonly #seats: number
  readonly #metrics: FlowMetrics
  readonly #levels = new Map<string, PriorityLevel>()
  /** By precedence; undefined: to be read again. */
  #flows: Compiled[] | undefined
  /** Set when requests come over the network; until then everything is one turn, and time may be virtual. */
  #nextTurn: NextTurn | undefined

  constructor({ core, registry, seats = 600 }: FlowControlOptions) {
    this.#core = core
    this.#seats = seats
    this.#metrics = new FlowMetrics(
      registry,
      () => this.#levels.values(),
      seats,
      level => this.#toBorrow(level),
      () => this.#core.clock.monotonicMs(),
    )
    const changed = () => {
      this.#flows = undefined
    }
    for (const kind of [FlowSchema, PriorityLevelConfiguration] as Kind<any>[])
      core.cache.bucket(core.resources.of(kind)).listeners.add({ changed })
  }

  /** From now on requests come over a network, and others' must be looked at between those that take long. */
  pace(nextTurn: NextTurn): void {
    this.#nextTurn = nextTurn
  }

  /** The first flow schema that is about the request. Undefined only before the first ones are made. */
  classify(request: Attributes): Flow | undefined {
    this.#flows ??= this.#compile()
    return this.#flows.find(flow => flowMatches(flow.schema, request))
  }

  /**
   * Does the work when there are seats for it.
   * @param flow from `classify`
   * @param waitMs longest time in a queue
   * @param refused what is answered when the flow has too much waiting already, or waited too long
   */
  run<T>(
    flow: Flow,
    request: Attributes,
    info: RequestInfo,
    limits: Limits,
    { work, refused }: { work: () => Promise<T>; refused: () => T },
  ): Promise<T> {
    const { level, counts } = flow as Compiled
    if (!level.exempt) return this.#runSeated(flow as Compiled, request, info, limits, { work, refused })
    return this.#runExempt(counts, request.verb, work)
  }

  /** It takes no seat, and is counted as one. */
  #runExempt<T>(counts: FlowCounts, verb: string, work: () => Promise<T>): Promise<T> {
    const { clock } = this.#core
    const began = clock.monotonicMs()
    counts.dispatched(0, 1)
    const executed = () => counts.executed(verb, clock.monotonicMs() - began, 1)
    let working: Promise<T>
    try {
      working = work()
    } catch (error) {
      executed()
      throw error
    }
    return working.then(
      value => {
        executed()
        return value
      },
      error => {
        executed()
        throw error
      },
    )
  }

  async #runSeated<T>(
    { level, schema, counts }: Compiled,
    request: Attributes,
    info: RequestInfo,
    limits: Limits,
    { work, refused }: { work: () => Promise<T>; refused: () => T },
  ): Promise<T> {
    const { clock } = this.#core
    const seats = seatsFor(this.#core, request.verb, info, level.maxSeats)
    const came = clock.monotonicMs()
    let done: Done | undefined
    if (!level.queues?.waiting && this.#fits(level, seats)) this.#take(level, seats, came)
    else {
      counts.queued(seats)
      const turn = await this.#wait(level, `${schema.metadata.name}\0${flowOf(schema, request)}`, seats, limits)
      counts.left(seats)
      level.times.changed(level, clock.monotonicMs())
      if (typeof turn === 'string') {
        counts.refused(turn, clock.monotonicMs() - came)
        return refused()
      }
      done = turn
    }
    const began = clock.monotonicMs()
    counts.dispatched(began - came, seats)
    try {
      return await work()
    } finally {
      const tookMs = clock.monotonicMs() - began
      const give = () => {
        counts.executed(request.verb, tookMs, seats)
        done?.(tookMs)
        this.#give(level, seats)
      }
      if (this.#nextTurn) this.#nextTurn(give)
      else give()
    }
  }

  /** @returns how to tell that it is done, once there are seats; or why there will be none */
  #wait(level: PriorityLevel, flow: string, seats: number, { waitMs, signal }: Limits): Promise<Done | Refusal> {
    const { queues } = level
    if (!queues) return Promise.resolve('concurrency-limit')
    return new Promise(resolve => {
      const gone = signal()
      const settle = (outcome: Done | Refusal) => {
        cancel()
        gone.removeEventListener('abort', onGone)
        if (typeof outcome === 'string') leave?.()
        resolve(outcome)
      }
      const onGone = () => settle('cancelled')
      const cancel = this.#core.clock.schedule(waitMs, () => settle('time-out'))
      const leave = queues.add(flow, { seats, start: settle })
      level.times.changed(level, this.#core.clock.monotonicMs())
      if (!leave) settle('queue-full')
      else if (gone.aborted) onGone()
      else gone.addEventListener('abort', onGone, { once: true })
    })
  }

  #fits(level: PriorityLevel, seats: number): boolean {
    // One thread makes all lists: a turn with many of them would keep everybody else waiting until it ends.
    if (seats > 1 && level.queues && level.wideThisTurn > 0 && level.wideThisTurn + seats > widePerTurn) return false
    return level.fits(seats, () => this.#toBorrow(level))
  }

  #take(level: PriorityLevel, seats: number, nowMs: number): void {
    level.seatsInUse += seats
    level.executing++
    level.times.changed(level, nowMs)
    if (seats === 1 || !this.#nextTurn) return
    if (level.wideThisTurn === 0)
      this.#nextTurn(() => {
        level.wideThisTurn = 0
        this.#dispatch(level)
      })
    level.wideThisTurn += seats
  }

  #give(level: PriorityLevel, seats: number): void {
    level.seatsInUse -= seats
    level.executing--
    level.times.changed(level, this.#core.clock.monotonicMs())
    this.#dispatch(level)
    // What this level does not need, others may borrow.
    for (const other of this.#levels.values()) if (other !== level && other.queues?.waiting) this.#dispatch(other)
  }

  #dispatch(level: PriorityLevel): void {
    for (;;) {
      const next = level.queues?.peek()
      if (!next || !this.#fits(level, next.seats)) return
      this.#take(level, next.seats, this.#core.clock.monotonicMs())
      level.queues!.shift()
    }
  }

  /** What all others lend now, without what is lent already. */
  #toBorrow(level: PriorityLevel): number {
    let seats = 0
    for (const other of this.#levels.values()) if (other !== level) seats += other.idleSeats - other.borrowedSeats
    return Math.max(seats, 0)
  }

  #compile(): Compiled[] {
    const { cache, resources, shared } = this.#core
    const all = <T>(kind: Kind<any>) =>
      cache
        .bucket(resources.of(kind))
        .list()
        .map(kept => shared(kept) as unknown as T)
    const configurations = all<flowcontrol.PriorityLevelConfiguration>(PriorityLevelConfiguration)
    const shares = configurations.reduce(
      (sum, { spec }) => sum + ((spec.type === 'Exempt' ? spec.exempt : spec.limited)?.nominalConcurrencyShares ?? 0),
      0,
    )
    for (const name of this.#levels.keys())
      if (!configurations.some(c => c.metadata.name === name)) this.#levels.delete(name)
    for (const configuration of configurations) {
      const { name } = configuration.metadata
      let level = this.#levels.get(name)
      if (!level) this.#levels.set(name, (level = this.#newLevel(name)))
      level.configure(configuration, this.#seats, shares)
    }
    return all<flowcontrol.FlowSchema>(FlowSchema)
      .flatMap(schema => this.#compiled(schema) ?? [])
      .sort(
        (a, b) =>
          (a.schema.spec.matchingPrecedence ?? 0) - (b.schema.spec.matchingPrecedence ?? 0) ||
          (a.schema.metadata.name < b.schema.metadata.name ? -1 : 1),
      )
  }

  #newLevel(name: string): PriorityLevel {
    return new PriorityLevel(name, this.#metrics.timesOf(name, this.#core.clock.monotonicMs()))
  }

  /** Undefined for a schema whose level is not there. */
  #compiled(schema: flowcontrol.FlowSchema): Compiled | undefined {
    const level = this.#levels.get(schema.spec.priorityLevelConfiguration.name)
    if (!level) return undefined
    const counts = this.#metrics.of(level.name, schema.metadata.name)
    return { schema, level, counts, schemaUid: schema.metadata.uid ?? '', levelUid: level.uid }
  }
}
