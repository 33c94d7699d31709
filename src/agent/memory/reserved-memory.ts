import { OptiFlowError } from '../../base/errors.ts'
import { addQuantities, compareQuantities, quantityToNumber } from '../../base/quantity.ts'
import type { Reservation } from '../node/reservation.ts'
import { isMemory, type MemoryAmounts, type MemoryZones } from './memory-zones.ts'

/** What of one NUMA node's memory no container has for itself; as in a kubelet's configuration. */
export interface ReservedMemory {
  numaNode: number
  /** `memory`, `hugepages-2Mi`: quantities. */
  limits: Record<string, string>
}

/** What is reserved by NUMA node is not what is reserved of the machine, or is not there. */
export class BadReservedMemory extends OptiFlowError {}

/**
 * What each NUMA node keeps for the system, in bytes.
 * @param kept all that pods may not request of the machine: the amounts of the NUMA nodes must be just that together
 * @throws BadReservedMemory
 */
export function reservedByNode(
  reserved: readonly ReservedMemory[],
  zones: MemoryZones,
  kept: Reservation,
): ReadonlyMap<number, MemoryAmounts> {
  const out = new Map<number, Record<string, number>>()
  const sums: Record<string, string> = {}
  for (const { numaNode, limits } of reserved) {
    const zone = zones.get(numaNode)
    if (!zone)
      throw new BadReservedMemory(`--reserved-memory names NUMA node ${numaNode}, which this machine has not`, {
        hint: `Choose from ${[...zones.keys()].join(', ')}.`,
      })
    for (const [type, amount] of Object.entries(limits)) {
      const ofNode = out.get(numaNode) ?? {}
      ofNode[type] = (ofNode[type] ?? 0) + quantityToNumber(amount)
      out.set(numaNode, ofNode)
      sums[type] = sums[type] === undefined ? amount : addQuantities(sums[type], amount)
      const has = zone[type] ?? 0
      if (ofNode[type] > has)
        throw new BadReservedMemory(
          `--reserved-memory keeps ${ofNode[type]} bytes of ${type} on NUMA node ${numaNode}, which has ${has}`,
          { hint: 'Reserve less of it there, and the rest on other NUMA nodes.' },
        )
    }
  }
  checkSums(sums, kept)
  return out
}

function checkSums(sums: Readonly<Record<string, string>>, kept: Reservation): void {
  for (const type of new Set([...Object.keys(sums), ...Object.keys(kept).filter(isMemory)])) {
    const [byNodes, whole] = [sums[type] ?? '0', kept[type] ?? '0']
    if (compareQuantities(byNodes, whole) === 0) continue
    throw new BadReservedMemory(
      `--reserved-memory keeps ${byNodes} of ${type} on all NUMA nodes together, but ${whole} is what --system-reserved, --kube-reserved and the hard threshold of --eviction-hard keep of the machine`,
      { hint: `Let the amounts be the same: --reserved-memory 0:${type}=${whole}, or spread it over the NUMA nodes.` },
    )
  }
}
