import { expect, test } from 'vitest'
import type { Disk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { settle, VirtualClock } from '../base/virtual-clock.ts'
import type { EventRecorder, InformerHandler, InformerSet } from '../client/index.ts'
import type { Service } from '../models/kinds/index.ts'
import { entrancesOf, TakenPorts } from './taken-ports.ts'

const service = (name: string, spec: object, ip?: string) =>
  ({
    metadata: { namespace: 'default', name, uid: `uid-${name}` },
    spec: { type: 'NodePort', ...spec },
    ...(ip ? { status: { loadBalancer: { ingress: [{ ip }] } } } : {}),
  }) as unknown as Service

/** 0.0.0.0:30080 and 10.0.0.5:80 by nginx, if it runs. */
function machine() {
  const state = { runs: true, reads: 0 }
  const line = (local: string) => `0: ${local} 00000000:0000 0A 0:0 00:0 0 0 0 11`
  const disk = {
    async readText(path: string) {
      if (path === '/proc/812/comm') return 'nginx\n'
      if (path !== '/proc/self/net/tcp') throw new Error(path)
      state.reads++
      return ['head', ...(state.runs ? [line('00000000:7580'), line('0500000A:0050')] : [])].join('\n')
    },
    list: async (path: string) => (path === '/proc' ? [{ name: '812' }] : [{ name: '3' }]),
    readlink: async () => 'socket:[11]',
  } as unknown as Disk
  return { state, disk }
}

function node(services: Service[]) {
  const clock = new VirtualClock()
  const told: string[] = []
  const handlers: InformerHandler<Service>[] = []
  const { disk, state } = machine()
  const informer = {
    list: () => services,
    subscribe(handler: InformerHandler<Service>) {
      handlers.push(handler)
      for (const one of services) handler.added?.(one)
      return () => {}
    },
  }
  const events = {
    warning: ({ metadata }: Service, reason: string, message: string) =>
      void told.push(`${metadata.name} ${reason}: ${message}`),
  } as unknown as EventRecorder
  const ports = new TakenPorts({
    ...{ nodeName: 'n1', nodeIps: ['10.0.0.5'], events, disk, clock, log: silentLogger },
    informers: { for: () => informer } as unknown as InformerSet,
  })
  const pass = async (ms: number) => {
    await clock.advance(ms)
    await settle()
  }
  return { told, pass, state, handlers, ports }
}

const what = (program: string) =>
  `PortInUse: on node n1 ${program} is also listened at by nginx (process 812): who connects from elsewhere reaches the Service, not that program. Give the Service another port, or end the program`

test('a Service on a port where a program of the machine listens is told so once, by the program’s name', async () => {
  const web = service('web', { ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }] })
  const other = service('other', { ports: [{ port: 80, nodePort: 30081, protocol: 'TCP' }] })
  const front = service('front', { type: 'LoadBalancer', ports: [{ port: 80 }] }, '10.0.0.5')
  const { told, pass, state } = node([web, other, front])
  await pass(1_000)
  const all = [`web ${what('nodePort 30080/TCP')}`, `front ${what('load balancer port 80/TCP')}`]
  expect(told).toEqual(all)
  // For all of them together.
  expect(state.reads).toBe(1)
  await pass(600_000)
  expect(told).toEqual(all)
  // It goes and comes again: that is news.
  state.runs = false
  await pass(300_000)
  state.runs = true
  await pass(300_000)
  expect(told).toEqual([...all, ...all])
})

test('a Service that gets such a port later is told then', async () => {
  const before = service('web', { type: 'ClusterIP', ports: [{ port: 80 }] })
  const services = [before]
  const { told, pass, handlers, ports } = node(services)
  await pass(2_000)
  expect(told).toEqual([])
  services[0] = service('web', { ports: [{ port: 80, nodePort: 30080 }] })
  handlers[0]!.updated?.(services[0], before)
  await pass(1_000)
  expect(told).toEqual([`web ${what('nodePort 30080/TCP')}`])
  await ports[Symbol.asyncDispose]()
})

test('only ports at which others reach this node count', () => {
  const ports = [{ port: 80, nodePort: 30080, protocol: 'UDP' }]
  expect(entrancesOf(service('a', { ports, externalIPs: ['10.0.0.5', '10.0.0.6'] }, '10.0.0.7'), ['10.0.0.5'])).toEqual(
    [
      { what: 'nodePort', protocol: 'UDP', port: 30080, address: '' },
      { what: 'port of externalIPs', protocol: 'UDP', port: 80, address: '10.0.0.5' },
    ],
  )
  expect(entrancesOf(service('b', { type: 'ClusterIP', ports: [{ port: 80 }] }), ['10.0.0.5'])).toEqual([])
})
