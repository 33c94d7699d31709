import { expect, test } from 'vitest'
import type { HttpAnswer, ListenHttp } from '../base/http-listener.ts'
import { silentLogger } from '../base/logger.ts'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { checkedServices, HealthCheckPorts } from './health-check-ports.ts'

const service = (more: object = {}) =>
  ({
    metadata: { namespace: 'default', name: 'web' },
    spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000, ...more },
  }) as unknown as Service
const slice = (...endpoints: object[]) =>
  ({
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    endpoints,
  }) as unknown as EndpointSlice
const here = { addresses: ['10.244.0.5'], nodeName: 'n1', conditions: { ready: true } }
const elsewhere = { addresses: ['10.244.1.5'], nodeName: 'n2' }
const ending = {
  addresses: ['10.244.0.6'],
  nodeName: 'n1',
  conditions: { ready: false, serving: true, terminating: true },
}

test('Services with a health check port are told with the ready endpoints of this node', () => {
  const of = (asked: Service) => checkedServices([asked], [slice(here, elsewhere, ending)], 'n1')
  expect([...of(service())]).toEqual([[31_000, { namespace: 'default', name: 'web', localEndpoints: 1 }]])
  expect(of(service({ externalTrafficPolicy: 'Cluster' })).size).toBe(0)
  expect(of(service({ type: 'NodePort' })).size).toBe(0)
})

test('slices are walked once, however many Services are checked', () => {
  let walks = 0
  const slices = new Proxy([slice(here)], {
    get(target, property) {
      if (property === Symbol.iterator) walks++
      return Reflect.get(target, property)
    },
  })
  const services = Array.from({ length: 50 }, (_, i) => service({ healthCheckNodePort: 31_000 + i }))
  expect(checkedServices(services, slices, 'n1').size).toBe(50)
  expect(walks).toBe(1)
})

test('a port answers 200 while there is an endpoint, 503 when there is none, and is closed when it is not wanted', async () => {
  const open = new Map<number, () => Promise<HttpAnswer>>()
  const listen: ListenHttp = async (_host, port, answer) => {
    open.set(port, () => answer({} as any))
    return { port, close: async () => void open.delete(port) }
  }
  const ports = new HealthCheckPorts(listen, silentLogger)
  const web = { namespace: 'default', name: 'web' }
  await ports.follow(new Map([[31_000, { ...web, localEndpoints: 2 }]]))
  const { status, headers, body } = await open.get(31_000)!()
  expect(status).toBe(200)
  expect(headers!['x-load-balancing-endpoint-weight']).toBe('2')
  expect(JSON.parse(String(body))).toEqual({ service: web, localEndpoints: 2, serviceProxyHealthy: true })
  await ports.follow(new Map([[31_000, { ...web, localEndpoints: 0 }]]))
  expect((await open.get(31_000)!()).status).toBe(503)
  await ports.follow(new Map())
  expect(open.size).toBe(0)
})
