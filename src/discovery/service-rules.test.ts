import { expect, test } from 'vitest'
import { difference, wholeTable } from '../base/nft-table.ts'
import type { EndpointSlice, Service } from '../models/kinds/index.ts'
import { emptyRules, type RuleSet } from './rule-set.ts'
import { planServiceRules } from './service-rules.ts'
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
/** All endpoints that anybody is led to. */
const ends = ({ targets }: RuleSet) => [...new Set([...targets.values()].flatMap(map => [...map.values()]))].sort()

test('a Service spreads over its ready endpoints, by cluster IP and by node port', () => {
  const rules = plan(web(), slice(b, a, { addresses: ['10.244.0.9'], conditions: { ready: false } }))
  expect(ends(rules)).toEqual(['10.244.0.5 . 8080', '10.244.1.5 . 8080'])
  expect(rules.targets).toEqual(
    new Map([
      [
        'to-tcp',
        new Map([
          ['10.96.0.7 . 80 . 0', '10.244.0.5 . 8080'],
          ['10.96.0.7 . 80 . 1', '10.244.1.5 . 8080'],
        ]),
      ],
      [
        'port-to-tcp',
        new Map([
          ['30080 . 0', '10.244.0.5 . 8080'],
          ['30080 . 1', '10.244.1.5 . 8080'],
        ]),
      ],
    ]),
  )
  expect([...rules.clusterIps.keys()]).toEqual(['10.96.0.7 . tcp . 80'])
  expect([...rules.nodePorts.keys()]).toEqual(['tcp . 30080'])
  expect(rules.withoutEndpoints.size).toBe(0)
})

test('leading zeros of addresses are decimal: the kernel, which would read them as octal, never sees them', () => {
  const zeros = { addresses: ['010.244.0.011'], nodeName: 'n1', conditions: { ready: true } }
  const rules = plan(web({ clusterIP: '10.96.0.011', externalIPs: ['192.0.2.010'] }), slice(zeros))
  expect(ends(rules)).toEqual(['10.244.0.11 . 8080'])
  expect([...rules.clusterIps.keys()]).toEqual(['10.96.0.11 . tcp . 80', '192.0.2.10 . tcp . 80'])
})

test('a Service that is labelled as another proxy’s is left to it', () => {
  for (const label of ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']) {
    const service = web()
    service.metadata.labels = { [label]: '' }
    expect(plan(service, slice(a))).toEqual(emptyRules())
  }
})

test('without a ready endpoint connections are refused, unless one still serves while it ends', () => {
  expect(plan(web()).withoutEndpoints).toEqual(new Set(['10.96.0.7 . tcp . 80']))
  const ending = { ...a, conditions: { ready: false, serving: true, terminating: true } }
  expect(ends(plan(web(), slice(ending)))).toEqual(['10.244.0.5 . 8080'])
})

test('traffic policy Local keeps to this node, and then keeps the source address', () => {
  const rules = plan(web({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }), slice(a, b))
  expect(follow(rules, rules.clusterIps.get('10.96.0.7 . tcp . 80')!, '10.96.0.7 . 80')).toEqual(['10.244.0.5 . 8080'])
  const outside = entrance(rules)
  expect(follow(rules, outside.at(-1)!, '30080')).toEqual(['10.244.0.5 . 8080'])
  expect(outside.at(-1)).not.toContain('mark set')
})

/** The rules of the chain for node ports. */
const entrance = (rules: RuleSet) =>
  (rules.shared.get(rules.nodePorts.get('tcp . 30080')!.replace('goto ', '')) ?? []) as string[]

/** The endpoints to which a rule leads in the end who calls by `key`: those that its lots may fall on. */
function follow(rules: RuleSet, rule: string, key: string): string[] {
  const lot = /mod (\d+) map @([\w-]+)/.exec(rule)
  const drawn = lot
    ? Array.from({ length: Number(lot[1]) }, (_, i) => rules.targets.get(lot[2]!)?.get(`${key} . ${i}`) ?? [])
    : []
  const next = [...rule.matchAll(/goto ([\w-]+)/g)].flatMap(([, chain]) => rules.shared.get(chain!) ?? [])
  return [...new Set([...drawn.flat(), ...next.flatMap(one => follow(rules, one, key))])].sort()
}

test('with policy Local pods and the node itself reach every endpoint by outside addresses', () => {
  const service = web({ externalTrafficPolicy: 'Local' })
  const input = { services: [service], slices: [slice(a, b)], nodeName: 'n3', podCidrs: ['10.244.0.0/16'] }
  const rules = planServiceRules(input)
  const [fromPods, fromHere, others] = entrance(rules)
  const all = ['10.244.0.5 . 8080', '10.244.1.5 . 8080']
  expect(fromPods).toMatch(/^ip saddr 10\.244\.0\.0\/16 goto /)
  expect(follow(rules, fromPods!, '30080')).toEqual(all)
  expect(fromHere).toMatch(/^fib saddr type local meta mark set .* goto /)
  expect(follow(rules, fromHere!, '30080')).toEqual(all)
  expect(others).toBe('drop')
})

test('where policy Local finds nobody here, callers are dropped, not told that the Service is gone', () => {
  const rules = plan(web({ internalTrafficPolicy: 'Local' }), slice(b))
  expect(rules.clusterIps.get('10.96.0.7 . tcp . 80')).toBe('drop')
  expect(rules.withoutEndpoints.size).toBe(0)
})

test('an endpoint of this node that ends still answers under policy Local, though others are ready elsewhere', () => {
  const ending = { ...a, conditions: { ready: false, serving: true, terminating: true } }
  const rules = plan(web({ externalTrafficPolicy: 'Local' }), slice(ending, b))
  expect(follow(rules, entrance(rules).at(-1)!, '30080')).toEqual(['10.244.0.5 . 8080'])
  expect(follow(rules, rules.clusterIps.get('10.96.0.7 . tcp . 80')!, '10.96.0.7 . 80')).toEqual(['10.244.1.5 . 8080'])
})

test('endpoints that are meant for zones are used by the nodes there, if every one says so', () => {
  const meant = (endpoint: object, name: string) => ({ ...endpoint, hints: { forZones: [{ name }] } })
  const of = (zone: string | undefined, ...endpoints: object[]) =>
    ends(planServiceRules({ services: [web()], slices: [slice(...endpoints)], nodeName: 'n1', zone })).length
  expect(of('z1', meant(a, 'z1'), meant(b, 'z2'))).toBe(1)
  expect(of('z3', meant(a, 'z1'), meant(b, 'z2'))).toBe(2)
  expect(of(undefined, meant(a, 'z1'), meant(b, 'z2'))).toBe(2)
  expect(of('z1', meant(a, 'z1'), b)).toBe(2)
})

test('the addresses of a load balancer are open to the source ranges of its Service alone', () => {
  const service = {
    ...web({ type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24', ' 198.51.100.7/32'] }),
    status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } },
  } as Service
  const rules = plan(service, slice(a))
  const chain = rules.clusterIps.get('203.0.113.1 . tcp . 80')!.replace('goto ', '')
  expect(rules.chains.get(chain)).toEqual([
    expect.stringMatching(/^ip saddr 192\.0\.2\.0\/24 goto ext-1$/),
    expect.stringMatching(/^ip saddr 198\.51\.100\.7\/32 goto ext-1$/),
    'drop',
  ])
  expect(rules.nodePorts.get('tcp . 30080')).toBe('goto port-ext-1')
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
  expect(script).toContain('10.244.1.5 . 8080')
  expect(script).not.toContain('10.96.0.8')
  expect(change('t', after, after)).toBe('')
})

test('ClientIP affinity remembers each client per endpoint for its time', () => {
  const rules = plan(
    web({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }),
    slice(a, b),
  )
  expect([...rules.sets.values()]).toEqual(Array(2).fill('flags dynamic,timeout; timeout 60s;'))
  expect(rules.targets.size).toBe(0)
  const led = [...rules.chains.values()].flat().filter(rule => rule.includes('dnat'))
  expect(led).toEqual(['meta l4proto tcp dnat to 10.244.0.5:8080', 'meta l4proto tcp dnat to 10.244.1.5:8080'])
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
    const [first, ...more] = rules.shared.get(chains[0]!)!
    return first!.startsWith('fib saddr type local') ? more.join() : first
  }
  expect(of({})).toContain('mark set')
  expect(of({ externalTrafficPolicy: 'Local' })).toBe('goto here-1')
})

test('each family has rules of its own, for its own addresses', () => {
  const both = web({ ipFamilies: ['IPv4', 'IPv6'], clusterIPs: ['10.96.0.7', 'fd00:96::7'] })
  const wide = { ...slice({ ...a, addresses: ['fd00:244::5'] }), addressType: 'IPv6' } as EndpointSlice
  const input = {
    services: [both],
    slices: [slice(a), wide],
    nodeName: 'n1',
    podCidrs: ['10.244.0.0/16', 'fd00:244::/56'],
  }
  const rules = planServiceRules({ ...input, family: 'ip6' })
  expect([...rules.clusterIps.keys()]).toEqual(['fd00:96::7 . tcp . 80'])
  expect(ends(rules)).toEqual(['fd00:244::5 . 8080'])
  expect([...rules.nodePorts.keys()]).toEqual(['tcp . 30080'])
  expect(ends(planServiceRules(input))).toEqual(['10.244.0.5 . 8080'])
  const text = wholeTable('t', serviceTableOf(rules, 'ip6'), 'ip6').join('\n')
  expect(text).not.toMatch(/\bip (saddr|daddr|t)\b|ipv4_addr/)
  expect([...planServiceRules({ ...input, slices: [slice(a)], family: 'ip6' }).withoutEndpoints]).toEqual([
    'fd00:96::7 . tcp . 80',
  ])
})

test('only who may be on this node is looked for among those that call themselves', () => {
  expect([...plan(web(), slice(a, b)).hairpins]).toEqual(['10.244.0.5 . 10.244.0.5'])
  const anywhere = { addresses: ['10.244.9.9'], conditions: { ready: true } }
  expect([...plan(web(), slice(anywhere)).hairpins]).toEqual(['10.244.9.9 . 10.244.9.9'])
})

test('a load balancer’s port is led on where the status tells it, so that a port of others stays theirs', () => {
  const balanced = (ports?: object[]): Service => ({
    ...web({ type: 'LoadBalancer', ports: [80, 81, 82].map(port => ({ name: `p${port}`, port, protocol: 'TCP' })) }),
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP', ...(ports ? { ports } : {}) }] } } as never,
  })
  const of = (service: Service) => {
    const ports = [80, 81, 82].map(port => ({ name: `p${port}`, port: 8080, protocol: 'TCP' }))
    const rules = plan(service, { ...slice(a), ports } as EndpointSlice)
    return [...rules.clusterIps.keys()].filter(key => key.startsWith('192.0.2.1 ')).sort()
  }
  expect(of(balanced())).toEqual(['192.0.2.1 . tcp . 80', '192.0.2.1 . tcp . 81', '192.0.2.1 . tcp . 82'])
  const told = [
    { port: 81, protocol: 'TCP' },
    { port: 80, protocol: 'TCP', error: 'optiflow.dev/PortTaken' },
  ]
  expect(of(balanced(told))).toEqual(['192.0.2.1 . tcp . 81'])
})
