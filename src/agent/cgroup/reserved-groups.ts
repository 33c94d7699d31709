import { explain } from '../../base/errors.ts'
import { quantityToMillis, quantityToNumber } from '../../base/quantity.ts'
import type { Reservation } from '../node/reservation.ts'
import { cpuShares } from '../pod/resources.ts'
import { filesOf, type GroupFile } from './group-limits.ts'
import { CgroupFailed, type Hierarchy } from './hierarchy.ts'

/** A group of programs that are no pods, which gets no more than what is kept off pods for it. Somebody else makes it. */
export interface ReservedGroup {
  /** Whose programs: those of the machine, or those that make it a node. */
  of: 'system' | 'kube'
  /** `/system.slice` */
  group: string
  amounts: Reservation
  /** Only its share of the processors: its memory and its processes are not bounded. */
  compressibleOnly: boolean
}

/** How each is told of, by kubelet's words. */
export interface EnforcedReservation {
  reason: 'NodeAllocatableEnforced' | 'FailedNodeAllocatableEnforcement'
  message: string
}

/** What is written into the group, in order; only what is reserved is bounded. Pure. */
export function reservedFiles({ amounts, compressibleOnly }: ReservedGroup, version: 1 | 2): GroupFile[] {
  const { cpu, memory, pid } = amounts
  const bounded = new Set([
    ...(cpu ? ['cpu.shares', 'cpu.weight'] : []),
    ...(memory && !compressibleOnly ? ['memory.limit_in_bytes', 'memory.max'] : []),
    ...(pid && !compressibleOnly ? ['pids.max'] : []),
  ])
  const limits = {
    cpuShares: cpuShares(quantityToMillis(cpu ?? '0')),
    ...(memory ? { memoryBytes: quantityToNumber(memory) } : {}),
    ...(pid ? { pids: quantityToNumber(pid) } : {}),
  }
  return filesOf(limits, version).filter(({ name }) => bounded.has(name))
}

/** Bounds the groups of what is reserved. Never rejects: what the kernel refuses is told, and the others are bounded. */
export function enforceReserved(
  hierarchy: Hierarchy,
  groups: readonly ReservedGroup[],
): Promise<EnforcedReservation[]> {
  return Promise.all(
    groups.map(async (reserved): Promise<EnforcedReservation> => {
      const { of, group, compressibleOnly } = reserved
      try {
        if ((await hierarchy.madeAtMs(group)) === undefined)
          throw new CgroupFailed(
            `there is no such control group; make it, or leave ${of}-reserved out of --enforce-node-allocatable`,
          )
        await hierarchy.write(group, reservedFiles(reserved, hierarchy.version))
        return { reason: 'NodeAllocatableEnforced', message: `Updated limits on ${of} reserved cgroup ${group}` }
      } catch (error) {
        const name = of === 'system' ? 'System' : 'Kube'
        const what = `${name} Reserved ${compressibleOnly ? 'Compressible ' : ''}Cgroup Limits`
        const message = `Failed to enforce ${what} on "${group}": ${explain(error)}`
        return { reason: 'FailedNodeAllocatableEnforcement', message }
      }
    }),
  )
}
