import { deviceMilli } from './gpu-request.ts'

/** Sizes and gaps are looked at in steps of so many thousandths of a device. */
const stepMilli = 10
const cells = deviceMilli / stepMilli
const rounds = 300
const firstRate = 0.2
const leastPrice = 1e-4
/** What waits for a partner may wait in vain: of placements that lose as little, the one that completes a device is better. */
const certainty = 0.99

/** Shares of one size that are expected. */
export interface ExpectedShares {
  /** 1 … 999 */
  milli: number
  count: number
}

/** What a device is worth by what is free on it. */
export class GapValues {
  readonly #byCell: Float64Array

  constructor(byCell = new Float64Array(cells + 1)) {
    this.#byCell = byCell
  }

  /** @param freeMilli 0 … 1000 @returns thousandths of a device, 1000 for one that is wholly free */
  of(freeMilli: number): number {
    return this.#byCell[Math.floor(freeMilli / stepMilli)]!
  }
}

/**
 * Prices of gaps, as the linear program of cutting stock has them: all expected shares are to lie in the gaps that are there or
 * on devices yet to be opened, of which there should be few. Its dual gives each size a price such that no device can be
 * filled with more than its own; a gap is worth what fits in at these prices. Where many gaps wait for few shares the share's
 * price falls, and the gap is worth little; where a size needs partners, it is dear to put it beside a wrong one.
 *
 * Prices are found by multiplicative steps towards what is short; the mean of the second half of the rounds is taken.
 * @param gaps how many devices have so much free, by thousandths (1 … 999)
 * @see Gilmore, Gomory, A linear programming approach to the cutting-stock problem, 1961
 */
export function priceGaps(shares: readonly ExpectedShares[], gaps: ReadonlyMap<number, number>): GapValues {
  const byCell = new Float64Array(cells + 1)
  const { sizes, wanted } = inCells(shares)
  if (sizes.length) {
    const packing = new Packing(sizes)
    packing.fill(findPrices(packing, wanted, gapsByCell(gaps)))
    // Whole thousandths: their sums are exact, so nodes that are equal tie.
    for (let cell = 0; cell < cells; cell++)
      byCell[cell] = Math.round((certainty * deviceMilli * packing.value[cell]!) / packing.value[cells]!)
  }
  byCell[cells] = deviceMilli
  return new GapValues(byCell)
}

function findPrices(packing: Packing, wanted: Float64Array, gaps: Float64Array): Float64Array {
  const { sizes, value } = packing
  const prices = Float64Array.from(sizes, size => size / cells)
  const sums = new Float64Array(sizes.length)
  for (let round = 0; round < rounds; round++) {
    packing.fill(prices)
    const device = value[cells]!
    for (let k = 0; k < prices.length; k++) prices[k]! /= device
    const served = servedBy(packing, prices, wanted, gaps)
    const rate = firstRate / Math.sqrt(1 + round)
    for (let k = 0; k < prices.length; k++) {
      const short = (wanted[k]! - served[k]!) / (wanted[k]! + 1)
      prices[k] = Math.max(prices[k]! * Math.exp(rate * Math.max(-1, Math.min(1, short))), leastPrice)
      if (round >= rounds / 2) sums[k]! += prices[k]!
    }
  }
  return sums
}

/** How many of each size lie in the best packings of all gaps, and of as many new devices as the rest is worth. */
function servedBy(packing: Packing, prices: Float64Array, wanted: Float64Array, gaps: Float64Array): Float64Array {
  const served = new Float64Array(prices.length)
  let rest = 0
  for (let k = 0; k < prices.length; k++) rest += wanted[k]! * prices[k]!
  for (let cell = 1; cell < cells; cell++) {
    if (!gaps[cell]) continue
    rest -= (gaps[cell]! * packing.value[cell]!) / packing.value[cells]!
    packing.count(cell, gaps[cell]!, served)
  }
  if (rest > 0) packing.count(cells, rest, served)
  return served
}

/** The best that fits into each gap: a knapsack of any number of each size. */
class Packing {
  readonly sizes: Int32Array
  readonly value = new Float64Array(cells + 1)
  /** The size to take first; -1: nothing fits. */
  readonly #first = new Int32Array(cells + 1).fill(-1)

  constructor(sizes: Int32Array) {
    this.sizes = sizes
  }

  fill(prices: Float64Array): void {
    const { sizes, value } = this
    for (let cell = 1; cell <= cells; cell++) {
      let best = 0
      let first = -1
      for (let k = 0; k < sizes.length; k++) {
        if (sizes[k]! > cell) continue
        const worth = prices[k]! + value[cell - sizes[k]!]!
        if (worth <= best) continue
        best = worth
        first = k
      }
      value[cell] = best
      this.#first[cell] = first
    }
  }

  /** Adds what lies in so many packed gaps. */
  count(cell: number, amount: number, served: Float64Array): void {
    for (let left = cell; this.#first[left]! >= 0; left -= this.sizes[this.#first[left]!]!)
      served[this.#first[left]!]! += amount
  }
}

function inCells(shares: readonly ExpectedShares[]): { sizes: Int32Array; wanted: Float64Array } {
  const counts = new Float64Array(cells + 1)
  for (const { milli, count } of shares) counts[Math.ceil(milli / stepMilli)]! += count
  // The largest first: among equals it is taken.
  const sizes = Int32Array.from([...counts.keys()].filter(cell => counts[cell]! > 0).reverse())
  return { sizes, wanted: Float64Array.from(sizes, size => counts[size]!) }
}

function gapsByCell(gaps: ReadonlyMap<number, number>): Float64Array {
  const byCell = new Float64Array(cells)
  for (const [milli, count] of gaps) byCell[Math.floor(milli / stepMilli)]! += count
  return byCell
}
