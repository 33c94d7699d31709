import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { ApiReply } from '../models/rest.ts'
import { patientTransport } from './patient-transport.ts'

const full = (headers: ApiReply['headers'] = { 'retry-after': '2' }): ApiReply => ({
  ...{ status: 429, headers, body: Buffer.from('Too many requests, please try again later.') },
})
const fine: ApiReply = { status: 200, headers: {}, body: Buffer.from('{}') }

function setUp(...replies: ApiReply[]) {
  const clock = new VirtualClock()
  const sentAtMs: number[] = []
  const start = clock.monotonicMs()
  const transport = patientTransport(
    {
      async send() {
        sentAtMs.push(clock.monotonicMs() - start)
        return replies[Math.min(sentAtMs.length, replies.length) - 1]!
      },
      async [Symbol.asyncDispose]() {},
    },
    clock,
  )
  const send = (signal?: AbortSignal) =>
    transport.send({ method: 'GET', url: '/x', headers: {}, ...(signal ? { signal } : {}) })
  return { clock, sentAtMs, send }
}

test('a server that has no room is asked again when it says', async () => {
  const { clock, sentAtMs, send } = setUp(full(), full(), fine)
  const reply = send()
  await clock.advance(4000)
  expect((await reply).status).toBe(200)
  expect(sentAtMs).toEqual([0, 2000, 4000])
})

test('a refusal without a time is the answer: only somebody else can change it', async () => {
  const { sentAtMs, send } = setUp(full({}))
  expect((await send()).status).toBe(429)
  expect(sentAtMs).toHaveLength(1)
})

test('patience ends after ten more tries, or when nobody waits any more', async () => {
  const { clock, sentAtMs, send } = setUp(full())
  const reply = send()
  await clock.advance(60_000)
  expect((await reply).status).toBe(429)
  expect(sentAtMs).toHaveLength(11)
  const stop = new AbortController()
  const given = send(stop.signal)
  await clock.advance(0)
  stop.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
})
