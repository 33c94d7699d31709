import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Pod } from '../../../models/types/core-v1.ts'
import type { IpamBlock } from '../kinds/ipam-block.ts'
import { allocationsOf, findLeaks } from './leaks.ts'
import { withoutAddresses, withoutHandled } from './release.ts'
import { poolInUse, poolUsage } from './usage.ts'

const block = (more: Partial<IpamBlock> = {}): IpamBlock => ({
  cidr: '10.244.0.64/29',
  affinity: 'host:n1',
  strictAffinity: false,
  allocations: [0, null, 1, 1, null, null, null, 2],
  unallocated: [4, 5, 6, 1],
  attributes: [
    { handle_id: 'tunnel-n1', secondary: { node: 'n1', type: 'vxlanTunnelAddress' } },
    { handle_id: 'k8s.a', secondary: { node: 'n1', namespace: 'shop', pod: 'a' } },
    { handle_id: 'k8s.b', secondary: { node: 'n1', namespace: 'shop', pod: 'b' } },
  ],
  sequenceNumber: 9,
  sequenceNumberForAllocation: { 0: 1, 2: 5, 3: 6, 7: 8 },
  ...more,
})
const stored = (spec: IpamBlock) => ({ metadata: { name: 'block' }, spec })
const pod = (name: string, ip: string | undefined, phase = 'Running') =>
  ({
    metadata: { name, namespace: 'shop' },
    spec: { containers: [] },
    status: { phase, ...(ip ? { podIP: ip, podIPs: [{ ip }] } : {}) },
  }) as unknown as Pod
const leaked = (pods: Pod[], nodes = ['n1']) =>
  findLeaks([stored(block())], pods, new Set(nodes)).map(leak => [leak.address, leak.reason])

describe('leaked addresses', () => {
  test('are those whose pod is gone, has ended, or has another address', () => {
    expect(leaked([pod('a', '10.244.0.66'), pod('b', '10.244.0.71')])).toEqual([
      ['10.244.0.67', 'pod shop/a has 10.244.0.66'],
    ])
    expect(leaked([pod('a', '10.244.0.66', 'Failed')])).toEqual([
      ['10.244.0.66', 'pod shop/a has ended'],
      ['10.244.0.67', 'pod shop/a has ended'],
      ['10.244.0.71', 'pod shop/b is gone'],
    ])
  })

  test('are not those of a pod that has not written its address yet', () => {
    expect(leaked([pod('a', undefined), pod('b', undefined)])).toEqual([])
  })

  test('are those of tunnels whose node is gone', () => {
    expect(leaked([pod('a', undefined), pod('b', undefined)], ['n2'])).toEqual([
      ['10.244.0.64', 'node n1 is gone (its vxlanTunnelAddress)'],
    ])
  })

  test('are never those that do not say whose they are', () => {
    const silent = block({ attributes: [{ handle_id: 'x' }, {}, { secondary: {} }] })
    expect(findLeaks([stored(silent)], [], new Set())).toEqual([])
  })
})

describe('a released address', () => {
  test('is free again, and attributes that nobody uses are gone', () => {
    expect(withoutAddresses(block(), [2, 3, 1])).toEqual(
      block({
        allocations: [0, null, null, null, null, null, null, 1],
        unallocated: [4, 5, 6, 1, 2, 3],
        attributes: [block().attributes[0]!, block().attributes[2]!],
        sequenceNumber: 10,
        sequenceNumberForAllocation: { 0: 1, 7: 8 },
      }),
    )
  })

  test('whatever is released, the rest keeps its owner and every address is free or taken', () => {
    fc.assert(
      fc.property(fc.subarray([0, 1, 2, 3, 4, 5, 6, 7]), ordinals => {
        const after = withoutAddresses(block(), ordinals)
        const owners = (b: IpamBlock) => allocationsOf([stored(b)]).map(a => `${a.address} ${a.handle}`)
        const kept = allocationsOf([stored(block())]).filter(a => !ordinals.includes(a.ordinal))
        expect(owners(after)).toEqual(kept.map(a => `${a.address} ${a.handle}`))
        expect(after.unallocated.length + kept.length).toBe(8)
        expect(new Set(after.unallocated).size).toBe(after.unallocated.length)
      }),
    )
  })

  test('is taken from its handle, which goes with its last one', () => {
    const handle = { handleID: 'k8s.a', block: { '10.244.0.64/29': 2, '10.244.1.0/29': 1 } }
    expect(withoutHandled(handle, '10.244.0.64/29', 1)?.block['10.244.0.64/29']).toBe(1)
    expect(withoutHandled(handle, '10.244.0.64/29', 2)?.block).toEqual({ '10.244.1.0/29': 1 })
    expect(withoutHandled({ ...handle, block: { '10.244.0.64/29': 2 } }, '10.244.0.64/29', 2)).toBeUndefined()
  })
})

test('a pool is in use while one of its blocks has an address out', () => {
  const pool = { metadata: { name: 'p' }, spec: { cidr: '10.244.0.0/24' } }
  const other = { metadata: { name: 'o' }, spec: { cidr: '10.245.0.0/24' } }
  expect(poolInUse(pool, [stored(block())])).toBe('4 addresses of 10.244.0.0/24 are in use, on n1')
  expect(poolInUse(other, [stored(block())])).toBeUndefined()
  expect(poolInUse(pool, [stored(block({ allocations: Array(8).fill(null) }))])).toBeUndefined()
  expect(poolUsage([pool], [stored(block())])[0]).toMatchObject({ size: 256, used: 4 })
})
