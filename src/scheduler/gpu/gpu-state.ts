import type { PodClass } from '../pod-class.ts'
import { Demand } from './demand.ts'
import { DeviceLedger } from './device-ledger.ts'
import { FillValue } from './fill-value.ts'
import { GapValues, priceGaps } from './gap-values.ts'
import { modelPrices } from './model-prices.ts'

/** Gaps are priced anew when the room that is free has changed by such a part, and by more than a sliver of all. */
const change = 0.15
const sliver = 0.005

/** All that placement knows of shared devices: what is free where, who is expected, and what that makes free room worth. */
export class GpuState {
  readonly ledger: DeviceLedger
  readonly demand: Demand
  readonly #value = new FillValue()
  #gaps = new GapValues()
  #pricedForMilli = 0
  #prices: readonly number[] = []
  #pricedAt = ''

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
