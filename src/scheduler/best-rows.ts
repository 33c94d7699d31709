/** Rows of a block. What it knows of each block is asked afresh only after one of its rows has changed. */
const blockRows = 64

export interface BestRow {
  row: number
  score: number
  /** How many rows fit. */
  fitting: number
}

/**
 * The best of the rows that fit, without a look at all of them: each block of rows remembers its highest score. Of two columns
 * that others write: by row, 0 where it fits, and its score.
 */
export class BestRows {
  readonly #refusal: Int32Array
  readonly #score: Float64Array
  /** By block: the highest score of the rows that fit, and how many those are. */
  readonly #highest: Float64Array
  readonly #fitting: Int32Array
  readonly #stale: Uint8Array

  constructor(refusal: Int32Array, score: Float64Array) {
    this.#refusal = refusal
    this.#score = score
    const blocks = Math.ceil(refusal.length / blockRows)
    this.#highest = new Float64Array(blocks)
    this.#fitting = new Int32Array(blocks)
    this.#stale = new Uint8Array(blocks).fill(1)
  }

  /** The row's cell in one of the columns is another. */
  touch(row: number): void {
    this.#stale[(row / blockRows) | 0] = 1
  }

  touchAll(): void {
    this.#stale.fill(1)
  }

  /**
   * Of the rows that fit, one with the highest score: the first from `start` on, going round.
   * @returns undefined if none fits
   */
  from(start: number): BestRow | undefined {
    let score = Number.NEGATIVE_INFINITY
    let fitting = 0
    for (let block = 0; block < this.#stale.length; block++) {
      if (this.#stale[block]) this.#lookAt(block)
      fitting += this.#fitting[block]!
      if (this.#highest[block]! > score) score = this.#highest[block]!
    }
    if (score === Number.NEGATIVE_INFINITY) return undefined
    const row = this.#first(score, start, this.#score.length)
    return { row: row < 0 ? this.#first(score, 0, start) : row, score, fitting }
  }

  #lookAt(block: number): void {
    const end = Math.min((block + 1) * blockRows, this.#score.length)
    let highest = Number.NEGATIVE_INFINITY
    let fitting = 0
    for (let row = block * blockRows; row < end; row++) {
      if (this.#refusal[row] !== 0) continue
      fitting++
      if (this.#score[row]! > highest) highest = this.#score[row]!
    }
    this.#highest[block] = highest
    this.#fitting[block] = fitting
    this.#stale[block] = 0
  }

  /** −1: none of these has that score. */
  #first(score: number, from: number, end: number): number {
    for (let row = from; row < end; ) {
      const block = Math.floor(row / blockRows)
      const next = Math.min((block + 1) * blockRows, end)
      if (this.#highest[block] === score)
        for (; row < next; row++) if (this.#refusal[row] === 0 && this.#score[row] === score) return row
      row = next
    }
    return -1
  }
}

/**
 * The same for columns of which nothing is remembered. It goes round from the row that has the share `chance` of those that
 * fit before it, so that rows that do not fit favour nobody.
 */
export function bestAmong(refusal: Int32Array, score: Float64Array, chance: number): BestRow | undefined {
  let highest = Number.NEGATIVE_INFINITY
  let fitting = 0
  for (let row = 0; row < refusal.length; row++) {
    if (refusal[row] !== 0) continue
    fitting++
    if (score[row]! > highest) highest = score[row]!
  }
  if (highest === Number.NEGATIVE_INFINITY) return undefined
  let before = Math.floor(chance * fitting)
  let first = -1
  for (let row = 0; row < refusal.length; row++) {
    if (refusal[row] !== 0) continue
    const passed = before-- > 0
    if (score[row] !== highest) continue
    if (!passed) return { row, score: highest, fitting }
    if (first < 0) first = row
  }
  return { row: first, score: highest, fitting }
}

/** Where the highest of the numbers is: the first from `start` on, going round; −1 if none is above −∞. */
export function placeOfHighest(numbers: Float64Array, start: number): number {
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < numbers.length; i++) if (numbers[i]! > highest) highest = numbers[i]!
  if (highest === Number.NEGATIVE_INFINITY) return -1
  const from = numbers.indexOf(highest, start)
  return from < 0 ? numbers.indexOf(highest) : from
}
