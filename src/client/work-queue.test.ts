import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { WorkQueue } from './work-queue.ts'

const create = () => {
  const clock = new VirtualClock()
  return { clock, queue: new WorkQueue({ clock }) }
}

describe('the work queue', () => {
  test('holds a key once, however often it is added', async () => {
    const { queue } = create()
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key)
    expect([queue.depth, await queue.take(), await queue.take(), queue.depth]).toEqual([2, 'a', 'b', 0])
  })

  test('does not hand out a key that is in work; it comes again afterwards, once', async () => {
    const { queue } = create()
    queue.add('a')
    await queue.take()
    queue.add('a')
    queue.add('a')
    expect(queue.depth).toBe(0)
    queue.done('a')
    expect(queue.depth).toBe(1)
    expect(await queue.take()).toBe('a')
    queue.done('a')
    expect(queue.idle).toBe(true)
  })

  test('delays retries 5, 10, 20 ms … 1 000 s, and starts anew after forget', () => {
    const { queue } = create()
    const delays = Array.from({ length: 20 }, () => queue.retry('a'))
    expect(delays.slice(0, 3)).toEqual([5, 10, 20])
    expect(delays.at(-1)).toBe(1_000_000)
    queue.forget('a')
    expect(queue.retry('a')).toBe(5)
  })

  test('of two delays for one key the earlier counts', async () => {
    const { clock, queue } = create()
    queue.addAfter('a', 1_000)
    queue.addAfter('a', 10)
    queue.addAfter('a', 5_000)
    await clock.advance(10)
    expect(queue.depth).toBe(1)
    await queue.take()
    queue.done('a')
    await clock.advance(10_000)
    expect(queue.depth).toBe(0)
  })

  test('wakes the one who waits, and lets go of all when closed', async () => {
    const { queue } = create()
    const first = queue.take()
    const second = queue.take()
    queue.add('a')
    expect(await first).toBe('a')
    queue.close()
    expect([await second, await queue.take()]).toEqual([undefined, undefined])
  })

  test('reports how long keys wait and how long work takes', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    const queue = new WorkQueue({
      clock,
      metrics: { waited: ms => seen.push(`waited ${ms}`), worked: ms => seen.push(`worked ${ms}`) },
    })
    queue.add('a')
    await clock.advance(30)
    await queue.take()
    await clock.advance(7)
    queue.done('a')
    expect(seen).toEqual(['waited 30', 'worked 7'])
  })
})
