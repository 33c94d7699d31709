import { describe, expect, test } from 'vitest'
import type { ServiceSpec } from '../../models/types/core-v1.ts'
import { type Family, settleFamilies } from './service-families.ts'
import { contains, parseAddressRange, parseAddressRanges } from './service-ranges.ts'

const dual: Family[] = ['IPv4', 'IPv6']
const single: Family[] = ['IPv4']
const backed = { type: 'ClusterIP', selector: { app: 'web' } }

/** Policy and families after it, or what was wrong. */
function settle(configured: Family[], spec: object, old?: object) {
  const next = structuredClone({ ...backed, ...spec }) as ServiceSpec
  const errors = settleFamilies(next, old && ({ ...backed, ...old } as ServiceSpec), configured)
  return errors.length
    ? errors.map(e => `${e.field}: ${e.message.replace(/^.*[\]}]: |^[^:]*: "[^"]*": /, '')}`)
    : [next.ipFamilyPolicy, next.ipFamilies]
}

describe('the families of a Service', () => {
  test.each([
    [single, {}, ['SingleStack', ['IPv4']]],
    [dual, {}, ['SingleStack', ['IPv4']]],
    [dual, { ipFamilies: ['IPv6'] }, ['SingleStack', ['IPv6']]],
    [dual, { clusterIPs: ['fd00::7'] }, ['SingleStack', ['IPv6']]],
    [single, { ipFamilyPolicy: 'PreferDualStack' }, ['PreferDualStack', ['IPv4']]],
    [dual, { ipFamilyPolicy: 'PreferDualStack' }, ['PreferDualStack', dual]],
    [dual, { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, ['RequireDualStack', ['IPv6', 'IPv4']]],
    [dual, { ipFamilyPolicy: 'PreferDualStack', clusterIPs: ['fd00::7'] }, ['PreferDualStack', ['IPv6', 'IPv4']]],
    [single, { clusterIP: 'None', clusterIPs: ['None'] }, ['SingleStack', ['IPv4']]],
    [single, { clusterIPs: ['None'], selector: {} }, ['RequireDualStack', dual]],
    [single, { clusterIPs: ['None'], selector: {}, ipFamilyPolicy: 'SingleStack' }, ['SingleStack', ['IPv4']]],
  ])('of the cluster %s, said %j, are %j', (configured, spec, expected) => {
    expect(settle(configured, spec)).toEqual(expected)
  })

  test.each([
    [
      single,
      { ipFamilyPolicy: 'RequireDualStack' },
      ['spec.ipFamilyPolicy: this cluster is not configured for dual-stack services'],
    ],
    [single, { ipFamilies: ['IPv6'] }, ['spec.ipFamilies[0]: not configured on this cluster']],
    [single, { clusterIPs: ['fd00::7'] }, ['spec.clusterIPs[0]: IPv6 is not configured on this cluster']],
    [
      dual,
      { ipFamilies: dual, clusterIPs: ['10.0.0.1', 'fd00::7'] },
      ['cluster IPs', 'IP families'].map(
        what =>
          `spec.ipFamilyPolicy: must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
      ),
    ],
  ])('of the cluster %s cannot be %j', (configured, spec, expected) => {
    expect(settle(configured, spec)).toEqual(expected)
  })

  const one = { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'], clusterIPs: ['10.0.0.1'] }
  const both = { ipFamilyPolicy: 'RequireDualStack', ipFamilies: dual, clusterIPs: ['10.0.0.1', 'fd00::7'] }

  test('become two and one again when the policy says so, and never by themselves', () => {
    expect(settle(dual, { ...one, ipFamilyPolicy: 'PreferDualStack' }, one)).toEqual(['PreferDualStack', dual])
    expect(settle(dual, { ...both, ipFamilyPolicy: 'SingleStack' }, both)).toEqual(['SingleStack', ['IPv4']])
    expect(settle(dual, { ...both, clusterIPs: ['10.0.0.1'] }, both)).toEqual([
      "spec.ipFamilyPolicy: must be 'SingleStack' to release the secondary cluster IP",
    ])
    const preferring = { ...one, ipFamilyPolicy: 'PreferDualStack' }
    expect(settle(dual, preferring, preferring)).toEqual(['PreferDualStack', ['IPv4']])
  })
})

describe('ranges of cluster IPs', () => {
  test('leave out the network itself, and of IPv4 the last address', () => {
    const of = (cidr: string, ...ips: string[]) => ips.map(ip => contains(parseAddressRange(cidr), ip))
    expect(of('10.0.0.9/29', '10.0.0.8', '10.0.0.9', '10.0.0.15', '10.0.0.16')).toEqual([false, true, false, false])
    expect(of('fd00::/112', 'fd00::', 'fd00::1', 'fd00::ffff', 'fd00::1:0')).toEqual([false, true, true, false])
  })

  test('are one, or one of each family', () => {
    expect(parseAddressRanges('fd00:96::/112,10.96.0.0/16').map(r => r.family)).toEqual(['IPv6', 'IPv4'])
    expect(() => parseAddressRanges('10.0.0.0/16,10.1.0.0/16')).toThrow('one of each family')
    expect(() => parseAddressRanges('10.0.0.0/31')).toThrow('is not an address range')
  })
})
