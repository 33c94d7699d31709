import { expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { Arrivals } from './arrivals.ts'

function world() {
  const clock = new VirtualClock()
  const arrivals = new Arrivals(clock)
  const told: [number, boolean][] = []
  const wait = (revision: number, timeoutMs: number) =>
    void arrivals.wait(revision, timeoutMs).then(came => told.push([revision, came]))
  return { clock, arrivals, told, wait }
}

test('those are told whose revision has come, in order, whoever asked first', async () => {
  const { clock, arrivals, told, wait } = world()
  for (const revision of [5, 3, 8, 4, 5]) wait(revision, 1_000)
  arrivals.reached(2)
  await clock.advance(0)
  expect(told).toEqual([])
  arrivals.reached(5)
  await clock.advance(0)
  expect(told).toEqual([3, 4, 5, 5].map(revision => [revision, true]))
  arrivals.reached(9)
  await clock.advance(5_000)
  expect(told.slice(4)).toEqual([[8, true]])
})

test('whoever waited too long is told so at his own time, and the others wait on', async () => {
  const { clock, arrivals, told, wait } = world()
  wait(5, 30_000)
  wait(9, 5_000)
  wait(7, 10_000)
  await clock.advance(5_000)
  expect(told).toEqual([[9, false]])
  arrivals.reached(5)
  await clock.advance(4_999)
  expect(told).toEqual([
    [9, false],
    [5, true],
  ])
  await clock.advance(1)
  expect(told.slice(2)).toEqual([[7, false]])
  wait(11, 1_000)
  await clock.advance(1_000)
  expect(told.slice(3)).toEqual([[11, false]])
})
