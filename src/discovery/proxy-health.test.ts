import { expect, test } from 'vitest'
import type { HttpQuestion, ListenHttp } from '../base/http-listener.ts'
import { silentLogger } from '../base/logger.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { ProxyHealth } from './proxy-health.ts'

function setUp(taken: number[] = []) {
  const open = new Map<number, Parameters<ListenHttp>[2]>()
  const listen: ListenHttp = async (_host, port, answer) => {
    if (taken.includes(port)) throw new Error('address in use')
    open.set(port, answer)
    return { port, close: async () => void open.delete(port) }
  }
  const said: unknown[] = []
  const log = { ...silentLogger, warn: (_: object, message: string) => void said.push(message) }
  const health = new ProxyHealth(listen, new VirtualClock(), log)
  const ask = async (port: number, path: string) => open.get(port)!({ path } as HttpQuestion)
  return { health, ask, open, said }
}

test('a node is healthy once its rules are in the kernel', async () => {
  const { health, ask, open } = setUp()
  expect((await ask(10_256, '/healthz')).status).toBe(503)
  health.updated()
  const { status, body } = await ask(10_256, '/healthz')
  expect([status, JSON.parse(String(body))]).toMatchObject([
    200,
    { lastUpdated: expect.any(String), nodeEligible: true },
  ])
  expect(await ask(10_249, '/proxyMode')).toMatchObject({ status: 200, body: 'nftables' })
  expect((await ask(10_249, '/configz')).status).toBe(404)
  await health[Symbol.asyncDispose]()
  expect(open.size).toBe(0)
})

test('a port that somebody else has is said, and nothing else suffers', async () => {
  const { health, ask, said } = setUp([10_256])
  expect((await ask(10_249, '/proxyMode')).status).toBe(200)
  await health[Symbol.asyncDispose]()
  expect(said).toEqual(["the service proxy's health is not served"])
})
