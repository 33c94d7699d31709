import { Demand } from './demand.ts'
import { DeviceLedger } from './device-ledger.ts'
import { FillValue } from './fill-value.ts'
import { modelPrices } from './model-prices.ts'

/** All that placement knows of shared devices: what is free where, who is expected, and what that makes free room worth. */
export class GpuState {
  readonly ledger: DeviceLedger
  readonly demand: Demand
  readonly #value = new FillValue()
  #prices: readonly number[] = []
  #pricedAt = ''

  constructor(ledger = new DeviceLedger(), demand = new Demand()) {
    this.ledger = ledger
    this.demand = demand
  }

  /** What free room is worth; see `FillValue`. */
  valueOf(cpuMillis: number, memoryBytes: number, model: number, free: Int32Array, devices: number): number {
    this.#value.learn(this.demand, this.ledger.models)
    return this.#value.of(cpuMillis, memoryBytes, model, free, devices)
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
    return new GpuState(this.ledger.fork(), this.demand.fork())
  }
}
