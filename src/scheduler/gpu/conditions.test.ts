import { expect, test } from 'vitest'
import { seededRandom } from '../../base/random.ts'
import { ByCondition, Conditions } from './conditions.ts'

test('rows in one condition share a number, others do not, also while old ones are forgotten', () => {
  const random = seededRandom(3)
  const below = (n: number) => Math.floor(random.next() * n)
  const conditions = new Conditions()
  const rows = Array.from({ length: 8 }, () => ({
    devices: { model: 0, capacity: Int32Array.of(1_000, 1_000), free: Int32Array.of(1_000, 1_000), changes: 0 },
    cpuMillis: 0,
  }))
  const known = new Map<string, number>()
  let { generation } = conditions
  for (let step = 0; step < 20_000; step++) {
    const row = below(rows.length)
    const one = rows[row]!
    if (below(2)) {
      one.devices.free[below(2)] = 10 * below(40)
      one.devices.changes++
    } else one.cpuMillis = below(3)
    const number = conditions.of(row, one.devices, one.cpuMillis, 7, rows.length)
    if (conditions.generation !== generation) {
      generation = conditions.generation
      known.clear()
    }
    const condition = `${one.cpuMillis} ${one.devices.free}`
    const other = [...known].find(([, n]) => n === number)?.[0]
    expect([known.get(condition) ?? number, other ?? condition]).toEqual([number, condition])
    known.set(condition, number)
  }
  expect(generation).toBeGreaterThan(1)
})

test('what is known by one pricing is not known by the next', () => {
  const values = new ByCondition()
  const [before, after] = [{}, {}]
  expect(values.get(500, before)).toBeUndefined()
  values.set(500, -0.5)
  values.set(2, 3)
  expect([values.get(500, before), values.get(2, before), values.get(3, before)]).toEqual([-0.5, 3, undefined])
  expect([values.get(500, after), values.get(2, after)]).toEqual([undefined, undefined])
})
