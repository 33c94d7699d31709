import { expect, test } from 'vitest'
import { Disposal } from './disposal.ts'
import { VirtualClock } from './virtual-clock.ts'

test('undoes last first, all of it, and tells the first failure', async () => {
  const undone: string[] = []
  const disposal = new Disposal()
  disposal.defer(() => undone.push('first'))
  disposal.defer(() => {
    throw new Error('second')
  })
  disposal.defer(() => undone.push('third'))
  await expect(disposal[Symbol.asyncDispose]()).rejects.toThrow('second')
  expect(undone).toEqual(['third', 'first'])
})

test('leaves alone what does not end in time, and names it', async () => {
  const clock = new VirtualClock()
  const late: string[] = []
  const undone: string[] = []
  const disposal = new Disposal({ clock, limitMs: 10, late: part => late.push(part) })
  disposal.defer(() => undone.push('store'), 'store')
  disposal.defer(() => new Promise(() => {}), 'streams')
  disposal.defer(() => undone.push('gateway'), 'gateway')
  const done = disposal[Symbol.asyncDispose]()
  await clock.advance(10)
  await done
  expect({ late, undone }).toEqual({ late: ['streams'], undone: ['gateway', 'store'] })
})
