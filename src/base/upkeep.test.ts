import { describe, expect, it } from 'vitest'
import { silentLogger } from './logger.ts'
import { Upkeep } from './upkeep.ts'
import { VirtualClock } from './virtual-clock.ts'

describe('upkeep', () => {
  function keep(work: () => Promise<void>) {
    const clock = new VirtualClock()
    return { clock, upkeep: new Upkeep({ work, clock, log: silentLogger, whenFailed: 'not done' }) }
  }

  it('meets changes that come together by one piece of work, and looks again every 5 s', async () => {
    let done = 0
    const { clock, upkeep } = keep(async () => void done++)
    for (let i = 0; i < 3; i++) upkeep.changed()
    await clock.advance(20)
    expect(done).toBe(1)
    await clock.advance(10_000)
    expect(done).toBe(3)
    await upkeep[Symbol.asyncDispose]()
  })

  it('does one piece after the other, and goes on after one that failed', async () => {
    const order: string[] = []
    const { upkeep } = keep(async () => {
      order.push('begun')
      await Promise.resolve()
      order.push('over')
      throw new Error('it rains')
    })
    const first = upkeep.now()
    const second = upkeep.now()
    await Promise.all([first, second])
    expect(order).toEqual(['begun', 'over', 'begun', 'over'])
    await upkeep[Symbol.asyncDispose]()
  })

  it('does nothing any more once it is disposed of', async () => {
    let done = 0
    const { clock, upkeep } = keep(async () => void done++)
    upkeep.changed()
    await upkeep[Symbol.asyncDispose]()
    await clock.advance(10_000)
    await upkeep.now()
    expect(done).toBe(0)
  })
})
