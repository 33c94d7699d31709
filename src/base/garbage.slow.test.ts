import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { collectNowAndThen } from './garbage.ts'
import { VirtualClock } from './virtual-clock.ts'

test('what a start left behind is collected when the start is long over', async () => {
  const clock = new VirtualClock()
  const left = (() => new WeakRef({ big: new Array(1000) }))()
  using _collection = collectNowAndThen(clock, { held: () => 30 << 20 })
  await nextTurn()
  await clock.advance(5_000)
  await vi.waitFor(() => expect(left.deref() === undefined).toBe(true))
})

/** Looked at each minute; all that it holds above 20 MiB is garbage. */
function inProcess({ held, busyMs = () => 0 }: { held: () => number; busyMs?: () => number }) {
  const clock = new VirtualClock()
  const collected: number[] = []
  let gone = 0
  const collect = async () => {
    collected.push(clock.monotonicMs())
    gone = held() - (20 << 20)
  }
  const collection = collectNowAndThen(clock, { held: () => held() - gone, taken: busyMs, collect })
  return { clock, collected, [Symbol.dispose]: () => collection[Symbol.dispose]() }
}

test('it is collected again once a burst of work has left much behind, and not for less', async () => {
  let held = 30 << 20
  using story = inProcess({ held: () => held })
  await story.clock.advance(60_000)
  held += 11 << 20
  await story.clock.advance(60_000)
  held += 2 << 20
  await story.clock.advance(120_000)
  expect(story.collected).toEqual([5_000, 180_000])
})

test('it is left to V8 while there is work, and where it would stand still for long', async () => {
  let [held, busy] = [30 << 20, 0]
  using story = inProcess({ held: () => held, busyMs: () => busy })
  await story.clock.advance(10_000)
  held += 50 << 20
  busy += 20_000
  await story.clock.advance(50_000)
  held += 200 << 20
  await story.clock.advance(60_000)
  expect(story.collected).toEqual([5_000])
  held -= 200 << 20
  await story.clock.advance(60_000)
  expect(story.collected).toEqual([5_000, 180_000])
})
