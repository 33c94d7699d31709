import type { PriorityLevelConfiguration } from '../../models/types/flowcontrol-v1.ts'
import { FairQueues } from './fair-queues.ts'
import type { LevelTimes } from './level-times.ts'

/** The seats of one priority level: how many it has, lends and may borrow, and how many are taken. */
export class PriorityLevel {
  readonly name: string
  uid = ''
  exempt = false
  /** What it has when everybody wants all. */
  nominalSeats = 0
  lendableSeats = 0
  /** Beyond its own, when others lend. */
  borrowLimit = Number.POSITIVE_INFINITY
  queues: FairQueues | undefined
  seatsInUse = 0
  executing = 0
  /** Seats of lists that were begun in this turn of the event loop. */
  wideThisTurn = 0
  #queuing = ''

  /** For how long how much of it was taken. */
  readonly times: LevelTimes

  constructor(name: string, times: LevelTimes) {
    this.name = name
    this.times = times
  }

  /** @param seats of the whole server, and @param shares of all levels together */
  configure({ metadata, spec }: PriorityLevelConfiguration, seats: number, shares: number): void {
    this.uid = metadata.uid ?? ''
    this.exempt = spec.type === 'Exempt'
    const own = this.exempt ? spec.exempt : spec.limited
    this.nominalSeats = Math.ceil((seats * (own?.nominalConcurrencyShares ?? (this.exempt ? 0 : 30))) / (shares || 1))
    this.lendableSeats = Math.round((this.nominalSeats * (own?.lendablePercent ?? 0)) / 100)
    const borrow = spec.limited?.borrowingLimitPercent
    this.borrowLimit = borrow === undefined ? Number.POSITIVE_INFINITY : Math.round((this.nominalSeats * borrow) / 100)
    const queuing = spec.limited?.limitResponse?.queuing
    // Whoever waits keeps waiting when only shares change.
    if (JSON.stringify(queuing ?? null) === this.#queuing) return
    this.#queuing = JSON.stringify(queuing ?? null)
    if (!this.queues?.waiting) this.queues = queuing && new FairQueues(queuing)
  }

  /** Seats that others may take now. */
  get idleSeats(): number {
    const wanted = this.seatsInUse + (this.queues?.waitingSeats ?? 0)
    return Math.max(Math.min(this.lendableSeats, this.nominalSeats - wanted), 0)
  }

  get borrowedSeats(): number {
    return this.exempt ? 0 : Math.max(this.seatsInUse - this.nominalSeats, 0)
  }

  /** Whether so many more fit. @param toBorrow what other levels lend; asked only if its own do not suffice */
  fits(seats: number, toBorrow: () => number): boolean {
    const after = this.seatsInUse + seats
    // One request that is wider than the whole level runs alone.
    if (after <= this.nominalSeats || (this.seatsInUse === 0 && this.nominalSeats > 0)) return true
    return after - this.nominalSeats <= Math.min(this.borrowLimit, toBorrow())
  }

  /** The most that one request may count for. */
  get maxSeats(): number {
    return Math.min(Math.max(Math.ceil(this.nominalSeats * 0.15), 1), 10)
  }
}
