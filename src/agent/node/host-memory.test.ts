import { expect, it } from 'vitest'
import type { Disk } from '../../base/disk.ts'
import { readHostMemory } from './host-memory.ts'

const machine = { capacity: { memory: '8Gi', 'hugepages-2Mi': '0' } } as any
const swaps = 'Filename Type Size Used Priority\n/dev/sdb partition 2097148 0 -2\n/swap file 4 0 -3\n'

/** @param files that are there, and what is in them */
const disk = (files: Record<string, string>) =>
  ({
    exists: async (path: string) => path in files,
    readText: async (path: string) => files[path] ?? Promise.reject(new Error(path)),
  }) as unknown as Disk

it('swap counts where control groups of version 2 count it', async () => {
  const own = { '/proc/self/cgroup': '0::/system.slice/agent\n', '/proc/swaps': swaps }
  const v2 = { ...own, '/sys/fs/cgroup/cgroup.controllers': 'memory' }
  const counted = { ...v2, '/sys/fs/cgroup/system.slice/agent/memory.swap.max': 'max' }
  const all = await Promise.all(
    [own, v2, counted].map(files => readHostMemory(disk(files), machine, { swapBehavior: 'LimitedSwap' })),
  )
  expect(all.map(({ unified, swapBytes }) => [unified, swapBytes])).toEqual([
    [false, 0],
    [true, 0],
    [true, 2 ** 31],
  ])
  expect(all[2]).toMatchObject({ bytes: 2 ** 33, hugepages: ['hugepages-2Mi'], swapBehavior: 'LimitedSwap' })
})

it('a container that is out of memory ends as a whole with version 2 only, and unless one process may', async () => {
  const v2 = { '/sys/fs/cgroup/cgroup.controllers': 'memory' }
  const oomGroup = async (files: Record<string, string>, singleProcessOomKill?: boolean) =>
    (await readHostMemory(disk(files), machine, singleProcessOomKill === undefined ? {} : { singleProcessOomKill }))
      .oomGroup
  expect(await Promise.all([oomGroup({}), oomGroup(v2), oomGroup(v2, false), oomGroup(v2, true)])).toEqual([
    false,
    true,
    true,
    false,
  ])
})
