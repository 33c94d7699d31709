import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { collectAfterStart, collectNowAndThen } from './garbage.ts'
import { VirtualClock } from './virtual-clock.ts'

test('what a start left behind is collected when the start is long over', async () => {
  const clock = new VirtualClock()
  const left = (() => new WeakRef({ big: new Array(1000) }))()
  using _collection = collectAfterStart(clock)
  await nextTurn()
  await clock.advance(5_000)
  await nextTurn()
  expect(left.deref()).toBeUndefined()
})

test('it is collected again once a burst of work has left much behind, and not for less', async () => {
  const clock = new VirtualClock()
  const collected: number[] = []
  let held = 30 << 20
  const collect = () => {
    collected.push(clock.monotonicMs())
    held = 20 << 20
  }
  using _ = collectNowAndThen(clock, { held: () => held, collect })
  await clock.advance(60_000)
  held += 11 << 20
  await clock.advance(60_000)
  held += 2 << 20
  await clock.advance(120_000)
  expect(collected).toEqual([5_000, 180_000])
})
