import type {
  AllocationResult,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '../../models/types/resource-v1beta1.ts'
import { ObjectTable } from '../object-table.ts'

export const deviceId = ({ driver, pool, device }: Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device'>) =>
  `${driver}/${pool}/${device}`

/** Which devices somebody has. */
export interface DevicesInUse {
  has(id: string): boolean
}

/** Devices of an allocation that nobody else may have: who only administers one does not have it. */
function* takenBy(allocation: AllocationResult | undefined): Iterable<string> {
  for (const result of allocation?.devices?.results ?? []) if (!result.adminAccess) yield deviceId(result)
}

/** Claims, and the devices that they have, counted as claims come and go. */
export class ClaimTable extends ObjectTable<ResourceClaim> {
  readonly #uses = new Map<string, number>()

  override set(claim: ResourceClaim): ResourceClaim | undefined {
    const old = super.set(claim)
    this.#count(old, -1)
    this.#count(claim, 1)
    return old
  }

  override delete(claim: ResourceClaim): ResourceClaim | undefined {
    const old = super.delete(claim)
    this.#count(old, -1)
    return old
  }

  /** @param promised what claims are about to get */
  inUse(promised: Iterable<AllocationResult>): DevicesInUse {
    const soon = new Set<string>()
    for (const allocation of promised) for (const id of takenBy(allocation)) soon.add(id)
    return { has: id => this.#uses.has(id) || soon.has(id) }
  }

  #count(claim: ResourceClaim | undefined, by: number): void {
    for (const id of takenBy(claim?.status?.allocation)) {
      const uses = (this.#uses.get(id) ?? 0) + by
      if (uses) this.#uses.set(id, uses)
      else this.#uses.delete(id)
    }
  }
}
