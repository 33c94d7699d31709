import type { Disk } from '../../base/disk.ts'
import { quantityOf } from '../../base/quantity.ts'

/** Bytes by resource: `memory`, `hugepages-2Mi`. */
export type MemoryAmounts = Readonly<Record<string, number>>

/** What memory each NUMA node has; `memory` is all of it, its huge pages included. */
export type MemoryZones = ReadonlyMap<number, MemoryAmounts>

export const isMemory = (resource: string): boolean => resource === 'memory' || resource.startsWith('hugepages-')

/** What the kernel tells. Where it knows no NUMA, the one node has the memory of the machine. */
export async function readMemoryZones(
  disk: Pick<Disk, 'readText' | 'list'>,
  nodes: readonly number[],
): Promise<MemoryZones> {
  const zones = new Map<number, MemoryAmounts>()
  for (const node of nodes) zones.set(node, await readZone(disk, node))
  return zones
}

async function readZone(disk: Pick<Disk, 'readText' | 'list'>, node: number): Promise<MemoryAmounts> {
  const folder = `/sys/devices/system/node/node${node}`
  const read = (path: string) => disk.readText(path).catch(() => '')
  const known = (await read(`${folder}/meminfo`)) || (await read('/proc/meminfo'))
  const out: Record<string, number> = { memory: Number(/MemTotal:\s+(\d+) kB/.exec(known)?.[1] ?? 0) * 1024 }
  for (const pages of [`${folder}/hugepages`, '/sys/kernel/mm/hugepages']) {
    const sizes = await disk.list(pages).catch(() => [])
    for (const { name } of sizes) {
      const kibibytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0)
      const count = Number((await read(`${pages}/${name}/nr_hugepages`)).trim() || 0)
      if (kibibytes) out[`hugepages-${quantityOf(kibibytes * 1024, 'BinarySI')}`] = count * kibibytes * 1024
    }
    if (sizes.length) break
  }
  return out
}
