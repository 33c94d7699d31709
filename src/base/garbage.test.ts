import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { collectAfterStart } from './garbage.ts'
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
