import { Counter, Gauge, type Registry } from 'prom-client'
import { TallyCounter, TallyHistogram } from '../../base/tallies.ts'
import { LevelTimes } from './level-times.ts'
import type { PriorityLevel } from './priority-level.ts'

export type Refusal = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled'

/** What is counted of one flow schema, looked up once. */
export interface FlowCounts {
  /** It waits for so many seats. */
  queued(seats: number): void
  /** It waits no more, however that ended. */
  left(seats: number): void
  dispatched(waitedMs: number, seats: number): void
  /** @param verb a watch is told apart: it has only begun */
  executed(verb: string, tookMs: number, seats: number): void
  refused(why: Refusal, waitedMs: number): void
}

/** What of a flow schema runs and waits now. */
interface Present {
  labels: Record<(typeof flowLabels)[number], string>
  executing: number
  executingSeats: number
  waiting: number
  waitingSeats: number
}

const flowLabels = ['priority_level', 'flow_schema'] as const
const shares = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1]
const demands = [0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6]
const buckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

/** `apiserver_flowcontrol_*`, under upstream's names. */
export class FlowMetrics {
  readonly #dispatched: TallyCounter
  readonly #rejected: Counter
  readonly #waited: TallyHistogram
  readonly #executed: TallyHistogram
  readonly #seats: TallyHistogram
  readonly #use: TallyHistogram
  readonly #wanted: TallyHistogram
  readonly #present = new Map<string, Present>()

  /**
   * @param seats of the whole server
   * @param toBorrow what a level could borrow of the others now
   * @param nowMs the time, on a clock that only runs forward
   */
  constructor(
    registry: Registry,
    levels: () => Iterable<PriorityLevel>,
    seats: number,
    toBorrow: (level: PriorityLevel) => number,
    nowMs: () => number,
  ) {
    const registers = [registry]
    const name = (text: string) => `apiserver_flowcontrol_${text}`
    this.#dispatched = new TallyCounter({
      name: name('dispatched_requests_total'),
      help: 'Requests that were let in, by priority level and flow schema.',
      ...{ labelNames: [...flowLabels], registers },
    })
    this.#rejected = new Counter({
      name: name('rejected_requests_total'),
      help: 'Requests that were turned away with 429, and why.',
      ...{ labelNames: [...flowLabels, 'reason'], registers },
    })
    this.#waited = new TallyHistogram({
      name: name('request_wait_duration_seconds'),
      help: 'Time in a queue.',
      ...{ labelNames: [...flowLabels, 'execute'], buckets, registers },
    })
    this.#executed = new TallyHistogram({
      name: name('request_execution_seconds'),
      help: 'Time from being let in to the reply; of watches, to begin.',
      ...{ labelNames: [...flowLabels, 'type'], buckets, registers },
    })
    this.#seats = new TallyHistogram({
      name: name('work_estimated_seats'),
      help: 'Seats that a request was taken to need.',
      ...{ labelNames: [...flowLabels], buckets: [1, 2, 4, 10], registers },
    })
    const present = this.#present
    const flowGauge = (text: string, help: string, value: (flow: Present) => number) =>
      new Gauge({
        name: name(text),
        help,
        ...{ labelNames: [...flowLabels], registers },
        collect() {
          for (const flow of present.values()) this.set(flow.labels, value(flow))
        },
      })
    flowGauge('current_executing_seats', 'Seats that are taken.', flow => flow.executingSeats)
    flowGauge('current_executing_requests', 'Requests that run.', flow => flow.executing)
    flowGauge('current_inqueue_requests', 'Requests that wait.', flow => flow.waiting)
    flowGauge('current_inqueue_seats', 'Seats that are waited for.', flow => flow.waitingSeats)
    const gauge = (text: string, help: string, value: (level: PriorityLevel) => number) =>
      new Gauge({
        name: name(text),
        help,
        ...{ labelNames: ['priority_level'], registers },
        collect() {
          this.reset()
          for (const level of levels()) this.set({ priority_level: level.name }, value(level))
        },
      })
    // The first of these: what lasts until now is counted before the histograms below are read.
    gauge('demand_seats_high_watermark', 'The most seats that were wanted in the last ten seconds.', level => {
      level.times.changed(level, nowMs())
      return level.times.demand.most
    })
    gauge('demand_seats_average', 'Seats that were wanted on average.', level => level.times.demand.average)
    gauge('demand_seats_stdev', 'Their standard deviation.', level => level.times.demand.deviation)
    gauge('demand_seats_smoothed', 'Both together, falling slowly.', level => level.times.demand.smoothed)
    this.#wanted = new TallyHistogram({
      name: name('demand_seats'),
      help: 'Nanoseconds in which so many seats were wanted, by those that are the level’s own.',
      ...{ labelNames: ['priority_level'], buckets: demands, registers },
    })
    this.#use = new TallyHistogram({
      name: name('priority_level_seat_utilization'),
      help: 'Nanoseconds in which such a share of a level’s seats was taken.',
      ...{ labelNames: ['priority_level', 'phase'], buckets: shares, registers },
    })
    gauge('nominal_limit_seats', 'Seats of each priority level.', level => level.nominalSeats)
    gauge(
      'lower_limit_seats',
      'Seats that a priority level never lends.',
      level => level.nominalSeats - level.lendableSeats,
    )
    gauge('upper_limit_seats', 'Seats that a priority level can have at most, with those it borrows.', level =>
      Math.min(level.nominalSeats + level.borrowLimit, seats),
    )
    gauge(
      'current_limit_seats',
      'Seats that a priority level can have now: its own and those that others lend.',
      level => Math.min(level.nominalSeats + Math.min(level.borrowLimit, toBorrow(level)), seats),
    )
  }

  timesOf(priority_level: string, nowMs: number): LevelTimes {
    return new LevelTimes(
      nowMs,
      this.#use.of({ priority_level, phase: 'executing' }),
      this.#wanted.of({ priority_level }),
    )
  }

  of(priority_level: string, flow_schema: string): FlowCounts {
    const labels = { priority_level, flow_schema }
    const dispatched = this.#dispatched.of(labels)
    const executed = this.#executed.of({ ...labels, type: 'regular' })
    const begun = this.#executed.of({ ...labels, type: 'watch' })
    const waited = this.#waited.of({ ...labels, execute: 'true' })
    const seatsOf = this.#seats.of(labels)
    const flow = this.#presentOf(labels)
    return {
      queued(seats) {
        flow.waiting++
        flow.waitingSeats += seats
      },
      left(seats) {
        flow.waiting--
        flow.waitingSeats -= seats
      },
      dispatched(waitedMs, seats) {
        dispatched.inc()
        waited.observe(waitedMs / 1000)
        seatsOf.observe(seats)
        flow.executing++
        flow.executingSeats += seats
      },
      executed(verb, tookMs, seats) {
        const times = verb === 'watch' ? begun : executed
        times.observe(tookMs / 1000)
        flow.executing--
        flow.executingSeats -= seats
      },
      refused: (reason, waitedMs) => {
        this.#rejected.inc({ ...labels, reason })
        this.#waited.of({ ...labels, execute: 'false' }).observe(waitedMs / 1000)
      },
    }
  }

  /** The same one however often the flow schemas are read: what runs now began before. */
  #presentOf(labels: Present['labels']): Present {
    const key = `${labels.priority_level} ${labels.flow_schema}`
    let present = this.#present.get(key)
    if (!present) {
      present = { labels, executing: 0, executingSeats: 0, waiting: 0, waitingSeats: 0 }
      this.#present.set(key, present)
    }
    return present
  }
}
