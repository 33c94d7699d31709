import type { PodClass } from '../pod-class.ts'
import { Demand } from './demand.ts'
import { DeviceLedger, type Devices } from './device-ledger.ts'
import { FillValue } from './fill-value.ts'
import { GapValues, priceGaps } from './gap-values.ts'
import { modelPrices } from './model-prices.ts'

/** Gaps are priced anew when the room that is free has changed by such a part, and by more than a sliver of all. */
const change = 0.15
const sliver = 0.005

/** What a node's free devices were worth, and what of. */
interface Worth {
  devices: Devices
  changes: number
  cpuMillis: number
  memoryBytes: number
  gaps: GapValues
  demand: number
  models: number
  value: number
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
  /** By row. */
  readonly #worth: (Worth | undefined)[] = []

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

  /** `valueOf` what is free on a node, remembered until any of it changes: every pod that asks compares with it. */
  worthOf(row: number, cpuMillis: number, memoryBytes: number): number {
    const { ledger, demand } = this
    const devices = ledger.at(row)!
    const known = this.#worth[row]
    if (
      known?.devices === devices &&
      known.changes === devices.changes &&
      known.cpuMillis === cpuMillis &&
      known.memoryBytes === memoryBytes &&
      known.gaps === this.#gaps &&
      known.demand === demand.version &&
      known.models === ledger.models.length
    )
      return known.value
    const { model, free, changes } = devices
    const value = this.valueOf(cpuMillis, memoryBytes, model, free, free.length)
    const at = { demand: demand.version, models: ledger.models.length, gaps: this.#gaps }
    this.#worth[row] = { devices, changes, cpuMillis, memoryBytes, ...at, value }
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
