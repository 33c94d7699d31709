import { expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import { NumberTable } from './number-table.ts'

test('it knows what was set last, through every growth, and nothing else', () => {
  const random = seededRandom(7)
  const table = new NumberTable()
  const known = new Map<number, number>()
  for (let i = 0; i < 20_000; i++) {
    const key = Math.floor(random.next() * 2 ** 53)
    known.set(key, i)
    table.set(key, i)
  }
  for (const key of [...known.keys()].slice(0, 500)) {
    known.set(key, -1)
    table.set(key, -1)
  }
  table.set(0, 0.5)
  expect([table.size, table.get(0)]).toEqual([known.size + 1, 0.5])
  for (const [key, value] of known) if (table.get(key) !== value) expect(table.get(key)).toBe(value)
  expect(table.get(12_345.5)).toBeUndefined()
})
