import { describe, expect, test } from 'vitest'
import { type Uplink, uplinkIn } from '../../base/uplink.ts'
import type { Node } from '../../models/kinds/index.ts'
import { failures, pathScript, strayEntries, wantedPaths } from './kernel-paths.ts'
import { type Encapsulation, planPaths, tunnelMac } from './plan-paths.ts'

const node = (name: string, podCIDRs: string[], ...ips: string[]): Node =>
  ({
    metadata: { name },
    spec: { podCIDR: podCIDRs[0], podCIDRs },
    status: { addresses: ips.map(address => ({ type: 'InternalIP', address })) },
  }) as any

const uplink: Uplink = { name: 'eth0', ip: '10.0.0.1', mtu: 1500, onLink: ['10.0.0.1/24'] }
const nodes = [
  node('own', ['10.244.0.0/24', 'fd00:0:0:0::/64'], '10.0.0.1'),
  node('near', ['10.244.1.0/24', 'fd00:0:0:1::/64'], '10.0.0.2'),
  node('far', ['10.244.2.0/24'], '10.9.0.2'),
  node('new', [], '10.0.0.4'),
  node('without-address', ['10.244.3.0/24']),
]
const plan = (encapsulation: Encapsulation, some: { uplink?: Uplink | undefined } = { uplink }) =>
  planPaths({ nodes, nodeName: 'own', uplink: some.uplink, encapsulation })

const near = { podCidr: '10.244.1.0/24', via: '10.0.0.2' }
const behind = (nodeIp: string, mac: string) => ({ tunnel: { nodeIp, mac } })
const nearTunnel = behind('10.0.0.2', '0e:f1:0a:00:00:02')
const farTunnel = { podCidr: '10.244.2.0/24', via: '10.244.2.0', ...behind('10.9.0.2', '0e:f1:0a:09:00:02') }
const nearWide = { podCidr: 'fd00:0:0:1::/64', via: 'fd00:0:0:1::', ...nearTunnel }

describe('paths to pods of other nodes', () => {
  test('on one network are routes; across, and where the node has no address of the family, the tunnel', () => {
    expect(plan('vxlan-cross-subnet')).toEqual([near, farTunnel, nearWide])
  })

  test('are all through the tunnel, or all routes, if it is said so', () => {
    expect(plan('vxlan')).toEqual([{ ...near, via: '10.244.1.0', ...nearTunnel }, farTunnel, nearWide])
    expect(plan('none')).toEqual([near, { podCidr: '10.244.2.0/24', via: '10.9.0.2' }])
  })

  test('are routes where the address of this node is on no interface', () => {
    expect(plan('vxlan', {})).toEqual(plan('none'))
  })

  test('of IPv6 have a tunnel of their own kind', () => {
    expect(tunnelMac('fd01::2')).toMatch(/^0e:f2(:[0-9a-f]{2}){4}$/)
    expect(tunnelMac('fd01::2')).not.toBe(tunnelMac('fd01::3'))
  })
})

describe('the kernel', () => {
  const nothing = wantedPaths([])
  const both = wantedPaths([near, farTunnel])

  test('hears of neighbours before the routes that need them', () => {
    expect(pathScript(nothing, both)).toEqual({
      ip: [
        'neigh replace 10.244.2.0 lladdr 0e:f1:0a:09:00:02 dev optiflow-vxlan nud permanent',
        'route replace 10.244.1.0/24 via 10.0.0.2 proto 142',
        'route replace 10.244.2.0/24 via 10.244.2.0 dev optiflow-vxlan onlink proto 142',
      ],
      bridge: ['fdb replace 0e:f1:0a:09:00:02 dst 10.9.0.2 dev optiflow-vxlan self permanent'],
    })
    expect(pathScript(both, both)).toEqual({ ip: [], bridge: [] })
  })

  test('forgets a node that is gone, and only replaces what changed', () => {
    expect(pathScript(both, wantedPaths([near]))).toEqual({
      ip: ['route del 10.244.2.0/24 proto 142', 'neigh del 10.244.2.0 dev optiflow-vxlan'],
      bridge: ['fdb del 0e:f1:0a:09:00:02 dev optiflow-vxlan self'],
    })
    expect(pathScript(both, wantedPaths([{ ...near, via: '10.0.0.9' }, farTunnel]))).toEqual({
      ip: ['route replace 10.244.1.0/24 via 10.0.0.9 proto 142'],
      bridge: [],
    })
  })

  test('knows nodes in vain that no route leads to', () => {
    expect(strayEntries(both)).toEqual(nothing)
    expect(strayEntries({ ...both, routes: wantedPaths([near]).routes })).toEqual({ ...both, routes: new Set() })
  })

  test('says which lines of a batch failed', () => {
    const stderr = 'Error: Nexthop has invalid gateway.\nCommand failed -:2\n'
    expect(failures(['one', 'two', 'three'], stderr)).toEqual([
      { line: 'two', error: 'Error: Nexthop has invalid gateway.' },
    ])
  })
})

test('the uplink is the interface with the address of the node, unless that is the loopback', () => {
  const info = (local: string, prefixlen: number, scope = 'global') => ({ local, prefixlen, scope })
  const links = [
    { ifname: 'lo', mtu: 65536, flags: ['LOOPBACK'], addr_info: [info('127.0.0.1', 8, 'host')] },
    {
      ifname: 'eth0',
      mtu: 9000,
      flags: ['UP'],
      addr_info: [info('10.0.0.1', 24), info('fd01::1', 64), info('fe80::1', 64, 'link')],
    },
  ]
  const found = { name: 'eth0', ip: '10.0.0.1', mtu: 9000, onLink: ['10.0.0.1/24', 'fd01::1/64'] }
  expect(uplinkIn(links, '10.0.0.1')).toEqual(found)
  expect(uplinkIn(links, '127.0.0.1')).toBeUndefined()
  expect(uplinkIn(links, '203.0.113.7')).toBeUndefined()
})
