import { expect, test } from 'vitest'
import type { Logger } from '../base/logger.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { Client } from '../client/index.ts'
import { askCertificate } from './node-certificate.ts'

test('who waits long for a certificate is told what to do, once; a refusal ends the waiting', async () => {
  let status: object = {}
  let reads = 0
  const client = {
    create: async () => ({ metadata: { name: 'node-n1-x' } }),
    get: async () => {
      reads++
      return { status }
    },
  } as unknown as Client
  const clock = new VirtualClock()
  const told: string[] = []
  const log = { warn: (_: object, text: string) => told.push(text) } as unknown as Logger
  const { signal } = new AbortController()
  const asked = askCertificate(client, { use: 'client', nodeName: 'n1', ips: [] }, { clock, log }, signal).catch(e => e)
  await expect.poll(() => reads, { timeout: 20_000 }).toBe(1)
  await clock.advance(29_000)
  expect(told).toEqual([])
  await clock.advance(60_000)
  expect(told).toEqual(['nobody has approved the certificate yet: "kubectl certificate approve node-n1-x" does'])
  status = { conditions: [{ type: 'Denied', message: 'not ours' }] }
  await clock.advance(1_000)
  expect((await asked).message).toBe('the client certificate of node n1 was refused: not ours')
})
