import { expect, test } from 'vitest'
import { difference, wholeTable } from '../base/nft-table.ts'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { emptyRules, planServiceRules, type RuleSet } from './service-rules.ts'
import { serviceTableOf } from './service-table.ts'

const whole = (table: string, rules: RuleSet) => wholeTable(table, serviceTableOf(rules)).join('\n')
const change = (table: string, from: RuleSet, to: RuleSet) =>
  difference(table, serviceTableOf(from), serviceTableOf(to)).join('\n')

const web = (spec: object = {}): Service =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '1' },
    spec: {
      type: 'NodePort',
      clusterIP: '10.96.0.7',
      ports: [{ name: 'http', port: 80, nodePort: 30080, protocol: 'TCP' }],
      ...spec,
    },
  }) as Service

const slice = (...endpoints: object[]): EndpointSlice =>
  ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'web-1',
      namespace: 'default',
      uid: 's',
      resourceVersion: '1',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
  }) as EndpointSlice

const plan = (service: Service, ...slices: EndpointSlice[]) =>
  planServiceRules({ services: [service], slices, nodeName: 'n1' })
const a = { addresses: ['10.244.0.5'], nodeName: 'n1', conditions: { ready: true } }
const b = { addresses: ['10.244.1.5'], nodeName: 'n2', conditions: { ready: true } }
const dnats = (rules: ReturnType<typeof plan>) =>
  [...rules.chains.values()]
    .flat()
    .filter(r => r.includes('dnat'))
    .sort()

test('a Service spreads over its ready endpoints, by cluster IP and by node port', () => {
  const rules = plan(web(), slice(b, a, { addresses: ['10.244.0.9'], conditions: { ready: false } }))
  expect(dnats(rules)).toEqual(['meta l4proto tcp dnat to 10.244.0.5:8080', 'meta l4proto tcp dnat to 10.244.1.5:8080'])
  expect([...rules.clusterIps.keys()]).toEqual(['10.96.0.7 . tcp . 80'])
  expect([...rules.nodePorts.keys()]).toEqual(['tcp . 30080'])
  expect(rules.withoutEndpoints.size).toBe(0)
})

test('without a ready endpoint connections are refused, unless one still serves while it ends', () => {
  expect(plan(web()).withoutEndpoints).toEqual(new Set(['10.96.0.7 . tcp . 80']))
  const ending = { ...a, conditions: { ready: false, serving: true, terminating: true } }
  expect(dnats(plan(web(), slice(ending)))).toEqual(['meta l4proto tcp dnat to 10.244.0.5:8080'])
})

test('traffic policy Local keeps to this node, and then keeps the source address', () => {
  const rules = plan(web({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }), slice(a, b))
  expect(dnats(rules)).toEqual(['meta l4proto tcp dnat to 10.244.0.5:8080'])
  const ext = [...rules.chains].find(([name]) => name.startsWith('ext-'))?.[1]
  expect(ext?.some(rule => rule.includes('mark set'))).toBe(false)
})

test('a change of one Service says nothing about another', () => {
  const other = {
    ...web({ clusterIP: '10.96.0.8', ports: [{ name: 'http', port: 81, protocol: 'TCP' }] }),
    metadata: { ...web().metadata, name: 'other' },
  }
  const otherSlice = {
    ...slice(b),
    metadata: { ...slice().metadata, name: 'o', labels: { 'kubernetes.io/service-name': 'other' } },
  }
  const before = planServiceRules({ services: [web(), other], slices: [slice(a), otherSlice], nodeName: 'n1' })
  const after = planServiceRules({ services: [web(), other], slices: [slice(a, b), otherSlice], nodeName: 'n1' })
  const script = change('t', before, after)
  expect(script).toContain('10.244.1.5:8080')
  expect(script).not.toContain('10.96.0.8')
  expect(change('t', after, after)).toBe('')
})

test('ClientIP affinity remembers each client per endpoint for its time', () => {
  const rules = plan(
    web({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    slice(a, b),
  )
  expect([...rules.sets.values()]).toEqual(Array(2).fill('flags dynamic,timeout; timeout 60s;'))
  expect(whole('t', emptyRules())).toContain('add chain ip t services')
})

test('who comes by an external address gets the node as its peer, unless the policy is Local', () => {
  const external = { type: 'LoadBalancer', externalIPs: ['192.0.2.9'] }
  const of = (spec: object) => {
    const service = { ...web({ ...external, ...spec }), status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } }
    const rules = plan(service as Service, slice(a))
    const chains = ['192.0.2.9', '192.0.2.1'].map(ip => rules.clusterIps.get(`${ip} . tcp . 80`)!.replace('goto ', ''))
    expect(chains[0]).toBe(chains[1])
    expect(rules.clusterIps.get('10.96.0.7 . tcp . 80')).not.toBe(`goto ${chains[0]}`)
    return rules.chains.get(chains[0]!)![0]
  }
  expect(of({})).toContain('mark set')
  expect(of({ externalTrafficPolicy: 'Local' })).not.toContain('mark set')
})
