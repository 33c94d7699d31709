import { expect, it } from 'vitest'
import { formatCidr, overlaps, parseCidr } from './cidr.ts'
import { firstFree, nodeIpamReconciler } from './node-ipam.ts'

it.each([
  ['10.244.0.0/16', 24, [], '10.244.0.0/24'],
  ['10.244.0.0/16', 24, ['10.244.0.0/24', '10.244.1.0/24', '10.244.3.0/24'], '10.244.2.0/24'],
  ['10.0.0.0/23', 24, ['10.0.0.0/24', '10.0.1.0/24'], undefined],
  ['10.0.0.0/22', 24, ['10.0.0.0/25', '10.0.1.128/26'], '10.0.2.0/24'],
  ['fd00:10:244::/56', 64, ['fd00:10:244::/64'], 'fd00:10:244:1::/64'],
])('the first free part of %s /%i beside %j is %s', (whole, prefix, taken, expected) => {
  expect(firstFree(parseCidr(whole)!, prefix, taken)).toBe(expected)
})

it('ranges are read and written as people do', () => {
  for (const text of ['10.0.0.0/8', 'fd00::/48', '2001:db8:0:1::/64', '::/0', '2001:db8:0:0:1::/80'])
    expect(formatCidr(parseCidr(text)!)).toBe(text)
  for (const text of ['10.0.0.0', '10.0.0/8', '300.0.0.0/8', '10.0.0.0/33', 'a::b::/64', 'fd00:/48', 'x/8'])
    expect(parseCidr(text)).toBeUndefined()
  expect(formatCidr(parseCidr('10.1.2.3/16')!)).toBe('10.1.0.0/16')
  expect(overlaps(parseCidr('10.0.0.0/8')!, parseCidr('10.200.0.0/16')!)).toBe(true)
  expect(overlaps(parseCidr('10.0.0.0/16')!, parseCidr('10.1.0.0/16')!)).toBe(false)
})

it('a range that cannot work is refused with what to do', () => {
  expect(() => nodeIpamReconciler({ clusterCidrs: ['10.0.0.0'] })).toThrow('write one such as')
  expect(() => nodeIpamReconciler({ clusterCidrs: ['10.0.0.0/26'] })).toThrow('does not fit')
})
