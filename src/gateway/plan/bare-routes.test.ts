import { expect, test } from 'vitest'
import type { EndpointSlice, Service } from '../../models/kinds/index.ts'
import { haproxyEngine } from '../haproxy/gaps.ts'
import type { Gateway, TCPRoute, UDPRoute } from '../kinds/index.ts'
import { placeOfPort } from '../port-space.ts'
import { attach } from './attachments.ts'
import { embeddedEngine } from './engine.ts'
import { tableOf } from './table.ts'

const gateway = (listeners: object[]) =>
  ({ metadata: { namespace: 'default', name: 'g', creationTimestamp: '1' }, spec: { listeners } }) as unknown as Gateway
const route = (name: string, sectionName: string, port = 53) => ({
  metadata: { namespace: 'default', name, creationTimestamp: `2 ${name}` },
  spec: { parentRefs: [{ name: 'g', sectionName }], rules: [{ backendRefs: [{ name: 'dns', port }] }] },
})
const dns = {
  metadata: { namespace: 'default', name: 'dns' },
  spec: {
    ports: [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
    ],
  },
} as unknown as Service
const slice = {
  addressType: 'IPv4',
  ports: [
    { name: 'tcp', port: 5301, protocol: 'TCP' },
    { name: 'udp', port: 5302, protocol: 'UDP' },
  ],
  endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }],
} as unknown as EndpointSlice

const planned = (listeners: object[], tcp: object[], udp: object[], more: object = {}) =>
  attach({
    gateways: [gateway(listeners)],
    ...{ tcpRoutes: tcp as TCPRoute[], udpRoutes: udp as UDPRoute[], httpRoutes: [], grpcRoutes: [], tlsRoutes: [] },
    ...{ grants: [], policies: { planned: [], of: () => undefined }, engine: embeddedEngine },
    ...{ namespace: () => undefined, portTaken: () => undefined, secret: () => undefined },
    ...{ service: () => dns, slices: () => [slice] },
    ...more,
  })
const noIngresses = { hosts: new Map(), certificates: new Map(), fallback: undefined }

test('TCP and UDP are served at the same number, each by its own routes and the port of its protocol', () => {
  const attached = planned(
    [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
      { name: 'web', port: 53, protocol: 'HTTP' },
    ],
    [route('first', 'tcp'), route('second', 'tcp'), route('wrong', 'udp')],
    [route('names', 'udp'), route('gone', 'udp', 54)],
  )
  expect(
    attached.listeners.map(l => [l.listener.name, l.conflict?.message, l.supportedKinds.map(k => k.kind)]),
  ).toEqual([
    ['tcp', undefined, ['TCPRoute']],
    ['udp', undefined, ['UDPRoute']],
    ['web', 'port 53 is served for TCP by listener g/tcp', ['HTTPRoute', 'GRPCRoute']],
  ])
  expect(
    attached.routes.map(r => [r.route.metadata.name, r.parents[0]?.refused?.reason, r.unresolved?.message]),
  ).toEqual([
    ['first', undefined, undefined],
    ['second', undefined, undefined],
    ['wrong', 'NotAllowedByListeners', undefined],
    ['gone', undefined, 'service "dns" has no UDP port 54'],
    ['names', undefined, undefined],
  ])
  const { ports } = tableOf(
    noIngresses,
    planned(
      attached.listeners.map(l => l.listener),
      [route('first', 'tcp'), route('second', 'tcp')],
      [route('names', 'udp')],
    ),
    false,
  )
  const led = (protocol: string) => {
    const to = ports.get(placeOfPort(53, protocol))?.asItIs?.to
    return [to?.route, to?.backends[0]?.backend.endpoints]
  }
  expect(led('TCP')).toEqual(['TCPRoute default/first', [{ ip: '10.0.0.1', port: 5301 }]])
  expect(led('UDP')).toEqual(['UDPRoute default/names', [{ ip: '10.0.0.1', port: 5302 }]])
  expect(ports.get(53)?.hosts.size).toBe(0)
})

test('a listener without a route has its port all the same; one that the engine does not serve says so', () => {
  const listeners = ['TCP', 'UDP', 'SCTP'].map(protocol => ({ name: protocol.toLowerCase(), port: 9000, protocol }))
  const served = planned(listeners, [], [])
  expect(served.listeners.map(l => l.refused?.message)).toEqual([
    undefined,
    undefined,
    'protocol SCTP is not served; HTTP, HTTPS, TLS, TCP, UDP are',
  ])
  expect([...tableOf(noIngresses, served, false).ports].map(([place, { asItIs }]) => [place, asItIs])).toEqual([
    [9000, {}],
    [placeOfPort(9000, 'UDP'), {}],
  ])
  const haproxy = planned(listeners, [], [], { engine: haproxyEngine })
  expect(haproxy.listeners.map(l => l.refused?.message)[1]).toBe('this engine does not serve UDP')
  expect(haproxy.listeners[0]!.refused).toBeUndefined()
})

test('a port that a Service has of the nodes for UDP is not had for it, and TCP is another matter', () => {
  const listeners = ['TCP', 'UDP'].map(protocol => ({ name: protocol, port: 53, protocol }))
  const taken = (place: number) => (place === placeOfPort(53, 'UDP') ? 'the node port of Service a/b' : undefined)
  const attached = planned(listeners, [], [], { portTaken: taken })
  expect(attached.listeners.map(l => l.refused?.message)).toEqual([
    undefined,
    'port 53 belongs to the node port of Service a/b',
  ])
})
