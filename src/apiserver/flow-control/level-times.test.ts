import { expect, test } from 'vitest'
import { HistogramTally } from '../../base/tallies.ts'
import { LevelTimes } from './level-times.ts'
import { PriorityLevel } from './priority-level.ts'

const second = 1e9

function levelOf(nominalSeats: number) {
  const use = new HistogramTally({}, [0, 0.5, 1])
  const wanted = new HistogramTally({}, [0.5, 1, 2])
  const level = new PriorityLevel('l', new LevelTimes(0, use, wanted))
  level.nominalSeats = nominalSeats
  const set = (seatsInUse: number, nowMs: number) => {
    level.seatsInUse = seatsInUse
    level.times.changed(level, nowMs)
  }
  return { level, use, wanted, set }
}

test('of each share of its seats it is counted how long it was taken', () => {
  const { use, wanted, set } = levelOf(10)
  set(4, 1_000)
  set(10, 3_000)
  // Borrowed ones are its own while it has them.
  set(20, 4_000)
  set(0, 4_500)
  expect(use.perBucket).toEqual([second, 2 * second, 1.5 * second, 0])
  expect(use.count).toBe(4.5 * second)
  expect(wanted.perBucket).toEqual([3 * second, second, 0.5 * second, 0])
  expect(wanted.sum / second).toBeCloseTo(0.8 + 1 + 1)
})

test('what was wanted is summed up every ten seconds, and forgotten slowly', () => {
  const { level, set } = levelOf(10)
  set(8, 5_000)
  set(0, 9_000)
  set(0, 10_000)
  const first = level.times.demand
  const deviation = Math.sqrt(64 * 0.4 - 3.2 ** 2)
  expect(first).toEqual({
    most: 8,
    average: expect.closeTo(3.2),
    deviation: expect.closeTo(deviation),
    smoothed: expect.closeTo(3.2 + deviation),
  })
  set(2, 12_000)
  set(2, 20_000)
  const { smoothed, ...next } = level.times.demand
  expect(next).toEqual({ most: 2, average: 1.6, deviation: expect.closeTo(0.8) })
  expect(smoothed).toBeCloseTo(0.977 * first.smoothed + 0.023 * 2.4)
  // Nobody asked for a long time, in which all stayed as it was.
  set(2, 1_000_000)
  expect(level.times.demand).toEqual({ most: 2, average: 2, deviation: 0, smoothed: expect.closeTo(2.5, 0) })
})
