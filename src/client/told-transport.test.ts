import { expect, it } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import { type TransportCall, toldTransport } from './told-transport.ts'
import type { Transport } from './transport.ts'

it('tells of each request, how it was answered and how long that took', async () => {
  const clock = new VirtualClock()
  const told: TransportCall[] = []
  const transport: Transport = {
    async send({ url }) {
      await clock.advance(250)
      if (url === '/away') throw new Error('no answer')
      return { status: 201, headers: {}, body: Buffer.alloc(0) }
    },
    async [Symbol.asyncDispose]() {},
  }
  const call = toldTransport(transport, { host: '10.0.0.1:6443', clock, tell: call => void told.push(call) })
  await call.send({ method: 'POST', url: '/api', headers: {} })
  await expect(call.send({ method: 'GET', url: '/away', headers: {} })).rejects.toThrow('no answer')
  // Who turns away himself has had no bad answer.
  await expect(call.send({ method: 'GET', url: '/away', headers: {}, signal: AbortSignal.abort() })).rejects.toThrow(
    'no answer',
  )
  expect(told).toEqual([
    { method: 'POST', host: '10.0.0.1:6443', code: '201', seconds: 0.25 },
    { method: 'GET', host: '10.0.0.1:6443', code: '<error>', seconds: 0.25 },
  ])
})
