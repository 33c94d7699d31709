import { describe, expect, test } from 'vitest'
import type { CalicoObject } from './calico-kind.ts'
import type { IpPool as Pool } from './ip-pool.ts'
import { IpPool } from './ip-pool.ts'

const pool = (spec: Partial<Pool>, name = 'new'): CalicoObject<Pool> => ({ metadata: { name }, spec: spec as Pool })
const others = [pool({ cidr: '10.244.0.0/16' }, 'first'), pool({ cidr: 'fd00::/48' }, 'six')]
const faults = (spec: Partial<Pool>) => IpPool.check!(pool(spec), others)

describe('a pool', () => {
  test.each([
    [{ cidr: '10.245.0.0/16' }],
    [{ cidr: '10.245.0.0/26', vxlanMode: 'CrossSubnet' }],
    [{ cidr: 'fd01::/64', vxlanMode: 'Always', blockSize: 122 }],
    [{ cidr: '0.0.0.0/5', blockSize: 20 }],
  ] as Partial<Pool>[][])('that keeps the rules is taken: %o', spec => {
    expect(faults(spec!)).toEqual([])
  })

  test.each([
    [{}, 'spec.cidr: undefined is not a network such as 10.244.0.0/16'],
    [{ cidr: '10.245.0.0' }, 'spec.cidr: "10.245.0.0" is not a network such as 10.244.0.0/16'],
    [{ cidr: '10.245.0.1/16' }, 'spec.cidr: 10.245.0.1/16 has bits set behind its mask'],
    [{ cidr: '10.245.0.0/27' }, 'spec.cidr: 10.245.0.0/27 is smaller than one block of /26'],
    [{ cidr: '10.245.0.0/16', blockSize: 19 }, 'spec.blockSize: 19 is not between 20 and 32'],
    [{ cidr: 'fd01::/64', blockSize: 64 }, 'spec.blockSize: 64 is not between 116 and 128'],
    [{ cidr: '169.254.8.0/22' }, 'spec.cidr: 169.254.8.0/22 overlaps the link-local network 169.254.0.0/16'],
    [
      { cidr: '10.245.0.0/16', ipipMode: 'Always', vxlanMode: 'CrossSubnet' },
      'spec.vxlanMode: only one of ipipMode and vxlanMode may be on',
    ],
    [{ cidr: 'fd01::/64', ipipMode: 'Always' }, 'spec.ipipMode: IPv6 cannot go through IPIP'],
    [{ cidr: '10.244.128.0/17' }, 'spec.cidr: 10.244.128.0/17 overlaps pool first, 10.244.0.0/16'],
    [{ cidr: '10.0.0.0/8' }, 'spec.cidr: 10.0.0.0/8 overlaps pool first, 10.244.0.0/16'],
    [{ cidr: 'fd00:0:0:1::/64' }, 'spec.cidr: fd00:0:0:1::/64 overlaps pool six, fd00::/48'],
  ] as [Partial<Pool>, string][])('is refused with the reason: %o', (spec, reason) => {
    expect(faults(spec)).toEqual([reason])
  })

  test('does not overlap itself when it is changed', () => {
    expect(IpPool.check!(pool({ cidr: '10.244.0.0/16' }, 'first'), others)).toEqual([])
  })
})
