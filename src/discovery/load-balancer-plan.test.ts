import { describe, expect, test } from 'vitest'
import type { EndpointSlice, Node, Service } from '../models/kinds/index.ts'
import { planLoadBalancers } from './load-balancer-plan.ts'

const node = (name: string, address: string, more: { ready?: boolean; labels?: object } = {}): Node =>
  ({
    metadata: { name, labels: more.labels ?? {} },
    status: {
      addresses: [{ type: 'InternalIP', address }],
      conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
    },
  }) as any

let born = 0
const service = (name: string, spec: object = {}): Service =>
  ({
    metadata: { name, namespace: 'default', creationTimestamp: new Date(1e12 + born++ * 1000).toISOString() },
    spec: { type: 'LoadBalancer', ports: [{ port: 8080, protocol: 'TCP' }], ...spec },
  }) as any

const nodes = [node('a', '10.0.0.1'), node('b', '10.0.0.2'), node('down', '10.0.0.3', { ready: false })]

function plan(services: Service[], some: Partial<Parameters<typeof planLoadBalancers>[0]> = {}) {
  return Object.fromEntries(planLoadBalancers({ services, nodes, slices: () => [], reserved: new Map(), ...some }))
}

describe('addresses of Services of type LoadBalancer', () => {
  test('are those of all ready nodes that are not left out', () => {
    const out = node('out', '10.0.0.4', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } })
    expect(plan([service('web')], { nodes: [...nodes, out] })).toEqual({
      'default/web': { addresses: ['10.0.0.1', '10.0.0.2'] },
    })
  })

  test('with traffic policy Local only those with a ready endpoint', () => {
    const slice = { endpoints: [{ nodeName: 'b' }, { nodeName: 'a', conditions: { ready: false } }] }
    const web = service('web', { externalTrafficPolicy: 'Local' })
    expect(plan([web], { slices: () => [slice as unknown as EndpointSlice] })['default/web']).toEqual({
      addresses: ['10.0.0.2'],
    })
    expect(plan([web])['default/web']).toMatchObject({ addresses: [], problem: 'no ready node has an endpoint of it' })
  })

  test('a port belongs to the older Service, and to whom it is reserved', () => {
    const first = service('first')
    const second = service('second')
    const udp = service('udp', { ports: [{ port: 8080, protocol: 'UDP' }] })
    const web = service('web', { ports: [{ port: 443 }] })
    expect(plan([web, udp, second, first], { reserved: new Map([['tcp/443', 'the gateway']]) })).toMatchObject({
      'default/first': { addresses: ['10.0.0.1', '10.0.0.2'] },
      'default/second': { addresses: [], problem: 'port tcp/8080 of the nodes is taken by service default/first' },
      'default/udp': { addresses: ['10.0.0.1', '10.0.0.2'] },
      'default/web': { addresses: [], problem: 'port tcp/443 of the nodes is taken by the gateway' },
    })
  })

  test('a port that the gateway wants now is given to nobody anew, and stays whose it is', () => {
    const isAsked = (port: number, protocol: string) => port === 80 && protocol === 'TCP'
    const ports = [{ port: 80 }]
    const had = { ...service('had', { ports }), status: { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } } } as Service
    expect(plan([had], { isAsked })['default/had']).toEqual({ addresses: ['10.0.0.1', '10.0.0.2'] })
    expect(plan([service('new', { ports })], { isAsked })['default/new']).toEqual({
      addresses: [],
      problem: 'port tcp/80 of the nodes is taken by the gateway',
    })
    const udp = service('udp', { ports: [{ port: 80, protocol: 'UDP' }] })
    expect(plan([udp], { isAsked })['default/udp']!.addresses).toHaveLength(2)
    const byUdp = (port: number, protocol: string) => port === 80 && protocol === 'UDP'
    expect(plan([udp], { isAsked: byUdp })['default/udp']!.addresses).toHaveLength(0)
  })

  test('who has a port keeps it: one that a Service adds later is refused alone, whoever else has it', () => {
    const told = (...ports: number[]) => ({
      loadBalancer: { ingress: [{ ip: '10.0.0.1', ports: ports.map(port => ({ port, protocol: 'TCP' })) }] },
    })
    const older = { ...service('older', { ports: [{ port: 8080 }, { port: 80 }, { port: 443 }] }), status: told(8080) }
    const younger = { ...service('younger', { ports: [{ port: 443 }] }), status: told(443) }
    const some = plan([older as Service, younger as Service], { isAsked: port => port === 80 })
    expect(some).toEqual({
      'default/older': {
        addresses: ['10.0.0.1', '10.0.0.2'],
        refused: [
          { port: 'tcp/80', holder: 'the gateway' },
          { port: 'tcp/443', holder: 'service default/younger' },
        ],
      },
      'default/younger': { addresses: ['10.0.0.1', '10.0.0.2'] },
    })
    const moved = { ...service('moved', { ports: [{ port: 80 }] }), status: told(8080) } as Service
    expect(plan([moved], { isAsked: port => port === 80 })['default/moved']).toMatchObject({ addresses: [] })
  })

  test('Services of other types or of a class of their own are not ours', () => {
    expect(plan([service('x', { type: 'NodePort' }), service('y', { loadBalancerClass: 'metallb' })])).toEqual({})
  })
})
