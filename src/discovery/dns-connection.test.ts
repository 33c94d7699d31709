import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { serveDnsConnection } from './dns-connection.ts'
import { framed } from './dns-wire.ts'

/** A client's connection: what it was told, and whether it takes it. */
function client() {
  const told: string[] = []
  let takes = true
  let held: (() => void) | undefined
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      told.push(chunk.subarray(2).toString())
      if (takes) done()
      else held = done
    },
    writableHighWaterMark: 1,
  })
  const ask = (...questions: string[]) =>
    void socket.push(Buffer.concat(questions.map(text => framed(Buffer.from(text)))))
  const stop = () => (takes = false)
  const go = () => {
    takes = true
    held?.()
  }
  return { socket, told, ask, stop, go }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn()
}

it('answers what comes in pieces and at once, each question when it can', async () => {
  const { socket, told, ask } = client()
  let slow = () => {}
  const over = serveDnsConnection(socket, new VirtualClock(), async message => {
    if (String(message) === 'slow') await new Promise<void>(resolve => (slow = resolve))
    return Buffer.from(`${message}!`)
  })
  socket.push(framed(Buffer.from('first')).subarray(0, 3))
  await settled()
  socket.push(framed(Buffer.from('first')).subarray(3))
  ask('slow', 'third')
  await settled()
  expect(told).toEqual(['first!', 'third!'])
  slow()
  socket.push(null)
  await over
  expect(told).toEqual(['first!', 'third!', 'slow!'])
})

it('who takes no answers is asked nothing more, and a client that says nothing is let go', async () => {
  const clock = new VirtualClock()
  const { socket, told, ask, stop, go } = client()
  let begun = 0
  const over = serveDnsConnection(socket, clock, async message => {
    begun++
    return message
  })
  stop()
  ask(...Array.from({ length: 1_000 }, (_, i) => `${i}`))
  await settled()
  expect(begun).toBeLessThanOrEqual(33)
  go()
  await settled()
  expect([begun, told.length]).toEqual([1_000, 1_000])
  await clock.advance(29_000)
  ask('again')
  await settled()
  await clock.advance(29_000)
  expect(socket.destroyed).toBe(false)
  await clock.advance(2_000)
  expect(socket.destroyed).toBe(true)
  await over
})

it('ends with what is no question, and says what went wrong', async () => {
  const strange = client()
  const over = serveDnsConnection(strange.socket, new VirtualClock(), async () => undefined)
  strange.ask('?')
  await over
  expect(strange.socket.destroyed).toBe(true)
  const ill = client()
  const failed = serveDnsConnection(ill.socket, new VirtualClock(), async () => {
    throw new Error('no')
  })
  ill.ask('?')
  await expect(failed).rejects.toThrow('no')
  expect(ill.socket.destroyed).toBe(true)
})
