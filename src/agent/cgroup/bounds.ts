import { periodMicros } from '../pod/resources.ts'
import type { GroupLimits } from './group-limits.ts'
import type { Hierarchy } from './hierarchy.ts'

/** More than any machine has: version 1 says so of what has no limit. */
const endless = 2 ** 62

/** What the kernel holds a group to. Undefined: the group is not there. */
export async function readBounds(hierarchy: Hierarchy, group: string): Promise<GroupLimits | undefined> {
  const read = (name: string) => hierarchy.read(name.split('.')[0]!, group, name)
  const [weight, quota, memory] =
    hierarchy.version === 2
      ? await Promise.all([read('cpu.weight'), read('cpu.max'), read('memory.max')])
      : await Promise.all([read('cpu.shares'), read('cpu.cfs_quota_us'), read('memory.limit_in_bytes')])
  if (!Number(weight)) return undefined
  const [micros = Number.NaN, period = periodMicros] = quota.split(/\s+/).filter(Boolean).map(Number)
  const bytes = Number.parseInt(memory, 10)
  return {
    cpuShares: hierarchy.version === 2 ? sharesOf(Number(weight)) : Number(weight),
    ...(micros > 0 ? { cpuQuotaMicros: (micros * periodMicros) / period } : {}),
    ...(bytes >= 0 && bytes < endless ? { memoryBytes: bytes } : {}),
  }
}

/** As version 1 counts: 2…262144 for 1…10000. */
const sharesOf = (weight: number) => Math.round(2 + ((weight - 1) * 262_142) / 9_999)
