import { describe, expect, it } from 'vitest'
import { CgroupKernel } from '../testing/cgroup-kernel.ts'
import { readBounds } from './bounds.ts'
import { filesOf, type GroupLimits } from './group-limits.ts'
import { Hierarchy } from './hierarchy.ts'

describe.each(['v1', 'v2', 'mixed'] as const)('in layout %s', layout => {
  it.each<GroupLimits>([
    { cpuShares: 2 },
    { cpuShares: 102, cpuQuotaMicros: 5_000, memoryBytes: 64 << 20 },
    { cpuShares: 262_144, memoryBytes: 1 },
  ])('what a group was bound to is what the kernel says: %o', async limits => {
    const kernel = new CgroupKernel(layout)
    const hierarchy = await Hierarchy.find(kernel.disk)
    await hierarchy.make('/a')
    await hierarchy.write('/a', filesOf(limits, hierarchy.version))
    const found = await readBounds(hierarchy, '/a')
    // Version 2 has fewer weights than version 1 has shares.
    expect({ ...found, cpuShares: 0 }).toEqual({ ...limits, cpuShares: 0 })
    expect(Math.abs(found!.cpuShares - limits.cpuShares)).toBeLessThanOrEqual(hierarchy.version === 2 ? 27 : 0)
  })

  it('nothing is known of a group that is not there', async () => {
    expect(await readBounds(await Hierarchy.find(new CgroupKernel(layout).disk), '/gone')).toBeUndefined()
  })
})
