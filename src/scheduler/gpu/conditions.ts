import type { Devices } from './device-ledger.ts'

const fewest = 1_024
/** No devices have changed so often. */
const never = -1

/**
 * Numbers the conditions in which nodes with devices are: their model, what is free on each device, CPU and memory that are left.
 * Most nodes of a cluster share theirs with others (a quarter full of the same pods, or empty), so what is worked out for a
 * condition holds for many.
 */
export class Conditions {
  readonly #numbers = new Map<string, number>()
  /** By row, what it was like when it was last looked at, and the number of that. */
  #changes = new Float64Array(0)
  #cpuMillis = new Float64Array(0)
  #memoryBytes = new Float64Array(0)
  #number = new Int32Array(0)
  /** Grows when all numbers are forgotten, and what is known by them is void: those of conditions long gone would pile up. */
  generation = 0

  /** @param nodes with devices; about twice as many conditions are remembered */
  of(row: number, devices: Devices, cpuMillis: number, memoryBytes: number, nodes: number): number {
    if (
      this.#changes[row] === devices.changes &&
      this.#cpuMillis[row] === cpuMillis &&
      this.#memoryBytes[row] === memoryBytes
    )
      return this.#number[row]!
    const key = `${devices.model} ${cpuMillis} ${memoryBytes} ${devices.free.join()}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      if (this.#numbers.size >= Math.max(fewest, 2 * nodes)) this.#forget()
      this.#numbers.set(key, (number = this.#numbers.size))
    }
    if (row >= this.#number.length) this.#reserve(row)
    this.#changes[row] = devices.changes
    this.#cpuMillis[row] = cpuMillis
    this.#memoryBytes[row] = memoryBytes
    this.#number[row] = number
    return number
  }

  #reserve(row: number): void {
    const rows = Math.max(64, 2 * this.#number.length, row + 1)
    const grown = <T extends Float64Array | Int32Array>(to: T, from: T) => {
      to.fill(never).set(from)
      return to
    }
    this.#changes = grown(new Float64Array(rows), this.#changes)
    this.#cpuMillis = grown(new Float64Array(rows), this.#cpuMillis)
    this.#memoryBytes = grown(new Float64Array(rows), this.#memoryBytes)
    this.#number = grown(new Int32Array(rows), this.#number)
  }

  #forget(): void {
    this.#numbers.clear()
    this.#changes.fill(never)
    this.generation++
  }
}

/** Numbers by condition, for as long as one pricing holds. */
export class ByCondition {
  #values = new Float64Array(64).fill(Number.NaN)
  #pricing: object | undefined

  /** @param pricing see `GpuState.pricing`. @returns undefined: not known by this pricing */
  get(condition: number, pricing: object): number | undefined {
    if (pricing !== this.#pricing) {
      this.#pricing = pricing
      this.#values.fill(Number.NaN)
    }
    const value = this.#values[condition]
    return value === undefined || Number.isNaN(value) ? undefined : value
  }

  /** By the pricing that was asked for last. */
  set(condition: number, value: number): void {
    if (condition >= this.#values.length) {
      const old = this.#values
      this.#values = new Float64Array(Math.max(2 * old.length, condition + 1)).fill(Number.NaN)
      this.#values.set(old)
    }
    this.#values[condition] = value
  }
}
