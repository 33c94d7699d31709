import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

test('those who name the same thing go one after the other, and a failure harms nobody else', async () => {
  const turns = new Turns()
  const log: string[] = []
  const work =
    (name: string, fails = false) =>
    async () => {
      log.push(`${name} begins`)
      await Promise.resolve()
      log.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const all = await Promise.allSettled([
    turns.take('x', work('a', true)),
    turns.take('x', work('b')),
    turns.take('y', work('c')),
  ])
  expect(all.map(r => r.status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  const order = log.filter(l => !l.startsWith('c'))
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  expect(log.indexOf('c begins')).toBeLessThan(log.indexOf('b begins'))
})
