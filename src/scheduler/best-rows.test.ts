import { expect, test } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { BestRows, bestAmong, placeOfHighest } from './best-rows.ts'

/** All rows, one after the other. */
function slowly(refusal: Int32Array, score: Float64Array, start: number) {
  let best: { row: number; score: number } | undefined
  let fitting = 0
  for (let i = 0; i < refusal.length; i++) {
    const row = (i + start) % refusal.length
    if (refusal[row]) continue
    fitting++
    if (score[row]! > (best?.score ?? Number.NEGATIVE_INFINITY)) best = { row, score: score[row]! }
  }
  return best && { ...best, fitting }
}

test('finds what a look at all rows finds, from every start, as rows change', () => {
  const random = seededRandom(7)
  const upTo = (n: number) => Math.floor(random.next() * n)
  const differ: unknown[] = []
  for (const rows of [1, 63, 64, 65, 200, 1_000]) {
    const refusal = new Int32Array(rows).map(() => upTo(2))
    const score = new Float64Array(rows).map(() => upTo(5))
    const best = new BestRows(refusal, score)
    for (let step = 0; step < 300; step++) {
      const row = upTo(rows)
      // Seldom a row that fits, at times none.
      refusal[row] = upTo(10) ? 1 : 0
      score[row] = upTo(5)
      best.touch(row)
      const start = upTo(rows)
      const [found, sought] = [best.from(start), slowly(refusal, score, start)]
      if (JSON.stringify(found) !== JSON.stringify(sought)) differ.push({ rows, step, start, found, sought })
    }
    score.fill(1).fill(2, rows >> 1)
    refusal.fill(0)
    best.touchAll()
    const [found, sought] = [best.from(0), slowly(refusal, score, 0)]
    if (JSON.stringify(found) !== JSON.stringify(sought)) differ.push({ rows, found, sought })
  }
  expect(differ).toEqual([])
})

test('a score that is no number, or endlessly low, is never the best', () => {
  const best = new BestRows(new Int32Array(2), new Float64Array([Number.NaN, Number.NEGATIVE_INFINITY]))
  expect(best.from(0)).toBeUndefined()
})

test('of what is not remembered it finds the best from a place among those that fit, going round', () => {
  const random = seededRandom(8)
  const upTo = (n: number) => Math.floor(random.next() * n)
  const differ: unknown[] = []
  for (let step = 0; step < 2_000; step++) {
    const rows = 1 + upTo(30)
    const refusal = new Int32Array(rows).map(() => upTo(2))
    const score = new Float64Array(rows).map(() => upTo(3))
    const chance = random.next()
    const fitting = [...refusal.keys()].filter(row => !refusal[row])
    const at = Math.floor(chance * fitting.length)
    const round = [...fitting.slice(at), ...fitting.slice(0, at)]
    const highest = Math.max(...fitting.map(row => score[row]!))
    const row = round.find(r => score[r] === highest)
    const sought = row === undefined ? undefined : { row, score: highest, fitting: fitting.length }
    const found = bestAmong(refusal, score, chance)
    if (JSON.stringify(found) !== JSON.stringify(sought)) differ.push({ step, found, sought })
  }
  expect(differ).toEqual([])
})

test.each<[number[], number, number]>([
  [[1, 3, 2, 3], 0, 1],
  [[1, 3, 2, 3], 2, 3],
  [[3, 1, 2], 1, 0],
  [[Number.NaN, Number.NEGATIVE_INFINITY, -5], 0, 2],
  [[Number.NEGATIVE_INFINITY, Number.NaN], 0, -1],
  [[], 0, -1],
])('the highest of %j from place %i on is at %i', (numbers, start, at) => {
  expect(placeOfHighest(Float64Array.from(numbers), start)).toBe(at)
})
