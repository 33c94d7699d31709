import { describe, expect, test } from 'vitest'
import { poolCondition } from '../../models/address-pool.ts'
import type { EndpointSlice, Node, Service } from '../../models/kinds/index.ts'
import { parsePool } from './pool.ts'
import { addressAnnotation, announcerOf, planAnnouncements, planPool } from './pool-plan.ts'

let born = 0
function service(name: string, more: { spec?: object; ips?: string[]; annotations?: object } = {}): Service {
  const { spec, ips = [], annotations = {} } = more
  return {
    metadata: {
      ...{ name, namespace: 'd', annotations },
      creationTimestamp: new Date(1e12 + born++ * 1000).toISOString(),
    },
    spec: { type: 'LoadBalancer', ipFamilies: ['IPv4'], ports: [{ port: 80 }], ...spec },
    status: {
      loadBalancer: { ingress: ips.map(ip => ({ ip })) },
      conditions: ips.length ? [{ type: poolCondition, status: 'True' }] : [],
    },
  } as any
}

const pool = parsePool('192.0.2.10-192.0.2.11,fd00::10/127')
const plan = (...services: Service[]) =>
  Object.fromEntries([...planPool(services, pool)].map(([name, p]) => [name, 'problem' in p ? p.problem : p.addresses]))

describe('addresses of the pool', () => {
  test('are blocks and ranges, and nothing else', () => {
    expect(
      ['192.0.2.9', '192.0.2.10', '192.0.2.11', '192.0.2.12', 'fd00::11', 'fd00:0::11', 'x'].map(pool.contains),
    ).toEqual([false, true, true, false, true, true, false])
    for (const text of ['', '192.0.2.9-192.0.2.1', '10.0.0.0/8', 'lan'])
      expect(() => parsePool(text), text).toThrow(RangeError)
  })

  test('are given in order, kept while they are had, and one of each family', () => {
    expect(plan(service('a'), service('b', { ips: ['192.0.2.10'] }), service('c'))).toEqual({
      'd/a': ['192.0.2.11'],
      'd/b': ['192.0.2.10'],
      'd/c': 'no address of the pool is free',
    })
    expect(plan(service('both', { spec: { ipFamilies: ['IPv6', 'IPv4'] } }))).toEqual({
      'd/both': ['fd00::10', '192.0.2.10'],
    })
  })

  test('are those that a Service asks for; of two that want one the older has it', () => {
    const wants = (name: string, ip: string) => service(name, { spec: { loadBalancerIP: ip } })
    expect(plan(wants('a', '192.0.2.11'), wants('b', '192.0.2.11'), wants('c', '10.0.0.1'), service('d'))).toEqual({
      'd/a': ['192.0.2.11'],
      'd/b': "192.0.2.11 is service d/a's",
      'd/c': '10.0.0.1 is not in the address pool',
      'd/d': ['192.0.2.10'],
    })
    const annotated = service('e', { annotations: { [addressAnnotation]: '192.0.2.10, fd00:0::11' } })
    expect(plan(annotated)).toEqual({ 'd/e': ['192.0.2.10', 'fd00::11'] })
    expect(plan(wants('old', '192.0.2.10'), service('held', { ips: ['192.0.2.10'] }))['d/held']).toEqual(['192.0.2.11'])
  })

  test('of Services of another class are not ours', () => {
    expect(plan(service('x', { spec: { loadBalancerClass: 'metallb' } }))).toEqual({})
  })
})

describe('who announces an address', () => {
  const node = (name: string, ready = true): Node =>
    ({
      metadata: { name },
      status: {
        addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }],
      },
    }) as any
  const slice = (nodeName: string) => ({ endpoints: [{ nodeName }] }) as unknown as EndpointSlice
  const names = ['a', 'b', 'c']
  const by = (services: Service[], nodes: Node[], on = 'a') =>
    names.filter(nodeName => planAnnouncements({ services, nodes, slices: () => [slice(on)], nodeName }).length > 0)
  const web = service('web', { ips: ['192.0.2.10'] })

  test('is one ready node, and another one when that is gone', () => {
    const [first, ...more] = by(
      [web],
      names.map(n => node(n)),
    )
    expect(more).toEqual([])
    const [second, ...others] = by(
      [web],
      names.map(n => node(n, n !== first)),
    )
    expect([second !== undefined && second !== first, others]).toEqual([true, []])
    expect(
      by(
        [web],
        names.map(n => node(n, false)),
      ),
    ).toEqual([])
  })

  test('with traffic policy Local it has an endpoint', () => {
    const local = service('web', { spec: { externalTrafficPolicy: 'Local' }, ips: ['192.0.2.10'] })
    for (const name of names)
      expect(
        by(
          [local],
          names.map(n => node(n)),
          name,
        ),
      ).toEqual([name])
  })

  test('is nobody where the address is of another program', () => {
    expect(by([{ ...web, status: { loadBalancer: web.status!.loadBalancer! } } as Service], [node('a')])).toEqual([])
  })

  test('moves no other address when a node comes', () => {
    const ips = Array.from({ length: 50 }, (_, i) => `192.0.2.${i}`)
    const moved = ips.filter(ip => announcerOf(ip, ['a', 'b']) !== announcerOf(ip, names))
    expect(moved.every(ip => announcerOf(ip, names) === 'c')).toBe(true)
    expect(new Set(ips.map(ip => announcerOf(ip, names)))).toEqual(new Set(names))
  })
})
