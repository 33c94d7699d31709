import { expect, test } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

test('timers run in order of time, then of creation, and cancelled ones do not', async () => {
  const clock = new VirtualClock()
  const ran: string[] = []
  const at = (ms: number, name: string) => clock.schedule(ms, () => ran.push(name))
  at(20, 'c')
  at(10, 'a')
  const cancelled = at(10, 'never')
  at(10, 'b')
  cancelled()
  cancelled()
  await clock.advance(30)
  expect([ran, clock.kept]).toEqual([['a', 'b', 'c'], 0])
})

test('a timer that is cancelled long before its time is not kept until then, and the others keep their order', async () => {
  const clock = new VirtualClock()
  const ran: number[] = []
  for (let i = 0; i < 1_000; i++) {
    clock.schedule(1_000 - i, () => ran.push(1_000 - i))
    for (let j = 0; j < 10; j++) clock.schedule(3_600_000, () => {})()
  }
  expect(clock.kept).toBeLessThanOrEqual(2_001)
  const cancels = Array.from({ length: 10_000 }, () => clock.schedule(3_600_000, () => {}))
  for (const cancel of cancels) cancel()
  expect(clock.kept).toBeLessThanOrEqual(2_001)
  await clock.advance(1_000)
  expect(ran).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1))
  for (const cancel of cancels) cancel()
  expect(clock.kept).toBeLessThanOrEqual(65)
})
