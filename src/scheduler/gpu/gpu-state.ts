import type { PodClass } from '../pod-class.ts'
import { ByCondition, Conditions } from './conditions.ts'
import { Demand } from './demand.ts'
import { DeviceLedger } from './device-ledger.ts'
import { FillValue } from './fill-value.ts'
import { GapValues, priceGaps } from './gap-values.ts'
import { modelPrices } from './model-prices.ts'

/** Gaps are priced anew when the room that is free has changed by such a part, and by more than a sliver of all. */
const change = 0.15
const sliver = 0.005

/** All that what free room is worth depends on, besides the room itself. */
interface Pricing {
  demand: number
  models: number
  gaps: GapValues
  generation: number
}

/** All that placement knows of shared devices: what is free where, who is expected, and what that makes free room worth. */
export class GpuState {
  readonly ledger: DeviceLedger
  readonly demand: Demand
  readonly #value = new FillValue()
  #gaps = new GapValues()
  #pricedForMilli = 0
  #prices: readonly number[] = []
  #pricedAt = ''
  readonly #conditions = new Conditions()
  readonly #worth = new ByCondition()
  #pricing: Pricing | undefined

  constructor(ledger = new DeviceLedger(), demand = new Demand()) {
    this.ledger = ledger
    this.demand = demand
  }

  /** A pod was seen for the first time. @returns true if what is expected, and with it every value, has changed */
  see(pod: PodClass): boolean {
    const learned = this.demand.see(pod)
    if (!this.demand.version || !this.ledger.size) return false
    const free = this.ledger.freeByModel.reduce((sum, milli) => sum + milli, 0)
    const most = Math.max(change * this.#pricedForMilli, sliver * this.ledger.capacityMilli)
    if (!learned && Math.abs(free - this.#pricedForMilli) <= most) return false
    this.#pricedForMilli = free
    // Pods are expected until the free room is asked for.
    const expected = this.demand.shares.map(({ milli, count }) => ({ milli, count: count * free }))
    this.#gaps = priceGaps(expected, this.ledger.gaps())
    return true
  }

  /** What free room is worth; see `FillValue`. */
  valueOf(cpuMillis: number, memoryBytes: number, model: number, free: Int32Array, devices: number): number {
    this.#value.learn(this.demand, this.ledger.models)
    return this.#value.of(cpuMillis, memoryBytes, model, free, devices, this.#gaps)
  }

  /**
   * The number of the condition that a node with devices is in: nodes that share one are worth the same, to every pod. Numbers
   * hold as long as `pricing`, which is to be asked for afterwards.
   */
  conditionOf(row: number, cpuMillis: number, memoryBytes: number): number {
    const { ledger } = this
    return this.#conditions.of(row, ledger.at(row)!, cpuMillis, memoryBytes, ledger.size)
  }

  /** Another object whenever what conditions are worth may have changed. */
  pricing(): object {
    const { demand, ledger } = this
    const { generation } = this.#conditions
    const now = this.#pricing
    if (
      now?.gaps === this.#gaps &&
      now.demand === demand.version &&
      now.models === ledger.models.length &&
      now.generation === generation
    )
      return now
    return (this.#pricing = { demand: demand.version, models: ledger.models.length, gaps: this.#gaps, generation })
  }

  /** `valueOf` what is free on a node in this condition. */
  worthOf(condition: number, row: number, cpuMillis: number, memoryBytes: number): number {
    const known = this.#worth.get(condition, this.pricing())
    if (known !== undefined) return known
    const { model, free } = this.ledger.at(row)!
    const value = this.valueOf(cpuMillis, memoryBytes, model, free, free.length)
    this.#worth.set(condition, value)
    return value
  }

  /** By model; see `modelPrices`. */
  prices(): readonly number[] {
    const { ledger, demand } = this
    const at = `${ledger.version} ${demand.version}`
    if (at !== this.#pricedAt) {
      this.#pricedAt = at
      this.#prices = modelPrices(ledger.freeByModel, ledger.models, demand)
    }
    return this.#prices
  }

  fork(): GpuState {
    const copy = new GpuState(this.ledger.fork(), this.demand.fork())
    copy.#gaps = this.#gaps
    copy.#pricedForMilli = this.#pricedForMilli
    return copy
  }
}
