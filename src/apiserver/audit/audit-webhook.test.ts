import { expect, test } from 'vitest'
import { type HttpOptions, type Net, systemNet } from '../../base/net.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { AuditWebhook, type AuditWebhookOptions } from './audit-webhook.ts'

function setUp(options: Partial<AuditWebhookOptions> = {}) {
  const clock = new VirtualClock()
  const sent: { url: string; options: HttpOptions; items: unknown[] }[] = []
  const state = { status: 200 }
  const net: Net = {
    ...systemNet,
    async request(url, given = {}) {
      const { items } = JSON.parse(String(given.body))
      sent.push({ url, options: given, items })
      return { status: state.status, headers: {}, body: Buffer.alloc(0) }
    },
  }
  const server = { server: 'https://siem.example.com/audit', token: 't', ca: 'PEM' }
  const webhook = new AuditWebhook({ server, net, clock, maxBatch: 3, maxWaitMs: 1000, firstRetryMs: 100, ...options })
  const lost: number[] = []
  webhook.onLost = events => lost.push(events)
  return { clock, sent, state, webhook, lost }
}

test('events are sent several at a time: when there are enough, or have waited long enough', async () => {
  const { clock, sent, webhook } = setUp()
  for (const n of [1, 2, 3, 4]) webhook.write(String(n))
  await clock.advance(0)
  expect(sent.map(s => s.items)).toEqual([[1, 2, 3], [4]])
  webhook.write('5')
  await clock.advance(999)
  expect(sent).toHaveLength(2)
  await clock.advance(1)
  expect(sent[2]).toMatchObject({
    url: 'https://siem.example.com/audit',
    options: { method: 'POST', headers: { authorization: 'Bearer t' }, ca: 'PEM' },
    items: [5],
  })
})

test('a server that refuses is asked again, five times; then its events are counted as lost', async () => {
  const { clock, sent, state, webhook, lost } = setUp()
  state.status = 500
  for (const n of [1, 2, 3]) webhook.write(String(n))
  await clock.advance(700)
  expect([sent.length, lost]).toEqual([4, []])
  await clock.advance(800)
  expect([sent.length, lost]).toEqual([5, [3]])
  state.status = 200
  for (const n of [4, 5, 6]) webhook.write(String(n))
  await clock.advance(0)
  expect(sent.at(-1)!.items).toEqual([4, 5, 6])
})

test('what waits is bounded, and closing sends it', async () => {
  const { state, sent, webhook, lost } = setUp({ maxWaiting: 2, maxBatch: 10 })
  for (const n of [1, 2, 3]) webhook.write(String(n))
  expect(lost).toEqual([1])
  await webhook[Symbol.asyncDispose]()
  expect(sent.map(s => s.items)).toEqual([[1, 2]])
  expect(state.status).toBe(200)
})

test('closing does not wait for a server that is gone', async () => {
  const { state, sent, webhook, lost } = setUp({ maxBatch: 1000 })
  state.status = 503
  for (let n = 0; n < 5; n++) webhook.write(String(n))
  await webhook[Symbol.asyncDispose]()
  expect([sent.length, lost]).toEqual([1, [5]])
})
