import { expect, test } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { noMetrics } from './accounts.ts'
import { Balancer } from './balancer.ts'
import { Datagrams } from './datagrams.ts'
import { Weights } from './weights.ts'

const endpoint = { ip: '10.0.0.1', port: 53 }
const to = { route: 'r', backends: [{ weight: 1, backend: { name: 'b', endpoints: [endpoint] } }] }

function world() {
  const clock = new VirtualClock()
  const open = new Map<number, (message: Buffer, from: { address: string; port: number }) => void>()
  const sent: string[] = []
  const told: string[] = []
  let next = 1
  const net = {
    async bindUdp(_host: string, _port: number, hear: (message: Buffer, from: any) => void) {
      const port = next++
      open.set(port, hear)
      return {
        port,
        send: (message: Uint8Array, { address }: { address: string }) =>
          void sent.push(`${port}>${address} ${Buffer.from(message)}`),
        close: async () => void open.delete(port),
      }
    },
  } as unknown as Net
  const parts = { weights: new Weights(), balancer: new Balancer(clock), metrics: noMetrics, net, log: silentLogger }
  const answer = (message: Uint8Array, { port }: { port: number }) => void told.push(`${port} ${Buffer.from(message)}`)
  const datagrams = new Datagrams({ to: () => to, answer, parts, clock })
  const say = async (port: number, text: string) => {
    datagrams.take(Buffer.from(text), { address: '192.0.2.1', port })
    await new Promise(setImmediate)
  }
  return { clock, open, sent, told, datagrams, say }
}

test('a client has its socket until it was quiet for a minute; packets that came before it was there are sent too', async () => {
  const { clock, open, sent, told, datagrams, say } = world()
  datagrams.take(Buffer.from('1'), { address: '192.0.2.1', port: 7 })
  await say(7, '2')
  expect(sent).toEqual(['1>10.0.0.1 1', '1>10.0.0.1 2'])
  await clock.advance(50_000)
  open.get(1)!(Buffer.from('answer'), { address: '10.0.0.1', port: 53 })
  await clock.advance(50_000)
  expect(open.size).toBe(1)
  await clock.advance(30_000)
  expect(open.size).toBe(0)
  expect(told).toEqual(['7 answer'])
  await say(7, '3')
  expect(sent.at(-1)).toBe('2>10.0.0.1 3')
  datagrams.close()
  expect(open.size).toBe(0)
})

test('nobody answers in the place of the endpoint', async () => {
  const { open, told, say } = world()
  await say(7, '1')
  open.get(1)!(Buffer.from('evil'), { address: '10.0.0.2', port: 53 })
  open.get(1)!(Buffer.from('evil'), { address: '10.0.0.1', port: 54 })
  expect(told).toEqual([])
})

test('beyond 4,096 clients the one that was quiet for longest is forgotten', async () => {
  const { open, sent, say } = world()
  for (let port = 1; port <= 4_096; port++) await say(port, 'a')
  await say(1, 'b')
  await say(5_000, 'c')
  expect([open.size, open.has(1), open.has(2)]).toEqual([4_096, true, false])
  await say(2, 'd')
  expect(sent.at(-1)).toBe('4098>10.0.0.1 d')
})
