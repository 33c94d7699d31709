import { expect, test } from 'vitest'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { answerFromZone, type ZoneSource } from './dns-zone.ts'

const meta = (name: string, labels = {}) => ({ name, namespace: 'default', uid: name, resourceVersion: '1', labels })
const service = (name: string, spec: object): Service =>
  ({ apiVersion: 'v1', kind: 'Service', metadata: meta(name), spec }) as Service

const services = [
  service('web', {
    clusterIP: '10.96.0.7',
    clusterIPs: ['10.96.0.7'],
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  }),
  service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'sql', port: 5432 }] }),
  service('both', { clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8', 'fd00:96::8'], ports: [{ port: 80 }] }),
  service('wide', { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'sql', port: 5432 }] }),
  service('out', { type: 'ExternalName', externalName: 'example.com.' }),
]
const slice = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: meta('db-x', { 'kubernetes.io/service-name': 'db' }),
  addressType: 'IPv4',
  ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.244.0.5'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.0.6'], conditions: { ready: true } },
    { addresses: ['10.244.0.9'], conditions: { ready: false } },
  ],
} as EndpointSlice

const wide = {
  ...slice,
  addressType: 'IPv6',
  endpoints: [{ addresses: ['fd00:244::5'], conditions: { ready: true } }],
} as EndpointSlice

const source: ZoneSource = {
  service: (namespace, name) => services.find(s => namespace === 'default' && s.metadata.name === name),
  slices: (_, name) => (name === 'db' ? [slice] : name === 'wide' ? [wide] : []),
  namespaceExists: name => name === 'default',
  serviceByIp: ip => services.find(s => s.spec.clusterIPs?.includes(ip)),
}
const ask = (name: string, type = 'A') => {
  const found = answerFromZone(source, 'cluster.local', name, type)
  return found.kind === 'records' ? found.records.map(r => r.data) : found.kind
}
const srv = (target: string, port: number) => ({ target, port, priority: 0, weight: 100 })

test.each([
  ['web.default.svc.cluster.local', 'A', ['10.96.0.7']],
  ['web.default.svc.cluster.local', 'AAAA', []],
  ['both.default.svc.cluster.local', 'A', ['10.96.0.8']],
  ['both.default.svc.cluster.local', 'AAAA', ['fd00:96::8']],
  ['wide.default.svc.cluster.local', 'AAAA', ['fd00:244::5']],
  ['fd00-244--5.wide.default.svc.cluster.local', 'AAAA', ['fd00:244::5']],
  ['fd00-244--5.default.pod.cluster.local', 'AAAA', ['fd00:244::5']],
  [`8.${'0.'.repeat(23)}6.9.0.0.0.0.d.f.ip6.arpa`, 'PTR', ['both.default.svc.cluster.local']],
  [`9.${'0.'.repeat(23)}6.9.0.0.0.0.d.f.ip6.arpa`, 'PTR', 'elsewhere'],
  ['_http._tcp.web.default.svc.cluster.local', 'SRV', [srv('web.default.svc.cluster.local', 80)]],
  ['_grpc._tcp.web.default.svc.cluster.local', 'SRV', 'nxdomain'],
  ['db.default.svc.cluster.local', 'A', ['10.244.0.5', '10.244.0.6']],
  ['db-0.db.default.svc.cluster.local', 'A', ['10.244.0.5']],
  ['10-244-0-6.db.default.svc.cluster.local', 'A', ['10.244.0.6']],
  ['db-9.db.default.svc.cluster.local', 'A', 'nxdomain'],
  [
    '_sql._tcp.db.default.svc.cluster.local',
    'SRV',
    [srv('db-0.db.default.svc.cluster.local', 5432), srv('10-244-0-6.db.default.svc.cluster.local', 5432)],
  ],
  ['out.default.svc.cluster.local', 'A', ['example.com']],
  ['10-244-0-5.default.pod.cluster.local', 'A', ['10.244.0.5']],
  ['nobody.default.svc.cluster.local', 'A', 'nxdomain'],
  ['web.elsewhere.svc.cluster.local', 'A', 'nxdomain'],
  ['default.svc.cluster.local', 'A', []],
  ['7.0.96.10.in-addr.arpa', 'PTR', ['web.default.svc.cluster.local']],
  ['1.1.1.1.in-addr.arpa', 'PTR', 'elsewhere'],
  ['example.com', 'A', 'elsewhere'],
  ['notcluster.local', 'A', 'elsewhere'],
])('%s %s', (name, type, expected) => {
  expect(ask(name, type)).toEqual(expected)
})
