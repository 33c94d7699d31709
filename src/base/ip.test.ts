import { expect, test } from 'vitest'
import { addressAt, canonicalIP, cidrContains, masked } from './ip.ts'

test.each([
  ['10.0.0.0/8', '10.255.1.2', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['0.0.0.0/0', '255.255.255.255', true],
  ['10.1.2.3/32', '10.1.2.3', true],
  ['fd00::/64', 'fd00::1:2', true],
  ['fd00::/64', 'fd00:0:0:1::', false],
  ['::ffff:10.0.0.0/104', '::ffff:10.9.9.9', true],
  ['::/0', '10.0.0.1', false],
])('%s contains %s: %s', (cidr, address, inside) => expect(cidrContains(cidr, address)).toBe(inside))

test('addresses are counted, cut and written in the one way that there is', () => {
  expect([addressAt('fd00::/112', 1), addressAt('10.1.0.0/16', 258), addressAt('100:0:0:1::/64', 0)]).toEqual([
    'fd00::1',
    '10.1.1.2',
    '100:0:0:1::',
  ])
  expect([masked('10.1.0.9/16'), masked('FD00::9:1/112')]).toEqual(['10.1.0.0/16', 'fd00::9:0/112'])
  expect(['FD00:0::1', '::', '1::', '::1', '2001:db8:0:1:1:1:1:1'].map(canonicalIP)).toEqual([
    'fd00::1',
    '::',
    '1::',
    '::1',
    '2001:db8:0:1:1:1:1:1',
  ])
})
