import type { HistogramTally } from '../../base/tallies.ts'
import type { PriorityLevel } from './priority-level.ts'

/** Demand is summed up over so long, as in upstream's adjustments. */
const periodMs = 10_000
/** What is left, after a period, of a demand that is no more. */
const kept = 0.977

/** What a level wanted in the last period that is over, in seats. */
export interface Demand {
  most: number
  average: number
  deviation: number
  /** Follows a rise at once and a fall slowly. */
  smoothed: number
}

/** For how long how much of a priority level was taken and wanted. Nothing runs by itself: what is so holds until the next change. */
export class LevelTimes {
  demand: Demand = { most: 0, average: 0, deviation: 0, smoothed: 0 }
  readonly #use: HistogramTally
  readonly #wanted: HistogramTally
  #sinceMs: number
  #inUse = 0
  #seats = 0
  #periodBeganMs: number
  #most = 0
  #sum = 0
  #squares = 0

  /** @param use of the share of its seats, and @param wanted of what it could use by what is its own; both count nanoseconds */
  constructor(nowMs: number, use: HistogramTally, wanted: HistogramTally) {
    this.#sinceMs = nowMs
    this.#periodBeganMs = nowMs
    this.#use = use
    this.#wanted = wanted
  }

  /** Something was taken, given back or is waited for, or somebody looks. */
  changed({ seatsInUse, nominalSeats, queues }: PriorityLevel, nowMs: number): void {
    const ns = Math.round((nowMs - this.#sinceMs) * 1e6)
    if (ns > 0) {
      this.#use.observe(this.#inUse && this.#inUse / Math.max(nominalSeats, this.#inUse), ns)
      this.#wanted.observe(this.#seats && this.#seats / Math.max(nominalSeats, 1), ns)
      if (nowMs - this.#periodBeganMs >= periodMs) this.#endPeriods(nowMs)
      this.#add(nowMs - Math.max(this.#sinceMs, this.#periodBeganMs))
      this.#sinceMs = nowMs
    }
    this.#inUse = seatsInUse
    this.#seats = seatsInUse + (queues?.waitingSeats ?? 0)
    if (this.#seats > this.#most) this.#most = this.#seats
  }

  #add(ms: number): void {
    this.#sum += this.#seats * ms
    this.#squares += this.#seats * this.#seats * ms
  }

  /** Ends the period that is over, and those after it in which nothing changed. */
  #endPeriods(nowMs: number): void {
    this.#add(this.#periodBeganMs + periodMs - Math.max(this.#sinceMs, this.#periodBeganMs))
    this.#endPeriod()
    const more = Math.floor((nowMs - this.#periodBeganMs) / periodMs)
    if (more === 0) return
    const average = this.#seats
    const faded = kept ** more
    const smoothed = Math.max(average, faded * this.demand.smoothed + (1 - faded) * average)
    this.demand = { most: average, average, deviation: 0, smoothed }
    this.#periodBeganMs += more * periodMs
  }

  #endPeriod(): void {
    const average = this.#sum / periodMs
    const deviation = Math.sqrt(Math.max(this.#squares / periodMs - average * average, 0))
    const outline = average + deviation
    const smoothed = Math.max(outline, kept * this.demand.smoothed + (1 - kept) * outline)
    this.demand = { most: this.#most, average, deviation, smoothed }
    this.#periodBeganMs += periodMs
    this.#most = this.#seats
    this.#sum = 0
    this.#squares = 0
  }
}
