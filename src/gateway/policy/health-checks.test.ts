import { expect, test } from 'vitest'
import { silentLogger } from '../../base/logger.ts'
import { type Net, systemNet } from '../../base/net.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { Balancer } from '../balancer.ts'
import type { Backend, RoutingTable } from '../routing-table.ts'
import { HealthChecks } from './health-checks.ts'
import type { HealthCheck } from './policy.ts'

const check: HealthCheck = {
  ...{ path: '/health', intervalMs: 1_000, timeoutMs: 500 },
  ...{ failureThreshold: 2, successThreshold: 2 },
}
const backend: Backend = { name: 'b', endpoints: ['10.0.0.1', '10.0.0.2'].map(ip => ({ ip, port: 80 })) }

function tableOf(healthCheck?: HealthCheck): RoutingTable {
  const policy = { guards: [], ...(healthCheck ? { healthCheck } : {}) }
  const action = { route: 'r', backends: [{ weight: 1, backend }], policy }
  const hosts = new Map([['', [{ match: { path: { type: 'Prefix' as const, path: '' } }, action }]]])
  return { ports: new Map([[80, { secure: false, hosts, certificates: new Map() }]]) }
}

test('an endpoint that fails its checks gets nothing until it is well; if none is well, all get some', async () => {
  const ill = new Set(['10.0.0.1'])
  const asked: string[] = []
  const net: Net = {
    ...systemNet,
    async request(url) {
      asked.push(url)
      return { status: ill.has(new URL(url).hostname) ? 500 : 200, headers: {}, body: Buffer.of() }
    },
  }
  const clock = new VirtualClock()
  const balancer = new Balancer(clock)
  using checks = new HealthChecks({ net, clock, log: silentLogger, balancer })
  const used = () => {
    const ips = Array.from({ length: 4 }, () => balancer.choose(backend, new Set(), { type: 'RoundRobin' })!.ip)
    return [...new Set(ips)].sort()
  }
  const both = ['10.0.0.1', '10.0.0.2']

  checks.follow(tableOf(check))
  await clock.advance(0)
  expect(asked.sort()).toEqual(both.map(ip => `http://${ip}:80/health`))
  expect(used()).toEqual(both)
  // The table is made anew at every change: what is known stays.
  checks.follow(tableOf(check))
  await clock.advance(1_000)
  expect(used()).toEqual(['10.0.0.2'])
  ill.add('10.0.0.2')
  await clock.advance(2_000)
  expect(used()).toEqual(both)
  ill.clear()
  await clock.advance(1_000)
  ill.add('10.0.0.1')
  await clock.advance(1_000)
  expect(used()).toEqual(['10.0.0.2'])
  checks.follow(tableOf())
  expect(used()).toEqual(both)
  const before = asked.length
  await clock.advance(5_000)
  expect(asked.length).toBe(before)
})
