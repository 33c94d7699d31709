import { expect, it } from 'vitest'
import type { Clock } from '../../base/clock.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { ProbeMoments } from './probe-moments.ts'

/** A virtual clock that counts the timers set and not yet cancelled. */
function counted() {
  const virtual = new VirtualClock()
  const timers = { set: 0, cancelled: 0 }
  const clock: Clock = {
    now: () => virtual.now(),
    monotonicMs: () => virtual.monotonicMs(),
    schedule(delayMs, task) {
      timers.set++
      const cancel = virtual.schedule(delayMs, task)
      return () => {
        timers.cancelled++
        cancel()
      }
    },
  }
  return { virtual, timers, moments: new ProbeMoments(clock) }
}

it('hundreds of probes that come near each other wake the node once', async () => {
  const { virtual, timers, moments } = counted()
  const asked: number[] = []
  for (let i = 0; i < 500; i++) {
    moments.before(1_000, () => asked.push(virtual.monotonicMs()))
    if (i % 100 === 0) await virtual.advance(1)
  }
  await virtual.advance(1_000)
  expect({ asked: asked.length, timers: timers.set }).toEqual({ asked: 500, timers: 1 })
})

it('a probe is asked up to 25 ms before its time, or after it where it must not be early', async () => {
  const { virtual, moments } = counted()
  await virtual.advance(7)
  const began = virtual.monotonicMs()
  const after: Record<string, number> = {}
  moments.before(990, () => (after['before'] = virtual.monotonicMs() - began))
  moments.after(990, () => (after['after'] = virtual.monotonicMs() - began))
  moments.before(3, () => (after['at once'] = virtual.monotonicMs() - began))
  await virtual.advance(2_000)
  expect(after['before']).toBeGreaterThan(965)
  expect(after['before']).toBeLessThanOrEqual(990)
  expect(after['after']).toBeGreaterThanOrEqual(990)
  expect(after['after']).toBeLessThan(1_015)
  expect(after['at once']).toBe(0)
})

it('one that is called off leaves the others, and the last takes the timer along', async () => {
  const { virtual, timers, moments } = counted()
  const asked: string[] = []
  const ends = ['a', 'b', 'c'].map(name => moments.before(1_000, () => asked.push(name)))
  ends[0]!()
  await virtual.advance(1_000)
  // Too late to change anything.
  ends[1]!()
  expect(asked).toEqual(['b', 'c'])
  const again = moments.before(1_000, () => asked.push('d'))
  again()
  again()
  expect(timers).toEqual({ set: 2, cancelled: 1 })
})

it('one of a moment may call off another of the same', async () => {
  const { virtual, moments } = counted()
  const asked: string[] = []
  moments.before(1_000, () => {
    asked.push('startup')
    off()
  })
  const off = moments.before(1_000, () => asked.push('liveness'))
  await virtual.advance(1_000)
  expect(asked).toEqual(['startup'])
})
