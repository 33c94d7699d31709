import { expect, test } from 'vitest'
import { cidrContains } from './ip.ts'

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
