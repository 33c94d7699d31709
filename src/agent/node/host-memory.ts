import type { Disk } from '../../base/disk.ts'
import { quantityToNumber } from '../../base/quantity.ts'
import { hugepageSizes } from '../pod/hugepages.ts'
import type { Machine } from './machine.ts'

/** Which containers may be swapped out, by kubelet's words. */
export type SwapBehavior = 'NoSwap' | 'LimitedSwap'

/** What bounds of containers' memory rest on. */
export interface HostMemory {
  bytes: number
  /** 0: none, or the kernel does not count it by control groups. */
  swapBytes: number
  swapBehavior: SwapBehavior
  /** Of huge pages, as the node's capacity names them: `hugepages-2Mi`. */
  hugepages: readonly string[]
  /** Control groups are of version 2. */
  unified: boolean
  /** A container that is out of memory ends as a whole. */
  oomGroup: boolean
}

/** A node without containers. */
export const simulatedMemory = ({ capacity }: Machine): HostMemory => ({
  bytes: quantityToNumber(capacity['memory'] ?? '0'),
  swapBytes: 0,
  swapBehavior: 'NoSwap',
  hugepages: [],
  unified: false,
  oomGroup: false,
})

/** What of it is a matter of choice. */
export interface MemoryChoices {
  swapBehavior?: SwapBehavior
  singleProcessOomKill?: boolean
}

/** Reads what of it the machine has. */
export async function readHostMemory(
  disk: Disk,
  { capacity }: Machine,
  { swapBehavior = 'NoSwap', singleProcessOomKill = false }: MemoryChoices = {},
): Promise<HostMemory> {
  const unified = await disk.exists('/sys/fs/cgroup/cgroup.controllers')
  const swaps = unified && (await countsSwap(disk)) ? await disk.readText('/proc/swaps').catch(() => '') : ''
  const kibibytes = swaps
    .split('\n')
    .slice(1)
    .map(line => Number(line.split(/\s+/)[2] ?? 0))
  return {
    bytes: quantityToNumber(capacity['memory'] ?? '0'),
    swapBytes: kibibytes.reduce((sum, size) => sum + size * 1024, 0),
    swapBehavior,
    hugepages: hugepageSizes(capacity),
    unified,
    oomGroup: unified && !singleProcessOomKill,
  }
}

/** The group that everything is in has no such file: our own is looked at, and that of all pods. */
async function countsSwap(disk: Disk): Promise<boolean> {
  const own = /^0::(.*)$/m.exec(await disk.readText('/proc/self/cgroup').catch(() => ''))?.[1] ?? '/'
  const looks = [own, '/kubepods'].map(group => disk.exists(`/sys/fs/cgroup${group}/memory.swap.max`))
  return (await Promise.all(looks)).some(Boolean)
}
