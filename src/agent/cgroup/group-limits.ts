import { periodMicros } from '../pod/resources.ts'

/** What a control group bounds, whatever version the kernel has. What is absent is not bounded. */
export interface GroupLimits {
  /** As version 1 counts: 1024 is one core, 2…262144. */
  cpuShares: number
  /** Processor time in each period of 100 ms. */
  cpuQuotaMicros?: number
  memoryBytes?: number
  pids?: number
  /** By size as the kernel names it: `2MB`. */
  hugepages?: ReadonlyMap<string, number>
}

export type Controller = 'cpu' | 'memory' | 'pids' | 'hugetlb'

export interface GroupFile {
  controller: Controller
  name: string
  value: string
  /** A kernel without the file is fine: it does the same anyhow, or has nothing to bound. */
  optional: boolean
}

/** The files of a group and what is written into them, in order. Pure. */
export function filesOf(limits: GroupLimits, version: 1 | 2): GroupFile[] {
  const { cpuShares, cpuQuotaMicros: quota, memoryBytes, pids, hugepages = new Map() } = limits
  const file = (controller: Controller, name: string, value: number | string, optional = false): GroupFile => {
    return { controller, name, value: String(value), optional }
  }
  const bound = (controller: Controller, name: string, value: number | undefined, none: string) =>
    file(controller, name, value ?? none, value === undefined)
  const sizes = [...hugepages]
  if (version === 2)
    return [
      file('cpu', 'cpu.weight', weightOf(cpuShares)),
      file('cpu', 'cpu.max', `${quota ?? 'max'} ${periodMicros}`, quota === undefined),
      bound('memory', 'memory.max', memoryBytes, 'max'),
      bound('pids', 'pids.max', pids, 'max'),
      ...sizes.map(([size, bytes]) => file('hugetlb', `hugetlb.${size}.max`, bytes, true)),
    ]
  return [
    file('cpu', 'cpu.shares', cpuShares),
    file('cpu', 'cpu.cfs_period_us', periodMicros, quota === undefined),
    bound('cpu', 'cpu.cfs_quota_us', quota, '-1'),
    bound('memory', 'memory.limit_in_bytes', memoryBytes, '-1'),
    bound('pids', 'pids.max', pids, 'max'),
    ...sizes.map(([size, bytes]) => file('hugetlb', `hugetlb.${size}.limit_in_bytes`, bytes, true)),
  ]
}

/**
 * Version 2's weight for version 1's shares, as runc and kubelet reckon.
 * @param shares 2…262144
 * @returns 1…10000
 */
export const weightOf = (shares: number) => 1 + Math.floor(((shares - 2) * 9999) / 262_142)
