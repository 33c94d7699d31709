import { describe, expect, it } from 'vitest'
import { CgroupKernel } from '../testing/cgroup-kernel.ts'
import { Hierarchy } from './hierarchy.ts'
import { enforceReserved, type ReservedGroup, reservedFiles } from './reserved-groups.ts'

const system: ReservedGroup = {
  of: 'system',
  group: '/system.slice',
  amounts: { cpu: '500m', memory: '1Gi', pid: '1000', 'ephemeral-storage': '1Gi' },
  compressibleOnly: false,
}

const text = (reserved: ReservedGroup, version: 1 | 2) =>
  reservedFiles(reserved, version).map(({ name, value }) => `${name}=${value}`)

describe('the group of what is reserved', () => {
  it('gets what is reserved for it, and nothing else is bounded', () => {
    expect(text(system, 1)).toEqual(['cpu.shares=512', `memory.limit_in_bytes=${2 ** 30}`, 'pids.max=1000'])
    expect(text(system, 2)).toEqual(['cpu.weight=20', `memory.max=${2 ** 30}`, 'pids.max=1000'])
    expect(text({ ...system, amounts: { memory: '1Gi' } }, 2)).toEqual([`memory.max=${2 ** 30}`])
  })

  it('has its share of the processors only, where only that is to be enforced', () => {
    expect(text({ ...system, compressibleOnly: true }, 2)).toEqual(['cpu.weight=20'])
  })

  it.each(['v1', 'mixed', 'v2'] as const)('is written and told of in layout %s', async layout => {
    const kernel = new CgroupKernel(layout)
    const tree = { v1: 'memory/', mixed: 'memory/', v2: '' }[layout]
    for (const each of [...kernel.groups]) kernel.groups.add(`${each}/system.slice`)
    const hierarchy = await Hierarchy.find(kernel.disk)
    await hierarchy.make('/system.slice')
    const kube: ReservedGroup = { ...system, of: 'kube', group: '/kube.slice', compressibleOnly: true }
    expect(await enforceReserved(hierarchy, [kube, system])).toEqual([
      {
        reason: 'FailedNodeAllocatableEnforcement',
        message:
          'Failed to enforce Kube Reserved Compressible Cgroup Limits on "/kube.slice": there is no such control group; make it, or leave kube-reserved out of --enforce-node-allocatable',
      },
      { reason: 'NodeAllocatableEnforced', message: 'Updated limits on system reserved cgroup /system.slice' },
    ])
    const file = layout === 'v2' ? 'memory.max' : 'memory.limit_in_bytes'
    expect(kernel.written[`${tree}system.slice/${file}`]).toBe(String(2 ** 30))
  })

  it('that the kernel refuses is told with file and value', async () => {
    const kernel = new CgroupKernel('v2')
    const hierarchy = await Hierarchy.find(kernel.disk)
    await hierarchy.make('/system.slice')
    kernel.refused.add(String(2 ** 30))
    const [told] = await enforceReserved(hierarchy, [system])
    expect(told).toEqual({
      reason: 'FailedNodeAllocatableEnforcement',
      message: expect.stringContaining(`cannot set memory.max of control group /system.slice to ${2 ** 30}`),
    })
  })
})
