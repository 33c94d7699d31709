import { expect, test } from 'vitest'
import { addressAt, canonicalIP, cidrContains, isCIDR, isIP, masked, plainAddress } from './ip.ts'

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

test('leading zeros mean nothing: never octal', () => {
  const zeros = ['10.96.0.011', '010.0000.08.1', '::ffff:010.1.2.03', '2001:0db8::0123', '0.0.0.0', '00.0.0.0']
  expect(zeros.map(isIP)).toEqual(zeros.map(() => true))
  expect(zeros.map(plainAddress)).toEqual([
    ...['10.96.0.11', '10.0.8.1', '::ffff:10.1.2.3'],
    ...['2001:0db8::123', '0.0.0.0', '0.0.0.0'],
  ])
  expect(zeros.map(ip => canonicalIP(ip) === canonicalIP(plainAddress(ip)))).toEqual(zeros.map(() => true))
  expect(['010.0.0.0/08', '10.0.0.0/33', 'fd00::/0064'].map(isCIDR)).toEqual([true, false, true])
  expect(['010.0.0.0/08', 'fd00::/0064'].map(plainAddress)).toEqual(['10.0.0.0/8', 'fd00::/64'])
  expect(['1.2.3.0400', '1.2.3', '1.2.3.4.5', '1.2.3.x', '1.2.3.-1', '1.2.3.'].map(isIP)).toEqual(Array(6).fill(false))
})
