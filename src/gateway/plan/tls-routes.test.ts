import { expect, test } from 'vitest'
import type { Service } from '../../models/kinds/index.ts'
import type { Gateway, TLSRoute } from '../kinds/index.ts'
import { passthroughOf } from '../routing-table.ts'
import { attach } from './attachments.ts'
import { embeddedEngine } from './engine.ts'
import { tableOf } from './table.ts'

const passed = { protocol: 'TLS', tls: { mode: 'Passthrough' } }
const listeners = [
  { name: 'pass', port: 8443, ...passed },
  { name: 'same', port: 8443, protocol: 'HTTPS', hostname: 'b.test', tls: { certificateRefs: [] } },
  { name: 'clash', port: 8443, ...passed, hostname: 'b.test' },
  { name: 'ended', port: 8444, protocol: 'TLS', tls: { mode: 'Terminate' } },
]
const gateway = { metadata: { namespace: 'default', name: 'g', creationTimestamp: '1' }, spec: { listeners } }
const route = (name: string, hostnames: string[], sectionName: string) => ({
  metadata: { namespace: 'default', name, creationTimestamp: `2 ${sectionName}` },
  spec: { parentRefs: [{ name: 'g', sectionName }], hostnames, rules: [{ backendRefs: [{ name: 'web', port: 443 }] }] },
})

test('a TLSRoute is served where a listener passes TLS through, and not where it is ended', () => {
  const attached = attach({
    gateways: [gateway as unknown as Gateway],
    tlsRoutes: [route('r', ['a.test', '*.c.test'], 'pass'), route('no', ['b.test'], 'same')] as unknown as TLSRoute[],
    ...{
      httpRoutes: [],
      grpcRoutes: [],
      tcpRoutes: [],
      udpRoutes: [],
      grants: [],
      policies: { planned: [], of: () => undefined },
    },
    ...{ namespace: () => undefined, portTaken: () => undefined, secret: () => undefined, slices: () => [] },
    engine: embeddedEngine,
    service: () => ({ metadata: { name: 'web' }, spec: { ports: [{ port: 443 }] } }) as unknown as Service,
  })
  expect(attached.listeners.map(l => [l.listener.name, l.refused?.reason ?? l.conflict?.reason])).toEqual([
    ['pass', undefined],
    ['same', undefined],
    ['clash', 'HostnameConflict'],
    ['ended', 'UnsupportedValue'],
  ])
  expect(attached.listeners.map(l => l.supportedKinds.map(k => k.kind))).toEqual([
    ['TLSRoute'],
    ['HTTPRoute', 'GRPCRoute'],
    ['TLSRoute'],
    [],
  ])
  expect(attached.routes.map(r => r.parents[0]?.refused?.reason)).toEqual([undefined, 'NotAllowedByListeners'])
  const table = tableOf({ hosts: new Map(), certificates: new Map(), fallback: undefined }, attached, false)
  const found = (name: string) => passthroughOf(table.ports.get(8443), name)?.backends[0]?.backend.name
  expect(['a.test', 'x.c.test', 'c.test'].map(found)).toEqual(['default/web:443', 'default/web:443', undefined])
})
