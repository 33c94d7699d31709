import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { listenWeb } from '../base/web-server.ts'
import type { Pod, Service } from '../models/kinds/index.ts'
import { EmbeddedPlane } from './embedded.ts'
import { missingPorts, portsOfServices } from './plan/held-ports.ts'
import { tableOf } from './plan/table.ts'
import { emptyTable, type RoutingTable } from './routing-table.ts'

const nothing = { hosts: new Map(), certificates: new Map(), fallback: undefined }
const noRoutes = { listeners: [], routes: [] }

test('nobody is served at ports that nothing asks for; an Ingress asks for both, proofs of an authority for 80', () => {
  const fallback = { route: 'Ingress default/web', backends: [] }
  const ports = (...given: Parameters<typeof tableOf>) => [...tableOf(...given).ports.keys()]
  expect(ports(nothing, noRoutes, false)).toEqual([])
  expect(ports(nothing, noRoutes, true)).toEqual([80])
  expect(ports({ ...nothing, fallback }, noRoutes, false)).toEqual([80, 443])
  expect(ports({ ...nothing, hosts: new Map([['a.test', []]]) }, noRoutes, false)).toEqual([80, 443])
})

test('a port is had while it is wanted; one that another program has is told, and had once that has gone', async () => {
  const other = http.createServer((_, response) => response.end('somebody else'))
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  await using plane = new EmbeddedPlane({
    ...{ clock: systemClock, random: systemRandom, net: systemNet, log: silentLogger },
    ...{ listen: listenWeb, ownCertificate: { cert: '', key: '' } },
  })
  const wanted: RoutingTable = {
    ports: new Map([[80, { secure: false, hosts: new Map(), certificates: new Map() }]]),
  }
  const serve = async (table: RoutingTable) => {
    await plane.serve(table, new Map())
    return { real: plane.realPort(80), missing: [...plane.missing] }
  }
  const had = () =>
    systemNet.request(`http://127.0.0.1:${port}/`).then(
      ({ status }) => status,
      error => error.code,
    )

  await plane.open({ plain: { host: '127.0.0.1', port }, held: false })
  expect(await serve(emptyTable)).toEqual({ real: undefined, missing: [] })
  expect(await serve(wanted)).toEqual({ real: undefined, missing: [[80, 'EADDRINUSE']] })
  other.close()
  await once(other, 'close')
  expect(await serve(wanted)).toEqual({ real: port, missing: [] })
  expect(await had()).toBe(404)
  expect(await serve(emptyTable)).toEqual({ real: undefined, missing: [] })
  expect(await had()).toBe('ECONNREFUSED')
})

test('a Service has the ports that its status tells, not those that it merely asks for', () => {
  const balanced = (ports?: object[]) =>
    ({
      metadata: { namespace: 'default', name: 'web' },
      spec: { type: 'LoadBalancer', ports: [80, 81].map(port => ({ port, protocol: 'TCP' })) },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ...(ports ? { ports } : {}) }] } },
    }) as unknown as Service
  const held = (service: Service) => [...portsOfServices([service], true).keys()]
  expect(held(balanced())).toEqual([80, 81])
  expect(held(balanced([{ port: 81, protocol: 'TCP' }]))).toEqual([81])
  const refused = { port: 80, protocol: 'TCP', error: 'optiflow.dev/PortTaken' }
  expect(held(balanced([{ port: 81, protocol: 'TCP' }, refused]))).toEqual([81])
})

test('whose a port is: a pod’s host port comes before us, one on the host’s network only if it was first', () => {
  const pod = (name: string, port: object, spec: object = {}, phase = 'Running') =>
    ({
      metadata: { namespace: 'default', name },
      spec: { containers: [{ ports: [port] }], ...spec },
      status: { phase },
    }) as unknown as Pod
  const pods = [
    pod('ended', { hostPort: 80 }, {}, 'Succeeded'),
    pod('dns', { hostPort: 80, protocol: 'UDP' }),
    pod('inside', { hostPort: 80, hostIP: '127.0.0.1' }),
    pod('host', { hostPort: 80 }, { hostNetwork: true }),
    pod('mapped', { hostPort: 443 }),
    pod('not-asked', { hostPort: 8080 }),
  ]
  const taken = (port: number) => (port === 8090 ? 'the load balancer of Service default/web' : undefined)
  const found = (asked: number[], missing: [number, string][]) => [
    ...missingPorts({ asked, missing: new Map(missing), pods, taken }),
  ]
  expect(found([80, 443, 8090], [])).toEqual([
    [443, 'the host port of Pod default/mapped'],
    [8090, 'the load balancer of Service default/web'],
  ])
  expect(
    found(
      [80, 8088, 9],
      [
        [80, 'EADDRINUSE'],
        [8088, 'EADDRINUSE'],
        [9, 'EACCES'],
      ],
    ),
  ).toEqual([
    [80, 'the host port of Pod default/host'],
    [8088, 'another program of the machine (`ss -ltnp` says which)'],
    [9, 'root, as whom the gateway does not run'],
  ])
})
