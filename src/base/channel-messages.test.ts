import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { channelMessage, messageBytes, passOn } from './channel-messages.ts'

it('a message names its channel, in whatever form it comes', () => {
  const message = channelMessage(2, 'no')
  expect([...message]).toEqual([2, ...Buffer.from('no')])
  expect(messageBytes([message.subarray(0, 1), message.subarray(1)])).toEqual(message)
  expect(messageBytes(new Uint8Array(message).buffer)).toEqual(message)
})

it('whoever reads slowly makes the other side wait, each time anew, and leaves nothing behind', async () => {
  const said: string[] = []
  const from = { pause: () => void said.push('pause'), resume: () => void said.push('resume') }
  const to = new PassThrough({ highWaterMark: 4 })
  const before = to.listenerCount('close')
  for (let i = 0; i < 20; i++) {
    passOn(from, to, Buffer.from('much more'))
    expect(to.read()).toEqual(Buffer.from('much more'))
    await new Promise(setImmediate)
  }
  expect(said).toEqual(Array.from({ length: 20 }, () => ['pause', 'resume']).flat())
  expect([to.listenerCount('close'), to.listenerCount('drain')]).toEqual([before, 0])
})

it('a reader that goes away holds nobody up', async () => {
  let waits = false
  const to = new PassThrough({ highWaterMark: 4 })
  passOn({ pause: () => void (waits = true), resume: () => void (waits = false) }, to, Buffer.from('much more'))
  expect(waits).toBe(true)
  to.destroy()
  await new Promise(setImmediate)
  expect(waits).toBe(false)
})
